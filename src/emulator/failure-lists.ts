import { type Answer, type ApiRequest, bareFault } from "./answer.ts";

const DAY_MS = 86_400_000;
const CRM_PATH = "/crm/v8/settings/automation/webhook_failures";
const CRM_PARAMETERS = ["webhook_id", "module", "from", "to", "page", "per_page"];
const CRM_SCOPES = ["ZohoCRM.settings.automation_actions.READ", "ZohoCRM.settings.automation_actions.ALL"];
const MAX_RETRIES = 99;

/** Those that `webhooks failures --resend` needs. */
export const FAILURE_SCOPES = [
  "ZohoCRM.settings.automation_actions.READ",
  "SalesIQ.webhooks.READ",
  "SalesIQ.webhooks.CREATE",
  "SalesIQ.portals.READ",
];

/** A row of CRM's list, with a time in the organisation's zone. */
export interface CrmFailure {
  readonly id: string;
  readonly at: string;
  readonly reason: string;
}

interface SalesIqFailure {
  readonly id: string;
  readonly at: number;
  readonly status: number;
  retries: number;
}

/**
 * The failed deliveries of a CRM organisation in New York and of a SalesIQ portal, as Zoho documents them. SalesIQ's answer to a
 * missing scope is not published: this one is ours.
 */
export class FailureLists {
  crm: CrmFailure[] = [];
  portals = ["acme"];
  /** Of the SalesIQ webhooks. */
  url = "https://abc.example/hook?token=abcdefghijklmnopqrstuvwxyz";
  /** By the webhook's id. */
  executions: Record<string, SalesIqFailure[]> = {};
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    if (request.path === CRM_PATH) return this.#crm(request, scopes);
    return request.path.startsWith("/api/v2/") ? this.#salesIq(request, scopes) : undefined;
  }

  #crm({ method, query }: ApiRequest, scopes: readonly string[]): Answer {
    if (method !== "GET") return bareFault(400, "INVALID_REQUEST_METHOD", "The http request method type is not valid");
    if (!CRM_SCOPES.some((scope) => scopes.includes(scope)))
      return bareFault(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL");
    const stranger = [...query.keys()].find((key) => !CRM_PARAMETERS.includes(key));
    const refused = (param_name: string, expected_data_type: string): Answer =>
      bareFault(400, "INVALID_DATA", "The value provided to the param is Invalid", { param_name, expected_data_type });
    if (stranger !== undefined) return refused(stranger, "none");
    const today = newYorkDay(this.#now());
    const from = query.get("from") ?? "";
    if (!/^\d{4}-\d\d-\d\d$/.test(from) || from > today) return refused("from", "datetime");
    if (Date.parse(today) - Date.parse(from) > 90 * DAY_MS) return refused("from", "datetime");
    const perPage = Number(query.get("per_page") ?? 200);
    const page = Number(query.get("page") ?? 1);
    if (!(perPage >= 1 && perPage <= 200)) return refused("per_page", "integer");
    const all = this.crm.filter(({ at }) => newYorkDay(Date.parse(at)) >= from);
    const shown = all.slice((page - 1) * perPage, page * perPage);
    if (shown.length === 0) return { status: 204 };
    const webhook_failures = shown.map(({ id, at, reason }) => ({
      webhook: { name: "Premium Lead Alert", id: "4876876000016390771" },
      entity_details: {
        module: { api_name: "Leads", id: "4876876000000002175" },
        name: "Freelancer.com",
        id: "4876876000016474049",
      },
      failure_time: at,
      failure_reason: reason,
      id,
      workflow_rule: { name: "WF-C", id: "4876876000016390881" },
    }));
    const info = { per_page: perPage, count: shown.length, page, more_records: all.length > page * perPage };
    return { status: 200, body: { webhook_failures, info } };
  }

  /** Both answers and errors have the status 200. */
  #salesIq({ method, path, query }: ApiRequest, scopes: readonly string[]): Answer {
    const parts = path.split("/").slice(3);
    const [portal = "", , webhook = "", , execution = ""] = parts;
    const scope =
      path === "/api/v2/portals"
        ? "SalesIQ.portals.READ"
        : `SalesIQ.webhooks.${{ GET: "READ", POST: "CREATE" }[method] ?? "none"}`;
    if (!scopes.includes(scope))
      return { status: 401, body: { error: { code: 1019, message: "invalid oauth scope" } } };
    const success = (object: string, data: unknown): Answer => ({ status: 200, body: { url: path, object, data } });
    if (path === "/api/v2/portals") {
      return success(
        "list",
        this.portals.map((screenname) => ({ screenname })),
      );
    }
    const route = `${method} ${parts.map((part, i) => (i % 2 === 0 ? "" : part)).join("/")}`;
    if (!this.portals.includes(portal)) return wrong();
    if (route === "GET /webhooks" && ["data", "administration"].includes(query.get("type") ?? "")) {
      const ids = query.get("type") === "data" ? Object.keys(this.executions) : [];
      return success(
        "list",
        ids.map((id) => ({ id, url: this.url })),
      );
    }
    const failures = this.executions[webhook];
    if (failures === undefined) return wrong();
    if (route === "GET /webhooks//executions") {
      const limit = Number(query.get("limit") ?? 50);
      if (!(limit >= 5 && limit <= 50)) return wrong();
      const start = (Number(query.get("pageno") ?? 1) - 1) * limit;
      return success(
        "list",
        failures.slice(start, start + limit).map(({ id, at, status, retries }) => ({
          event: "conversation.operator.replied",
          remote_server_status: status,
          id,
          number_of_retries: retries,
          entity_id: "19367000000130079",
          entity: "conversation",
          webhook_id: webhook,
          payload: { version: 1, message: { sender: { name: "Tricia" }, text: "private" } },
          last_execution_time: String(at),
        })),
      );
    }
    if (route !== "POST /webhooks//executions/") return wrong();
    const failure = failures.find(({ id }) => id === execution);
    if (failure === undefined) return wrong();
    if (failure.retries >= MAX_RETRIES) return success("webhook", { skipped: [execution] });
    failure.retries++;
    return success("webhook", { skipped: [] });
  }
}

function wrong(): Answer {
  return { status: 200, body: { error: { code: 1006, message: "Invalid URL" } } };
}

function newYorkDay(at: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: "America/New_York" }).format(at);
}
