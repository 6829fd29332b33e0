import { valueAt } from "../delivery/payload.ts";
import { oneLine } from "../util/text.ts";
import { readPages } from "../zoho-api/collection.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import {
  type FailureLog,
  type FoundFailures,
  idText,
  MAX_FAILURE_PAGES,
  onlyOne,
  rowsAt,
  type SendCall,
  textOf,
  withIds,
} from "./product-api.ts";

const TITLE = "Zoho SalesIQ";
const [READ_SCOPE, CREATE_SCOPE, PORTALS_SCOPE] = LOGIN_SCOPES.salesiq;
const ROWS_PER_PAGE = 50;
const MAX_RETRIES = 99;

/**
 * The failed executions of the webhooks that the REST API manages. Whether those of the Workflows screen are among them is
 * not known. Errors come with status 200, too, as `{error: {code, message}}`.
 * Portals, seen in integrations: `GET /api/v2/portals`. Webhooks, with a mandatory `type`, executions and retry:
 * https://www.zoho.com/salesiq/help/developer-section/get-webhooks-list-v2.html, failure-list-webhook-v2.html and
 * retry-failed-executions-webhook-v2.html. That page names the retry's scope (CREATE) but not its method: POST, as
 * SalesIQ's calls with that scope are. One by one, since the URL for several is that of the export as well.
 */
export const salesIqFailures: FailureLog = {
  id: "salesiq",
  title: TITLE,
  loginScopes: LOGIN_SCOPES.salesiq,
  readScopes: [READ_SCOPE],
  // A webhook keeps its failed executions for a week to 60 days.
  maxDays: 60,
  host: ({ accountsUrl }) => accountsUrl.replace("//accounts.", "//salesiq."),
  async read(send, { org }) {
    const portals = org === undefined ? await listAt(send, "/api/v2/portals", "list portals", PORTALS_SCOPE) : [];
    const portal =
      org ??
      onlyOne(
        withIds(portals, "screenname", () => ({})),
        `${TITLE} portal`,
        "an operator of the portal",
      );
    const root = `/api/v2/${encodeURIComponent(portal)}/webhooks`;
    const found: FoundFailures[] = [];
    for (const type of ["data", "administration"]) {
      const rows = await listAt(send, `${root}?type=${type}`, "list webhooks");
      for (const { id, url } of withIds(rows, "id", (row) => ({ url: textOf(row.url) })))
        found.push(await failuresOf(send, `${root}/${encodeURIComponent(id)}/executions`, { webhook: id, url }));
    }
    return { items: found.flatMap(({ items }) => items), more: found.some(({ more }) => more) };
  },
  refusal: (body, { id }) => {
    const skipped = valueAt(body, ["data", "skipped"]);
    return Array.isArray(skipped) && skipped.includes(id)
      ? `SalesIQ skipped it: it repeats a failure at most ${MAX_RETRIES} times`
      : undefined;
  },
};

/** A page after the last one is empty. The times of the API's own filter are of an undocumented form, so it is not used. */
function failuresOf(
  send: SendCall,
  path: string,
  webhook: { readonly webhook: string; readonly url: string | undefined },
): Promise<FoundFailures> {
  const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
  return readPages(MAX_FAILURE_PAGES, async (page) => {
    const rows = await listAt(send, `${path}?limit=${ROWS_PER_PAGE}&pageno=${page}`, "list failed executions");
    const items = withIds(rows, "id", (row, id) => {
      const at = new Date(Number(idText(row.last_execution_time) ?? Number.NaN));
      return {
        ...webhook,
        at: Number.isNaN(at.getTime()) ? undefined : at,
        event: textOf(row.event),
        record: idText(row.entity_id),
        status: numberOf(row.remote_server_status),
        retries: numberOf(row.number_of_retries),
        again: {
          method: "POST",
          path: `${path}/${encodeURIComponent(id)}`,
          action: `send execution ${oneLine(id)} again`,
          scope: CREATE_SCOPE,
          repeatable: false,
        } as const,
      };
    });
    return { items, more: rows.length === ROWS_PER_PAGE };
  });
}

function listAt(send: SendCall, path: string, action: string, scope: string = READ_SCOPE) {
  return send({ method: "GET", path, action, scope, repeatable: true }, (body) => rowsAt(body, "data"));
}
