import { sign } from "../products/sign.ts";
import { ExactNumber, isRecord, parseJson } from "../util/json.ts";
import {
  type Answer,
  type ApiRecord,
  type ApiRequest,
  type RecordStore,
  Refusal,
  type Service,
  type Subscription,
} from "./answer.ts";
import type { Deliveries } from "./deliveries.ts";
import { counted, onlyKey } from "./records.ts";
import { memberOf, nextId, type SignAction, type SignHook, type SignRequest, type SignState } from "./state.ts";

type Data = Readonly<Record<string, unknown>>;

const HOOKS_PATH = "/api/v1/accounts/webhooks";
/** The actions that a webhook subscribes to, by what its deliveries call them. */
const ACTIONS: Readonly<Record<string, string>> = {
  RequestSubmitted: "Sent",
  RequestViewed: "Viewed",
  RequestSigningSuccess: "Sign",
  RequestCompleted: "Completed",
  RequestRejected: "Declined",
  RequestRecalled: "Recalled",
  RequestForwarded: "Forward",
  RequestExpired: "Expired",
};
const TYPES = ["SIGN", "VIEW", "APPROVER", "INPERSONSIGN"];
/** https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-management */
const MAX_HOOKS = 2;
/** https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-best-practices */
const MAX_FAILURES = 20;
const EXPIRATION_DAYS = 15;
const DAY_MS = 86_400_000;
const OWNER = { email: "legal@example.com", first: "Ines", last: "Prado" };
const OWNER_ID = "100000000000000019";
const ORG_ID = "70000001";
const [wire] = sign.formats;

/** What can happen to a request. Zoho has no public API for its recipients, so their part is a `change` of the request. */
const STEPS = ["submit", "view", "sign", "decline", "forward", "recall", "expire"] as const;
type Step = (typeof STEPS)[number];

const OWNER_STEPS: Readonly<
  Record<string, Pick<SignRequest, "status"> & { readonly operation: string; readonly activity: string }>
> = {
  submit: { status: "inprogress", operation: "RequestSubmitted", activity: "Document has been sent for signature" },
  recall: { status: "recalled", operation: "RequestRecalled", activity: "Document has been recalled" },
  expire: { status: "expired", operation: "RequestExpired", activity: "Document has expired" },
};

/** Requests and webhooks of one Zoho Sign account. Ids of webhooks are JSON numbers of 18 digits, as integrations see them. */
export class Sign implements Service, RecordStore {
  readonly product = "sign";
  readonly #state: { sign: SignState };
  readonly #deliveries: Pick<Deliveries, "send">;
  readonly #now: () => number;

  constructor(state: { sign: SignState }, deliveries: Pick<Deliveries, "send">, now: () => number) {
    this.#state = state;
    this.#deliveries = deliveries;
    this.#now = now;
  }

  get hooks(): readonly SignHook[] {
    return this.#state.sign.hooks;
  }

  subscriptions(): readonly Subscription[] {
    return this.hooks.map((hook) => ({
      product: this.product,
      id: hook.id,
      url: String(hook.form.webhook_url),
      events: actionsOf(hook),
      enabled: isEnabled(hook),
    }));
  }

  modules() {
    return counted({ requests: this.#state.sign.requests });
  }

  list(module: string, limit: number): readonly ApiRecord[] {
    return this.#newestFirst(module)
      .slice(0, limit)
      .map((request) => ({ id: request.id, ...shown(request) }));
  }

  /** A draft; `actions` are its recipients. */
  create(module: string, data: Data): ApiRecord {
    this.#requests(module);
    const { request_name: name, actions, is_sequential: isSequential = true, documents = [] } = data;
    const { expiration_days: expirationDays = EXPIRATION_DAYS } = data;
    if (typeof name !== "string" || name === "") throw wrong("request_name");
    if (typeof isSequential !== "boolean") throw wrong("is_sequential");
    if (!(typeof expirationDays === "number" && expirationDays >= 1)) throw wrong("expiration_days");
    if (!Array.isArray(actions) || actions.length === 0) throw wrong("actions");
    const now = this.#now();
    const id = nextId(this.#state.sign);
    const request: SignRequest = {
      id,
      name,
      status: "draft",
      isSequential,
      expirationDays,
      documents: (Array.isArray(documents) && documents.length > 0 ? documents : ["document.pdf"]).map((each) => ({
        id: nextId(this.#state.sign),
        name: String(each),
      })),
      actions: actions.map((each, i) => this.#newAction(each, i)),
      createdAt: now,
      modifiedAt: now,
    };
    this.#state.sign.requests[id] = request;
    return { id, ...shown(request) };
  }

  /** `{action: "sign"}` is by the next recipient, or by that of `action_id`. */
  change(module: string, id: string, data: Data): ApiRecord {
    this.#requests(module);
    const request = this.#request(id);
    const step = STEPS.find((each) => each === data.action);
    if (step === undefined) throw refusal(400, 9043, `action is not one of ${STEPS.join(", ")}`);
    this.#take(step, request, data);
    return { id, ...shown(request) };
  }

  remove(module: string, id: string): void {
    this.#requests(module);
    this.#request(id);
    delete this.#state.sign.requests[id];
  }

  /** Ends the requests whose time is over. */
  expire(): void {
    for (const request of Object.values(this.#state.sign.requests))
      if (request.status === "inprogress" && (request.expiresAt ?? 0) <= this.#now()) this.#take("expire", request, {});
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const { path } = request;
    if (path === HOOKS_PATH || path.startsWith(`${HOOKS_PATH}/`)) return this.#answerHooks(request, scopes);
    const parts = /^\/api\/v1\/requests(?:\/(\d+)(?:\/(submit|recall|delete))?)?$/.exec(path);
    if (parts === null) return undefined;
    this.expire();
    const [, id, step] = parts;
    const route = `${request.method}${id === undefined ? "" : " id"}${step === undefined ? "" : ` ${step}`}`;
    const scope = memberOf(ROUTE_SCOPES, route);
    if (scope === undefined) return fault(404, 9004, "no such URL");
    if (![scope, "ALL"].some((each) => scopes.includes(`ZohoSign.documents.${each}`)))
      return fault(401, 9041, "Invalid Oauth Scope");
    if (id === undefined) return request.method === "GET" ? this.#listRequests(request.query) : this.#upload(request);
    const found = this.#request(id);
    if (step === "submit" || step === "recall") this.#take(step, found, {});
    if (step === "delete") this.remove("requests", id);
    if (step === "recall") {
      return success({ message: "Document has been recalled", action_time: this.#now() });
    }
    return success(step === "delete" ? { message: "Document has been deleted" } : { requests: shown(found) });
  }

  #upload({ headers, form, text }: ApiRequest): Answer {
    if (!isMultipart(headers["content-type"])) return fault(400, 9039, "a multipart form is expected");
    const { requests = {} } = readObject(form.get("data"), "data");
    const documents = [...text.matchAll(/; filename="([^"\r\n]*)"/g)].map(([, name]) => name);
    const { id } = this.create("requests", { ...Object(requests), documents });
    return success({ requests: shown(this.#request(id)), message: "Document has been uploaded" });
  }

  #listRequests(query: URLSearchParams): Answer {
    const { page_context: context = {} } = readObject(query.get("data") ?? "{}", "data");
    const { row_count: count = 10, start_index: start = 1 } = Object(context);
    if (!(count >= 1 && count <= 100 && start >= 1)) return fault(400, 9039, "page_context is not right");
    const all = this.#newestFirst("requests");
    const requests = all.slice(start - 1, start - 1 + count).map(shown);
    const has_more_rows = all.length > start - 1 + count;
    return success({
      requests,
      page_context: { row_count: requests.length, start_index: start, total_count: all.length, has_more_rows },
    });
  }

  #requests(module: string): SignState["requests"] {
    if (module === "requests") return this.#state.sign.requests;
    throw refusal(404, 9004, "no such URL");
  }

  #newestFirst(module: string): readonly SignRequest[] {
    return Object.values(this.#requests(module)).toReversed();
  }

  #request(id: string): SignRequest {
    const request = memberOf(this.#state.sign.requests, id);
    if (request !== undefined) return request;
    throw refusal(400, 20405, "No match found");
  }

  #newAction(each: unknown, i: number): SignAction {
    const { recipient_email: email, recipient_name: name = email, action_type: type = "SIGN" }: Data = Object(each);
    const { signing_order: order = i + 1 }: Data = Object(each);
    if (typeof email !== "string" || !email.includes("@")) throw wrong("recipient_email");
    if (!TYPES.includes(String(type))) throw wrong("action_type");
    if (typeof order !== "number") throw wrong("signing_order");
    return { id: nextId(this.#state.sign), type: String(type), order, name: String(name), email, status: "NOACTION" };
  }

  #take(step: Step, request: SignRequest, data: Data): void {
    if (request.status !== (step === "submit" ? "draft" : "inprogress"))
      throw refusal(400, 4066, `${step} is not possible: the request is ${request.status}`);
    request.modifiedAt = this.#now();
    const reason = typeof data.reason === "string" ? data.reason : "";
    const ofOwner = memberOf(OWNER_STEPS, step);
    if (ofOwner === undefined) this.#act(step, request, { ...data, reason });
    else {
      request.status = ofOwner.status;
      if (step === "submit") {
        request.expiresAt = request.modifiedAt + request.expirationDays * DAY_MS;
        mailNext(request);
      }
      this.#post(ofOwner.operation, request, ofOwner.activity, undefined, reason);
    }
  }

  /** What a recipient does. */
  #act(step: Step, request: SignRequest, data: Data & { readonly reason: string }): void {
    const { email, name = email, reason } = data;
    const action = pendingAction(request, data.action_id);
    const before = { ...action };
    if (step === "view") {
      action.status = "VIEWED";
      this.#post("RequestViewed", request, "Document has been viewed", action);
    } else if (step === "decline") {
      request.status = "declined";
      this.#post("RequestRejected", request, "Document has been declined", action, reason);
    } else if (step === "forward") {
      if (typeof email !== "string" || !email.includes("@")) throw wrong("email");
      Object.assign(action, { email, name: String(name), status: "UNOPENED" });
      this.#post("RequestForwarded", request, `Document has been forwarded to ${email}`, before, reason);
    } else {
      action.status = "SIGNED";
      const isLast = request.actions.every(({ status }) => status === "SIGNED");
      if (isLast) request.status = "completed";
      else mailNext(request);
      this.#post("RequestSigningSuccess", request, "Document has been signed", action);
      if (isLast) this.#post("RequestCompleted", request, "Document has been completed", action);
    }
  }

  /** Posts what happened to the webhooks that subscribe to it. `by` is the recipient who did it; without one, the owner. */
  #post(operation: string, request: SignRequest, activity: string, by?: SignAction, reason = ""): void {
    const notifications = {
      performed_by_email: by?.email ?? OWNER.email,
      performed_by_name: by?.name ?? `${OWNER.first} ${OWNER.last}`,
      performed_at: this.#now(),
      reason,
      activity,
      operation_type: operation,
      ...(by && { action_id: by.id, signing_order: by.order }),
      ip_address: "127.0.0.1",
    };
    for (const hook of this.hooks) {
      if (!isEnabled(hook) || !actionsOf(hook).includes(memberOf(ACTIONS, operation) ?? "")) continue;
      this.#deliveries.send({
        product: this.product,
        format: wire,
        event: operation,
        url: String(hook.form.webhook_url),
        body: withNumericIds({ requests: shown(request), notifications }),
        secrets: onlyKey("secret", hook.secret),
        timeoutMs: wire.answer.withinMs,
        onAnswer: (status) => {
          // An answer that comes late does not enable it again.
          if (isEnabled(hook)) hook.failures = status === 200 ? 0 : hook.failures + 1;
        },
      });
    }
  }

  #answerHooks(request: ApiRequest, scopes: readonly string[]): Answer {
    if (!scopes.includes("ZohoSign.account.ALL")) return fault(401, 9041, "Invalid Oauth Scope");
    const id = request.path.slice(HOOKS_PATH.length + 1);
    if (request.method === "GET" && id === "") return this.#listHooks(request.query.get("data"));
    if (request.method === "POST" && id === "") return this.#createHook(request);
    if (request.method !== "DELETE" || id === "") return fault(404, 9004, "no such URL");
    if (!this.hooks.some((hook) => hook.id === id)) return fault(400, 9015, "no such webhook");
    this.#state.sign.hooks = this.hooks.filter((hook) => hook.id !== id);
    return success({ message: "deleted" });
  }

  #listHooks(data: string | null): Answer {
    const { row_count: count, start_index: start } = Object(readObject(data ?? "{}", "data").page_context);
    if (!Number.isInteger(count) || !(start >= 1)) return fault(400, 9039, "page_context is missing");
    const webhooks = this.hooks.slice(start - 1, start - 1 + count).map((hook) => {
      const { id, form } = hook;
      return `{"webhook_id":${id},${JSON.stringify({
        webhook_url: form.webhook_url,
        webhook_status: isEnabled(hook) ? "Active" : "Inactive",
        purpose: form.purpose,
        web_actions: form.webhook_actions,
        environment: form.environment,
      }).slice(1)}`;
    });
    return { status: 200, body: `{"code":0,"webhooks":[${webhooks.join(",")}],"status":"success"}` };
  }

  #createHook({ headers, form }: ApiRequest): Answer {
    if (!isMultipart(headers["content-type"])) return fault(400, 9039, "a multipart form is expected");
    const fields = Object.fromEntries(form);
    const actions = (fields.webhook_actions ?? "").split(",");
    if (!URL.canParse(fields.webhook_url ?? "")) return fault(400, 9043, "webhook_url");
    if (!actions.every((each) => Object.values(ACTIONS).includes(each))) return fault(400, 9043, "webhook_actions");
    if (fields.environment !== "PRODUCTION" || !fields.purpose) return fault(400, 9043, "environment or purpose");
    if (this.hooks.length >= MAX_HOOKS) return fault(400, 9101, "Only two webhooks can be created");
    const settings = fields.webhook_security_settings;
    const security = readObject(settings ?? "{}", "webhook_security_settings");
    if (settings !== undefined && security.webhook_security_type !== "HMAC") throw wrong("webhook_security_settings");
    const { secret_key: key } = Object(security.hmac_security_info);
    const secret = typeof key === "string" ? key : undefined;
    const hook: SignHook = { id: nextId(this.#state.sign), form: fields, secret, failures: 0 };
    this.#state.sign.hooks.push(hook);
    return { status: 200, body: `{"code":0,"webhook":{"webhook_id":${hook.id}},"status":"success"}` };
  }
}

/** Scopes of `ZohoSign.documents` by method and path. */
const ROUTE_SCOPES: Readonly<Record<string, string>> = {
  GET: "READ",
  POST: "CREATE",
  "GET id": "READ",
  "POST id submit": "UPDATE",
  "POST id recall": "UPDATE",
  "PUT id delete": "DELETE",
};

function isEnabled({ failures }: SignHook): boolean {
  return failures < MAX_FAILURES;
}

function actionsOf({ form }: SignHook): readonly string[] {
  return String(form.webhook_actions).split(",");
}

/** Mails the recipients whose turn it is: all at once, or those with the lowest order that have not signed. */
function mailNext({ actions, isSequential }: SignRequest): void {
  const next = Math.min(...actions.filter(({ status }) => status !== "SIGNED").map(({ order }) => order));
  for (const action of actions)
    if (action.status === "NOACTION" && (!isSequential || action.order === next)) action.status = "UNOPENED";
}

/** The recipient with that id, or the first who can act. */
function pendingAction({ actions }: SignRequest, id: unknown): SignAction {
  const pending = actions.filter(({ status }) => status === "UNOPENED" || status === "VIEWED");
  const action =
    id === undefined ? pending.toSorted((a, b) => a.order - b.order)[0] : pending.find((each) => each.id === id);
  if (action !== undefined) return action;
  throw refusal(400, 9043, "action_id is not that of a recipient whose turn it is");
}

/** A request as the API answers it. */
function shown(request: SignRequest): Data {
  const { id, name, status, isSequential, expirationDays, documents, actions, createdAt, modifiedAt, expiresAt } =
    request;
  return {
    request_status: status,
    owner_email: OWNER.email,
    owner_id: OWNER_ID,
    owner_first_name: OWNER.first,
    owner_last_name: OWNER.last,
    org_id: ORG_ID,
    request_name: name,
    request_id: id,
    request_type_name: "Others",
    request_type_id: "100000000000000135",
    document_ids: documents.map((document, i) => ({
      document_name: document.name,
      document_id: document.id,
      document_order: String(i),
      total_pages: 1,
    })),
    self_sign: false,
    is_deleted: false,
    is_sequential: isSequential,
    expiration_days: expirationDays,
    created_time: createdAt,
    modified_time: modifiedAt,
    action_time: modifiedAt,
    ...(expiresAt !== undefined && { expire_by: expiresAt }),
    zsdocumentid: `EMULATED-${id}`,
    actions: actions.map((action) => ({
      action_id: action.id,
      action_type: action.type,
      action_status: action.status,
      recipient_name: action.name,
      recipient_email: action.email,
      role: "",
      signing_order: action.order,
    })),
  };
}

/** Ids in deliveries are JSON numbers, of which many clients lose digits. */
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

function isMultipart(contentType: string | string[] | undefined): boolean {
  return String(contentType).startsWith("multipart/form-data; boundary=");
}

function success(body: Data): Answer {
  return { status: 200, body: { code: 0, ...body, status: "success" } };
}

function wrong(name: string): Refusal {
  return refusal(400, 9043, `the value of ${name} is not right`);
}

function refusal(status: number, code: number, message: string): Refusal {
  return new Refusal(fault(status, code, message));
}

function fault(status: number, code: number, message: string): Answer {
  return { status, body: { code, message, status: "failure" } };
}
