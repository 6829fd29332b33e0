import type { Answer, ApiRequest, Service } from "./answer.ts";
import { invalidParameter, isAllowed, page, scopeMismatch, wrongMethod, zohoTime } from "./crm-api.ts";

const DAY_MS = 86_400_000;
const PATH = "/crm/v8/settings/automation/webhook_failures";
const PARAMETERS = ["webhook_id", "module", "from", "to", "page", "per_page"];

interface Failure {
  readonly id: string;
  readonly at: string;
  readonly reason: string;
}

/** The list of failed deliveries of CRM's workflow rules, as Zoho documents it. Empty, as there are no rules: tests fill it. */
export class Failures implements Service {
  crm: Failure[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  answer({ method, path, query }: ApiRequest, scopes: readonly string[]): Answer | undefined {
    if (path !== PATH) return undefined;
    if (method !== "GET") return wrongMethod();
    if (!isAllowed(scopes, "crm", "settings.automation_actions", method)) return scopeMismatch();
    const stranger = [...query.keys()].find((key) => !PARAMETERS.includes(key));
    if (stranger !== undefined) return invalidParameter(stranger);
    const today = dayOf(this.#now());
    const from = query.get("from") ?? "";
    const isDay = /^\d{4}-\d\d-\d\d$/.test(from) && from <= today;
    if (!isDay || Date.parse(today) - Date.parse(from) > 90 * DAY_MS) return invalidParameter("from");
    const found = this.crm.filter(({ at }) => dayOf(Date.parse(at)) >= from);
    return page(query, "webhook_failures", found, ({ id, at, reason }) => ({
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
  }
}

function dayOf(at: number): string {
  return zohoTime(at).slice(0, 10);
}
