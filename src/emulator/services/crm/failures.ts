import type { Answer, ApiRequest } from "../../answer.ts";
import type { Routes } from "../../routes.ts";
import { invalidParameter, isAllowed, scopeMismatch, zohoTime } from "./api.ts";

const DAY_MS = 86_400_000;
export const FAILURES_PATH = "/crm/v8/settings/automation/webhook_failures";
const PARAMETERS = ["webhook_id", "module", "from", "to", "page", "per_page"];

export const failureRoutes: Routes = {
  [`GET ${FAILURES_PATH}`]: (call) => listFailures(call, call.scopes),
};

/** The list of failed deliveries of CRM's workflow rules, as Zoho documents it. Empty, as there are no rules. */
export function listFailures({ method, query, at }: ApiRequest, scopes: readonly string[]): Answer {
  if (!isAllowed(scopes, "crm", "settings.automation_actions", method)) return scopeMismatch();
  const stranger = [...query.keys()].find((key) => !PARAMETERS.includes(key));
  if (stranger !== undefined) return invalidParameter(stranger);
  const today = zohoTime(at).slice(0, 10);
  const from = query.get("from") ?? "";
  const isDay = /^\d{4}-\d\d-\d\d$/.test(from) && from <= today;
  if (!isDay || Date.parse(today) - Date.parse(from) > 90 * DAY_MS) return invalidParameter("from");
  return { status: 204 };
}
