import { maskUrl } from "../delivery/mask.ts";
import type { LogRow } from "../log/log.ts";
import type { NoticeReport, TableReport } from "../process/messages.ts";
import type { ReportingWorkspace, Workspace } from "../project/workspace.ts";
import { cutToBytes } from "../util/fit-lines.ts";
import { lineOf } from "../util/json-line.ts";
import type { JsonLine } from "../util/text.ts";
import { DamageReport } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
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
    const rows: JsonLine[] = [];
    const damage = new DamageReport(workspace);
    const { onDamaged } = damage;
    for await (const row of log.rows(filter, { limit, signal, onDamaged })) rows.push(rowLine(row, workspace));
    damage.report();
    if (rows.length === 0) return { type: "notice", message: emptyMessage(options, filter, log.path) };
    return { type: "table", columns: [], rows: [], json: rows };
  });
}

const memberLine = lineOf(
  "n receivedAt:at product event request? sender schemaOk status refusal? state bytes duplicateOf? lastAttempt:app_status?",
  { lastAttempt: ({ status }: NonNullable<LogRow["lastAttempt"]>) => status ?? null },
);

function rowLine(row: LogRow, { knownSecrets }: Workspace): JsonLine {
  const cell = (given: string): string => cutToBytes(knownSecrets.mask(given), MAX_CELL_BYTES);
  return memberLine({
    ...row,
    event: row.event && cell(row.event),
    refusal: row.refusal && cell(row.refusal),
    request:
      row.event === undefined
        ? cell(`${row.method} ${maskUrl(knownSecrets.mask(row.url), row.secretFields)}`)
        : undefined,
  });
}
