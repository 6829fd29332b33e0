import { maskUrl } from "../delivery/mask.ts";
import type { LogRow } from "../log/log.ts";
import type { NoticeReport, TableReport } from "../process/messages.ts";
import { cutToBytes } from "../util/fit-lines.ts";
import type { ReportingWorkspace, Workspace } from "../workspace/workspace.ts";
import { DamageReport } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
import type { DeliveryRow } from "./lines.ts";
import { useLog } from "./open-log.ts";

interface RowOptions extends FilterOptions {
  readonly limit: number;
}

/** Longest text in a row, as JSON within JSON. */
const MAX_CELL_BYTES = 150;

/** Lists deliveries without headers and bodies, which are not read: a few hundred bytes each, in JSON alone. */
export async function listRows(
  workspace: ReportingWorkspace,
  { limit, ...options }: RowOptions,
): Promise<TableReport | NoticeReport> {
  const filter = readFilter(options, workspace.now(), await workspace.products({ schemas: false }));
  return useLog(workspace, async (log) => {
    const { signal } = workspace;
    const rows: DeliveryRow[] = [];
    const damage = new DamageReport(workspace);
    const { onDamaged } = damage;
    for await (const row of log.rows(filter, { limit, signal, onDamaged })) rows.push(rowLine(row, workspace));
    damage.report();
    if (rows.length === 0) return { type: "notice", message: emptyMessage(options, filter, log.path) };
    return { type: "table", columns: [], rows: [], json: rows };
  });
}

function rowLine(row: LogRow, { knownSecrets }: Workspace): DeliveryRow {
  const cell = (given: string): string => cutToBytes(knownSecrets.mask(given), MAX_CELL_BYTES);
  const { event, refusal, lastAttempt } = row;
  return {
    type: "table",
    n: row.n,
    at: row.receivedAt.toJSON(),
    product: row.product ?? null,
    event: event === undefined ? null : cell(event),
    request:
      event === undefined ? cell(`${row.method} ${maskUrl(knownSecrets.mask(row.url), row.secretFields)}`) : undefined,
    sender: row.sender,
    schema_ok: row.schemaOk ?? null,
    status: row.status ?? null,
    refusal: refusal === undefined ? undefined : cell(refusal),
    state: row.state,
    bytes: row.bytes,
    duplicate_of: row.duplicateOf,
    app_status: lastAttempt === undefined ? undefined : (lastAttempt.status ?? null),
  };
}
