import { valueAt } from "../delivery/payload.ts";
import { readPages } from "../zoho-api/collection.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import { type FailureLog, idText, MAX_FAILURE_PAGES, rowsAt, textOf, withIds } from "./product-api.ts";

const ROWS_PER_PAGE = 200;
const READ_SCOPE = "ZohoCRM.settings.automation_actions.READ";
/** `from` is a day in the organisation's time zone, which is at most this far behind UTC. A day in the future is refused. */
const MAX_ZONE_OFFSET_MS = 12 * 3_600_000;

/**
 * The webhooks of workflow rules that failed. Notifications of channels are not among them, and CRM has no call that sends
 * one again. `GET /crm/v8/settings/automation/webhook_failures`, 204 if there are none:
 * https://www.zoho.com/crm/developer/docs/api/v8/get-webhook-failures.html and github.com/zoho/crm-oas v8.0/webhooks.json
 */
export const crmFailures: FailureLog = {
  id: "crm",
  title: "Zoho CRM",
  loginScopes: LOGIN_SCOPES.crm,
  extraScope: READ_SCOPE,
  readScopes: [READ_SCOPE, "ZohoCRM.settings.automation_actions.ALL", "ZohoCRM.settings.ALL"],
  // 90 between `from` and today, less one for the time zone.
  maxDays: 89,
  host: apiUrl,
  read(send, { since }) {
    const from = new Date(since.getTime() - MAX_ZONE_OFFSET_MS).toISOString().slice(0, 10);
    const list = `/crm/v8/settings/automation/webhook_failures?from=${from}`;
    const call = { method: "GET", action: "list failed webhooks", scope: READ_SCOPE, repeatable: true } as const;
    return readPages(MAX_FAILURE_PAGES, (page) =>
      send({ ...call, path: `${list}&page=${page}&per_page=${ROWS_PER_PAGE}` }, (body, status) => {
        const rows = status === 204 ? [] : rowsAt(body, "webhook_failures");
        const more = valueAt(body, ["info", "more_records"]) === true;
        return rows && { items: withIds(rows, "id", failureFacts), more };
      }),
    );
  },
};

function failureFacts(row: Readonly<Record<string, unknown>>) {
  const at = new Date(textOf(row.failure_time) ?? Number.NaN);
  const nameOrId = (key: string): string | undefined =>
    textOf(valueAt(row, [key, "name"])) ?? idText(valueAt(row, [key, "id"]));
  return {
    at: Number.isNaN(at.getTime()) ? undefined : at,
    webhook: nameOrId("webhook"),
    rule: nameOrId("workflow_rule"),
    event: textOf(valueAt(row, ["entity_details", "module", "api_name"])),
    record: idText(valueAt(row, ["entity_details", "id"])),
    reason: textOf(row.failure_reason),
  };
}
