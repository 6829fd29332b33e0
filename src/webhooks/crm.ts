import { crmWatch } from "../channels/products.ts";
import { valueAt } from "../delivery/payload.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { readPages } from "../zoho-api/pages.ts";
import { type FailedDelivery, type FailureLog, MAX_FAILURE_PAGES } from "./failure-log.ts";
import { idText, itemsAt, textOf } from "./managed-product.ts";

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
  loginScopes: crmWatch.loginScopes,
  extraScope: READ_SCOPE,
  readScopes: [READ_SCOPE, "ZohoCRM.settings.automation_actions.ALL", "ZohoCRM.settings.ALL"],
  // 90 between `from` and today, less one for the time zone.
  maxDays: 89,
  host: apiUrl,
  read: (send, { since }) => {
    const from = new Date(since.getTime() - MAX_ZONE_OFFSET_MS).toISOString().slice(0, 10);
    return readPages(MAX_FAILURE_PAGES, (page) =>
      send(
        {
          method: "GET",
          path: `/crm/v8/settings/automation/webhook_failures?from=${from}&page=${page}&per_page=${ROWS_PER_PAGE}`,
          action: "list failed webhooks",
          scope: READ_SCOPE,
          repeatable: true,
        },
        (body, status) => {
          const items = status === 204 ? [] : itemsAt(body, "webhook_failures");
          return items && { items: items.flatMap(failureOf), more: valueAt(body, ["info", "more_records"]) === true };
        },
      ),
    );
  },
};

function failureOf(each: Readonly<Record<string, unknown>>): readonly FailedDelivery[] {
  const id = idText(each.id);
  if (id === undefined) return [];
  const at = new Date(textOf(each.failure_time) ?? Number.NaN);
  const nameOrId = (key: string): string | undefined =>
    textOf(valueAt(each, [key, "name"])) ?? idText(valueAt(each, [key, "id"]));
  return [
    {
      id,
      at: Number.isNaN(at.getTime()) ? undefined : at,
      webhook: nameOrId("webhook"),
      rule: nameOrId("workflow_rule"),
      event: textOf(valueAt(each, ["entity_details", "module", "api_name"])),
      record: idText(valueAt(each, ["entity_details", "id"])),
      url: undefined,
      status: undefined,
      reason: textOf(each.failure_reason),
      retries: undefined,
    },
  ];
}
