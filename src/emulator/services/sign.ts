import { z } from "zod";
import { sign as product } from "../../products/sign.ts";
import { ExactNumber, isRecord, parseJson, writeJson } from "../../util/json.ts";
import {
  type Answer,
  type ApiRecord,
  type ApiRequest,
  Refusal,
  Unmodelled,
  type Wording,
  wordingOf,
} from "../answer.ts";
import type { Call, Handler, Routes } from "../routes.ts";
import { allows } from "../scopes.ts";
import { defineService } from "../service.ts";
import { memberOf, textOf } from "../state.ts";
import { type Data, flawIn, onlyKey, type Row, Store, type StoreState, storeState } from "./store.ts";

const HOOKS_PATH = "/api/v1/accounts/webhooks";
const REQUESTS_PATH = "/api/v1/requests";
/** What can happen to a request: what its deliveries call it, the action that a webhook subscribes to, and the new status. */
const STEPS: Readonly<Record<string, readonly [operation: string, action: string, status?: string]>> = {
  submit: ["RequestSubmitted", "Sent", "inprogress"],
  view: ["RequestViewed", "Viewed"],
  sign: ["RequestSigningSuccess", "Sign"],
  complete: ["RequestCompleted", "Completed", "completed"],
  decline: ["RequestRejected", "Declined", "declined"],
  recall: ["RequestRecalled", "Recalled", "recalled"],
  forward: ["RequestForwarded", "Forward"],
  expire: ["RequestExpired", "Expired", "expired"],
};
/** Those that a recipient takes. Zoho has no public API for them: they are a `change` of the request. */
const OF_RECIPIENTS = ["view", "sign", "decline", "forward"];
const ACTIONS = Object.values(STEPS).map(([, action]) => action);
/** https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-management */
const MAX_HOOKS = 2;
/** https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-best-practices */
const MAX_FAILURES = 20;
const DAY_MS = 86_400_000;
const OWNER = {
  owner_id: "100000000000000019",
  owner_email: "legal@example.com",
  owner_first_name: "Ines",
  owner_last_name: "Prado",
  org_id: "70000001",
};
const [wire] = product.formats;

const hookSchema = z.object({
  id: z.string(),
  form: z.record(z.string(), z.string()).readonly(),
  /** Undefined if it does not sign. */
  secret: z.string().optional(),
  /** Deliveries that have failed in a row. */
  failures: z.number(),
});

type SignHook = z.infer<typeof hookSchema>;

export const sign = defineService<StoreState<SignHook>>({
  name: "sign",
  schema: storeState(hookSchema),
  empty: () => ({ hooks: [], tables: {}, nextId: "100000000000321001" }),
  open: (own, parts) => new Sign(own, parts),
});

const wording: Wording = wordingOf(
  {
    noToken: [401, 9041, "Invalid Oauth token"],
    badToken: [401, 9041, "Invalid Oauth token"],
    badScope: [401, 9041, "Invalid Oauth Scope"],
    wrongMethod: [404, 9004, "no such URL"],
    lacking: [404, 9004, "no such URL"],
    unmodelled: [501, 9004, "the emulator does not model this"],
    tooMany: [429, 9043, "too many requests"],
    broken: [500, 9000, "Internal Error"],
  },
  (code, message) => ({ code, message, status: "failure" }),
);

/** What one recipient has to do. */
interface Action {
  readonly action_id: string;
  readonly action_type: string;
  readonly signing_order: number;
  action_status: "NOACTION" | "UNOPENED" | "VIEWED" | "SIGNED";
  recipient_email: string;
  recipient_name: string;
}

/** Requests and webhooks of one Zoho Sign account. Ids of webhooks are JSON numbers of 18 digits, as integrations see them. */
export class Sign extends Store<SignHook> {
  readonly product = "sign";
  readonly paths = /^\/api\/v1\/(requests|accounts\/webhooks)(\/|$)/;
  readonly fail = wording;
  readonly routes: Routes = {
    [`GET ${HOOKS_PATH}`]: ofAccount(({ query }) => this.#listHooks(query.get("data"))),
    [`POST ${HOOKS_PATH}`]: ofAccount((call) => this.#createHook(call)),
    [`DELETE ${HOOKS_PATH}/{name}`]: ofAccount(({ params }) =>
      this.dropHook(params.name ?? "") ? success({ message: "deleted" }) : failure(400, 9015, "no such webhook"),
    ),
    [`GET ${REQUESTS_PATH}`]: this.#allowed("GET", (call) => this.#list(call)),
    [`POST ${REQUESTS_PATH}`]: this.#allowed("POST", (call) => this.#upload(call)),
    [`GET ${REQUESTS_PATH}/{id}`]: this.#onRequest("GET", () => {}),
    [`POST ${REQUESTS_PATH}/{id}/submit`]: this.#onRequest("PUT", (row) => this.#take("submit", row, {})),
    [`POST ${REQUESTS_PATH}/{id}/recall`]: this.#onRequest("PUT", (row) => this.#take("recall", row, {})),
    [`PUT ${REQUESTS_PATH}/{id}/delete`]: this.#onRequest("DELETE", ({ id }) => this.remove("requests", id)),
  };
  protected readonly moduleNames = ["requests"];
  protected readonly notFound = failure(400, 20405, "No match found");

  protected subscription(hook: SignHook) {
    return { url: String(hook.form.webhook_url), events: actionsOf(hook), enabled: isEnabled(hook) };
  }

  /** Lists and objects may be written as such. */
  subscribe(_product: string, given: Data): void {
    const text = (value: unknown): string =>
      Array.isArray(value) ? value.join(",") : isRecord(value) ? JSON.stringify(value) : textOf(value);
    this.#storeHook(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, text(value)])));
  }

  /** Of a draft. */
  protected checked(_module: string, given: Data): Data {
    const { request_name, actions, is_sequential = true, expiration_days = 15 } = given;
    const { document_ids: names = ["document.pdf"] } = given;
    if (typeof request_name !== "string" || request_name === "") throw wrong("request_name");
    if (!Array.isArray(actions) || actions.length === 0) throw wrong("actions");
    if (!(typeof expiration_days === "number" && expiration_days >= 1)) throw wrong("expiration_days");
    const data = {
      request_status: "draft",
      request_name,
      is_sequential,
      expiration_days,
      document_ids: [names].flat().map((name, i) => ({
        document_name: textOf(name),
        document_id: this.newId(),
        document_order: String(i),
      })),
      actions: actions.map((each, i) => {
        const { recipient_email, recipient_name = recipient_email, action_type = "SIGN" } = Object(each);
        const { signing_order = i + 1 } = Object(each);
        if (!isEmail(recipient_email)) throw wrong("recipient_email");
        const action_status = "NOACTION";
        return { action_id: this.newId(), action_type, action_status, recipient_email, recipient_name, signing_order };
      }),
    };
    const flaw = flawIn(wire, "RequestSubmitted", {
      requests: { ...data, request_id: "0" },
      notifications: { operation_type: "RequestSubmitted" },
    });
    if (flaw !== undefined) throw wrong(flaw);
    return data;
  }

  protected shown(_module: string, { id, record: { data, createdAt, changedAt, expiresAt } }: Row): Data {
    return {
      request_id: id,
      ...OWNER,
      ...data,
      self_sign: false,
      is_deleted: false,
      request_type_name: "Others",
      request_type_id: "100000000000000135",
      created_time: createdAt,
      modified_time: changedAt,
      action_time: changedAt,
      zsdocumentid: `EMULATED-${id}`,
      ...(expiresAt !== undefined && { expire_by: expiresAt }),
    };
  }

  /** Creating and deleting a draft posts nothing. */
  protected written(): void {}

  /** `{action: "sign"}` is by the recipient whose turn it is, or by that of `action_id`. */
  override change(module: string, id: string, data: Data): ApiRecord {
    const row = this.find(module, id);
    this.#take(textOf(data.action), row, data);
    return { id, ...this.shown(module, row) };
  }

  aging(): () => void {
    return () => this.#expire();
  }

  /** Ends the requests whose time is over. */
  #expire(): void {
    for (const row of this.rows("requests"))
      if (statusOf(row) === "inprogress" && Number(row.record.expiresAt) <= this.now()) this.#take("expire", row, {});
  }

  #take(step: string, row: Row, data: Data): void {
    const { record } = row;
    const status = memberOf(STEPS, step)?.[2] ?? statusOf(row);
    if (!Object.hasOwn(STEPS, step) || step === "complete")
      throw refusal(9043, `action is not submit, recall, expire, ${OF_RECIPIENTS.join(", ")}`);
    if (statusOf(row) !== (step === "submit" ? "draft" : "inprogress"))
      throw refusal(4066, `${step} is not possible: the request is ${statusOf(row)}`);
    const actions = structuredClone(record.data.actions) as Action[];
    const by = OF_RECIPIENTS.includes(step) ? actingIn(actions, data.action_id) : undefined;
    const before = by && { ...by };
    if (step === "forward") {
      const { email, name = email } = data;
      if (!isEmail(email)) throw wrong("email");
      Object.assign(actingIn(actions, data.action_id), { recipient_email: email, recipient_name: textOf(name) });
    }
    if (by !== undefined && step === "view") by.action_status = "VIEWED";
    if (by !== undefined && step === "sign") by.action_status = "SIGNED";
    const at = this.now();
    if (step === "submit") record.expiresAt = at + Number(record.data.expiration_days) * DAY_MS;
    if (step === "submit" || step === "sign") mailNext(actions, record.data.is_sequential === true);
    const isLast = actions.every(({ action_status }) => action_status === "SIGNED");
    Object.assign(record, {
      data: { ...record.data, actions, request_status: isLast ? "completed" : status },
      changedAt: at,
    });
    this.#post(step, row, before, data.reason);
    if (isLast) this.#post("complete", row, before);
  }

  /** Posts what happened to the webhooks that subscribe to it. `by` is the recipient who did it; without one, the owner. */
  #post(step: string, row: Row, by: Action | undefined, reason: unknown = ""): void {
    const [operation = "", action = ""] = STEPS[step] ?? [];
    const notifications = {
      performed_by_email: by?.recipient_email ?? OWNER.owner_email,
      performed_by_name: by?.recipient_name ?? `${OWNER.owner_first_name} ${OWNER.owner_last_name}`,
      performed_at: this.now(),
      reason: textOf(reason),
      activity: `Document: ${step}`,
      operation_type: operation,
      ...(by && { action_id: by.action_id, signing_order: by.signing_order }),
      ip_address: "127.0.0.1",
    };
    for (const hook of this.hooks) {
      if (!isEnabled(hook) || !actionsOf(hook).includes(action)) continue;
      this.deliveries.send({
        product: this.product,
        format: wire,
        event: operation,
        url: String(hook.form.webhook_url),
        body: withNumericIds({ requests: this.shown("requests", row), notifications }),
        secrets: onlyKey("secret", hook.secret),
        timeoutMs: wire.sender.answer.withinMs,
        onAnswer: (status) => {
          // An answer that comes late does not enable it again.
          if (isEnabled(hook)) hook.failures = status === 200 ? 0 : hook.failures + 1;
        },
      });
    }
  }

  /** A handler for a token with a scope of documents. Requests whose time is over have ended when it runs. */
  #allowed(method: string, handle: Handler): Handler {
    return (call) => {
      if (!allows(call.scopes, "ZohoSign.documents", method)) return wording("badScope");
      this.#expire();
      return handle(call);
    };
  }

  /** Does something with the request of the path, and answers it. */
  #onRequest(method: string, act: (row: Row) => void): Handler {
    return this.#allowed(method, ({ params }) => {
      const row = this.find("requests", params.id ?? "");
      act(row);
      return success({ requests: this.shown("requests", row) });
    });
  }

  #upload({ form }: ApiRequest): Answer {
    const { requests } = readObject(form.get("data"), "data");
    const document_ids = [...form].filter(([name]) => name !== "data").map(([, fileName]) => fileName);
    const { id } = this.create("requests", { ...Object(requests), ...(document_ids.length > 0 && { document_ids }) });
    return success({ requests: this.shown("requests", this.find("requests", id)) });
  }

  #list(call: Call): Answer {
    const { page_context: given } = readObject(call.query.get("data") ?? "{}", "data");
    const { row_count = 10, start_index = 1, search_columns = {} } = Object(given);
    if (Object.keys(Object(search_columns)).length > 0) throw new Unmodelled("search_columns");
    if (!(isCount(row_count) && row_count <= 100 && isCount(start_index))) throw wrong("page_context");
    const rows = this.rows("requests").slice(start_index - 1, start_index + row_count);
    const page_context = { row_count, start_index, has_more_rows: rows.length > row_count };
    return success({ requests: rows.slice(0, row_count).map((row) => this.shown("requests", row)), page_context });
  }

  #listHooks(data: string | null): Answer {
    const { row_count: count, start_index: start } = Object(readObject(data ?? "{}", "data").page_context);
    if (!isCount(count) || !isCount(start)) return failure(400, 9039, "page_context is missing");
    const webhooks = this.hooks.slice(start - 1, start - 1 + count).map((hook) => {
      const { webhook_url, purpose, webhook_actions: web_actions, environment } = hook.form;
      const webhook_status = isEnabled(hook) ? "Active" : "Inactive";
      return { webhook_id: hook.id, webhook_url, webhook_status, purpose, web_actions, environment };
    });
    return { status: 200, body: writeJson(withNumericIds({ code: 0, webhooks, status: "success" })) };
  }

  #createHook({ headers, form }: ApiRequest): Answer {
    if (!String(headers["content-type"]).startsWith("multipart/form-data; boundary="))
      return failure(400, 9039, "a multipart form is expected");
    const { id } = this.#storeHook(Object.fromEntries(form));
    return {
      status: 200,
      body: writeJson(withNumericIds({ code: 0, webhook: { webhook_id: id }, status: "success" })),
    };
  }

  #storeHook(fields: Readonly<Record<string, string>>): SignHook {
    const actions = (fields.webhook_actions ?? "").split(",");
    if (!URL.canParse(fields.webhook_url ?? "")) throw refusal(9043, "webhook_url");
    if (!actions.every((each) => ACTIONS.includes(each))) throw refusal(9043, "webhook_actions");
    if (fields.environment !== "PRODUCTION" || !fields.purpose) throw refusal(9043, "environment or purpose");
    if (this.hooks.length >= MAX_HOOKS) throw refusal(9101, "Only two webhooks can be created");
    const settings = fields.webhook_security_settings;
    const security = readObject(settings ?? "{}", "webhook_security_settings");
    if (settings !== undefined && security.webhook_security_type !== "HMAC") throw wrong("webhook_security_settings");
    const { secret_key: key } = Object(security.hmac_security_info);
    const secret = typeof key === "string" ? key : undefined;
    return this.addHook({ id: this.newId(), form: fields, secret, failures: 0 });
  }
}

/** A handler for a token with the scope of the account. */
function ofAccount(handle: Handler): Handler {
  return (call) => (allows(call.scopes, "ZohoSign.account", "ALL") ? handle(call) : wording("badScope"));
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1;
}

function isEmail(value: unknown): value is string {
  return typeof value === "string" && /^\S+@\S+$/.test(value);
}

function isEnabled({ failures }: SignHook): boolean {
  return failures < MAX_FAILURES;
}

function actionsOf({ form }: SignHook): readonly string[] {
  return String(form.webhook_actions).split(",");
}

function statusOf({ record }: Row): string {
  return String(record.data.request_status);
}

/** Mails the recipients whose turn it is: all at once, or those with the lowest order of the ones that have not signed. */
function mailNext(actions: readonly Action[], isSequential: boolean): void {
  const open = actions.filter(({ action_status }) => action_status !== "SIGNED");
  const next = Math.min(...open.map(({ signing_order }) => signing_order));
  for (const action of open)
    if (action.action_status === "NOACTION" && (!isSequential || action.signing_order === next))
      action.action_status = "UNOPENED";
}

/** The recipient with that id, or the first whose turn it is. */
function actingIn(actions: readonly Action[], id: unknown): Action {
  const open = actions.filter(({ action_status: status }) => status === "UNOPENED" || status === "VIEWED");
  const sorted = open.toSorted((a, b) => a.signing_order - b.signing_order);
  const found = sorted.find((each) => id === undefined || each.action_id === id);
  if (found !== undefined) return found;
  throw refusal(9043, "action_id is not that of a recipient whose turn it is");
}

/** Ids in deliveries, and those of webhooks, are JSON numbers, of which many clients lose digits. */
function withNumericIds(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((each) => withNumericIds(each));
  if (isRecord(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withNumericIds(each, key)]));
  return name.endsWith("_id") && typeof value === "string" ? new ExactNumber(value) : value;
}

function readObject(text: string | null, name: string): Data {
  const parsed = parseJson(text ?? "");
  if (parsed.ok && isRecord(parsed.value)) return parsed.value;
  throw wrong(name);
}

function success(body: Data): Answer {
  return { status: 200, body: { code: 0, ...body, status: "success" } };
}

function wrong(name: string): Refusal {
  return refusal(9043, `the value of ${name} is not right`);
}

function refusal(code: number, message: string): Refusal {
  return new Refusal(failure(400, code, message));
}

function failure(status: number, code: number, message: string): Answer {
  return { status, body: { code, message, status: "failure" } };
}
