import type { Service } from "./answer.ts";
import { invalidParameter, isAllowed, scopeMismatch, wrongMethod, zohoTime } from "./crm-api.ts";

const DAY_MS = 86_400_000;
const PATH = "/crm/v8/settings/automation/webhook_failures";
const PARAMETERS = ["webhook_id", "module", "from", "to", "page", "per_page"];

/** The list of failed deliveries of CRM's workflow rules, as Zoho documents it. Empty, as there are no rules. */
export const failures: Service = {
  answer({ method, path, query, at }, scopes) {
    if (path !== PATH) return undefined;
    if (method !== "GET") return wrongMethod();
    if (!isAllowed(scopes, "crm", "settings.automation_actions", method)) return scopeMismatch();
    const stranger = [...query.keys()].find((key) => !PARAMETERS.includes(key));
    if (stranger !== undefined) return invalidParameter(stranger);
    const today = zohoTime(at).slice(0, 10);
    const from = query.get("from") ?? "";
    const isDay = /^\d{4}-\d\d-\d\d$/.test(from) && from <= today;
    if (!isDay || Date.parse(today) - Date.parse(from) > 90 * DAY_MS) return invalidParameter("from");
    return { status: 204 };
  },
};
