import type { Answer, ApiRequest } from "../../src/emulator/answer.ts";
import type { Override } from "../../src/emulator/service.ts";
import { LOGIN_SCOPES } from "../../src/zoho-api/scopes.ts";

/** Those that `webhooks failures --resend` needs. */
export const FAILURE_SCOPES = ["ZohoCRM.settings.automation_actions.READ", ...LOGIN_SCOPES.salesiq];

const MAX_RETRIES = 99;

interface SalesIqFailure {
  readonly id: string;
  readonly at: number;
  readonly status: number;
  retries: number;
}

/**
 * The failed deliveries of SalesIQ portals, as Zoho documents them; the emulator does not have SalesIQ. Its answer to a missing
 * scope is not published: this one is ours.
 */
export class SalesIq implements Override {
  portals = ["acme"];
  /** Of the webhooks. */
  url = "https://abc.example/hook?token=abcdefghijklmnopqrstuvwxyz";
  /** By the webhook's id. */
  executions: Record<string, SalesIqFailure[]> = {};

  /** Both answers and errors have the status 200. */
  answer({ method, path, query }: ApiRequest, scopes: readonly string[]): Answer | undefined {
    if (!path.startsWith("/api/v2/")) return undefined;
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
