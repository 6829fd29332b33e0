import { projectProducts } from "../custom/project-products.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { LogRow } from "../log/log.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { ExitCode } from "../util/errors.ts";
import { cutToBytes } from "../util/fit-lines.ts";
import { lineOf } from "../util/json-line.ts";
import type { JsonLine } from "../util/text.ts";
import { DamageReport } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
import { withLog } from "./open-log.ts";

interface RowOptions extends FilterOptions {
  readonly limit: number;
}

/** Longest text in a row, as JSON within JSON. */
const MAX_CELL_BYTES = 150;

/** Lists deliveries without headers and bodies, which are not read: a few hundred bytes each, in JSON alone. */
export async function listRows(context: Context, { limit, ...options }: RowOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  return withLog(context, config, async (log) => {
    const { signal } = context;
    const rows: JsonLine[] = [];
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    for await (const row of log.rows(filter, { limit, signal, onDamaged })) rows.push(rowLine(row, context));
    damage.report();
    if (rows.length === 0) context.report({ type: "notice", message: emptyMessage(options, filter, log.path) });
    else context.report({ type: "table", columns: [], rows: [], json: rows });
    return ExitCode.ok;
  });
}

const memberLine = lineOf(
  "n receivedAt:at product event request? sender schemaOk status refusal? state bytes duplicateOf? lastAttempt:app_status?",
  { lastAttempt: ({ status }: NonNullable<LogRow["lastAttempt"]>) => status ?? null },
);

function rowLine(row: LogRow, { knownSecrets }: Context): JsonLine {
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
