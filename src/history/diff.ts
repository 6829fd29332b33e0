import { isSecretIn, MASK, maskText, secretFieldNames } from "../delivery/mask.ts";
import { problemText, readPayload } from "../delivery/payload.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import type { LogEntry } from "../log/log.ts";
import { pathText } from "../model/schema.ts";
import type { NoticeReport, TableReport } from "../process/messages.ts";
import { usageError } from "../util/errors.ts";
import { type JsonNode, scanJson } from "../util/json.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { entryName, hiddenSecrets } from "./entry.ts";
import type { DifferenceLine } from "./lines.ts";
import { type EventNumber, requireEntry, requireWholeBody, useLog } from "./open-log.ts";

/** `--json` has the whole value. */
const MAX_VALUE_LENGTH = 48;
/** How much of a common beginning of two long values is shown. */
const CONTEXT_LENGTH = 12;

/** Where the payloads of two deliveries differ. */
export async function diff(
  workspace: Workspace,
  before: EventNumber,
  after: EventNumber,
): Promise<TableReport | NoticeReport> {
  return useLog(workspace, async (log) => {
    const a = requireWholeBody(await requireEntry(log, before));
    const b = requireWholeBody(await requireEntry(log, after));
    const names = secretFieldNames([...a.verdicts, ...b.verdicts]);
    const hidden = hiddenSecrets(workspace, workspace);
    // Compared before masking: different tokens are a difference.
    const found = diffJson(payloadText(a), payloadText(b)).map((each) =>
      hidden === undefined ? each : maskDifference(each, names, hidden),
    );
    const title = `#${a.n} ${entryName(a)}  and  #${b.n} ${entryName(b)}`;
    if (found.length === 0) {
      const bytes = a.delivery.body.equals(b.delivery.body) ? "byte for byte" : "but not byte for byte";
      return { type: "notice", message: `${title}: the payloads are the same, ${bytes}` };
    }
    return {
      type: "table",
      title,
      columns: ["", "path", `#${a.n}`, `#${b.n}`],
      rows: found.map(({ path, change, before: old = "", after: now = "" }) => {
        const from = change === "changed" ? beginning(old, now) : 0;
        return [MARKS[change], pathText(path) || "(the body)", cut(old, from), cut(now, from)];
      }),
      json: found.map(
        ({ path, change, before: old = null, after: now = null }): DifferenceLine => ({
          type: "difference",
          path: pathText(path),
          change,
          before: old,
          after: now,
        }),
      ),
    };
  });
}

const MARKS: Readonly<Record<Difference["change"], string>> = { added: "+", removed: "-", changed: "~" };

/** The JSON as it came, or the fields of a form as JSON. */
function payloadText({ n, delivery }: LogEntry): string {
  const read = readPayload(delivery);
  if (!read.ok) throw usageError(`the body of #${n} cannot be compared: ${problemText(read.problem)}`);
  return read.payload.text ?? JSON.stringify(read.payload.data ?? null);
}

function maskDifference(
  { path, change, before, after }: Difference,
  secretFieldNames: readonly string[],
  hidden: KnownSecrets,
): Difference {
  const isSecret = path.map(String).some(isSecretIn(secretFieldNames));
  const mask = (value: string | undefined): string | undefined => {
    if (value === undefined) return undefined;
    return isSecret ? JSON.stringify(MASK) : maskText(hidden.mask(value), secretFieldNames);
  };
  return { path, change, before: mask(before), after: mask(after) };
}

/** Start of the shown part of two values: their beginning, or shortly before they differ. */
function beginning(a: string, b: string): number {
  if (Math.max(a.length, b.length) <= MAX_VALUE_LENGTH) return 0;
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  return same < MAX_VALUE_LENGTH / 2 ? 0 : same - CONTEXT_LENGTH;
}

function cut(value: string, from: number): string {
  const text = from === 0 ? value : `…${value.slice(from)}`;
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 1)}…` : text;
}

/** One place where two JSON texts differ. */
interface Difference {
  readonly path: readonly (string | number)[];
  readonly change: "added" | "removed" | "changed";
  /** The value's source text, so that no digit is lost; undefined where there is no value. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * The differences between two valid JSON texts, in the order of the first one, value by value: an object or array that is added
 * or removed is one of each value in it. Keys have no order; array elements are compared by index, numbers as written, strings by
 * value.
 */
export function diffJson(before: string, after: string): readonly Difference[] {
  const found: Difference[] = [];
  const compare = (a: JsonNode | undefined, b: JsonNode | undefined, path: Difference["path"]): void => {
    const from = a && before.slice(a.start, a.end);
    const to = b && after.slice(b.start, b.end);
    if (from === to) return;
    const kind = a?.kind === b?.kind ? a?.kind : undefined;
    const [old, now] = [members(a), members(b)];
    const isOther = a !== undefined && b !== undefined && kind === undefined;
    const keys = isOther ? [] : [...new Set([...old.keys(), ...now.keys()])];
    for (const key of keys) compare(old.get(key), now.get(key), [...path, key]);
    const areEmpty = kind === "object" || kind === "array";
    const isSameText = kind === "string" && JSON.parse(from ?? "") === JSON.parse(to ?? "");
    if (keys.length > 0 || areEmpty || isSameText) return;
    const change = from === undefined ? "added" : to === undefined ? "removed" : "changed";
    found.push({ path, change, before: from, after: to });
  };
  compare(scanJson(before), scanJson(after), []);
  return found;
}

/** The last duplicate key wins, as in JSON.parse. */
function members(node: JsonNode | undefined): ReadonlyMap<string | number, JsonNode> {
  return new Map(node?.children.map(({ key, node: child }) => [key, child]));
}
