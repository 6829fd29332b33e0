import type { Answer, ApiRequest, Service } from "./answer.ts";
import { nextId, type SignHook, type SignState } from "./state.ts";

const PATH = "/api/v1/accounts/webhooks";
const ACTIONS = ["Sent", "Viewed", "Sign", "Completed", "Declined", "Recalled", "Forward", "Expired"];
/** https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-management */
const MOST = 2;

/** Zoho Sign's webhooks of one account, as an integration calls them. Ids are JSON numbers of 18 digits. */
export class Sign implements Service {
  readonly #state: { sign: SignState };

  constructor(state: { sign: SignState }) {
    this.#state = state;
  }

  get hooks(): readonly SignHook[] {
    return this.#state.sign.hooks;
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    if (request.path !== PATH && !request.path.startsWith(`${PATH}/`)) return undefined;
    if (!scopes.includes("ZohoSign.account.ALL")) return fault(401, 9041, "Invalid Oauth Scope");
    const id = request.path.slice(PATH.length + 1);
    if (request.method === "GET" && id === "") return this.#list(request.query.get("data"));
    if (request.method === "POST" && id === "") return this.#create(request);
    if (request.method !== "DELETE" || id === "") return fault(404, 9004, "no such URL");
    if (!this.hooks.some((hook) => hook.id === id)) return fault(400, 9015, "no such webhook");
    this.#state.sign.hooks = this.hooks.filter((hook) => hook.id !== id);
    return { status: 200, body: { code: 0, message: "deleted", status: "success" } };
  }

  #list(data: string | null): Answer {
    const { row_count: count, start_index: start } = JSON.parse(data ?? "{}").page_context ?? {};
    if (!Number.isInteger(count) || !(start >= 1)) return fault(400, 9039, "page_context is missing");
    const webhooks = this.hooks.slice(start - 1, start - 1 + count).map(
      ({ id, form }) =>
        `{"webhook_id":${id},${JSON.stringify({
          webhook_url: form.webhook_url,
          webhook_status: "Active",
          purpose: form.purpose,
          web_actions: form.webhook_actions,
          environment: form.environment,
        }).slice(1)}`,
    );
    return { status: 200, body: `{"code":0,"webhooks":[${webhooks.join(",")}],"status":"success"}` };
  }

  #create({ headers, form }: ApiRequest): Answer {
    if (!String(headers["content-type"]).startsWith("multipart/form-data; boundary="))
      return fault(400, 9039, "a multipart form is expected");
    const fields = Object.fromEntries(form);
    const actions = (fields.webhook_actions ?? "").split(",");
    if (!URL.canParse(fields.webhook_url ?? "")) return fault(400, 9043, "webhook_url");
    if (!actions.every((each) => ACTIONS.includes(each))) return fault(400, 9043, "webhook_actions");
    if (fields.environment !== "PRODUCTION" || !fields.purpose) return fault(400, 9043, "environment or purpose");
    if (this.hooks.length >= MOST) return fault(400, 9101, "Only two webhooks can be created");
    const security = JSON.parse(fields.webhook_security_settings ?? "{}");
    if (fields.webhook_security_settings !== undefined && security.webhook_security_type !== "HMAC")
      return fault(400, 9043, "webhook_security_settings");
    const hook = {
      id: nextId(this.#state.sign),
      form: fields,
      secret: security.hmac_security_info?.secret_key,
      failures: 0,
    };
    this.#state.sign.hooks.push(hook);
    return { status: 200, body: `{"code":0,"webhook":{"webhook_id":${hook.id}},"status":"success"}` };
  }
}

function fault(status: number, code: number, message: string): Answer {
  return { status, body: { code, message, status: "failure" } };
}
