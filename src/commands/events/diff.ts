import type { Context } from "../../context.ts";
import { type Difference, diffJson } from "../../core/diff-json.ts";
import { ExitCode, usageError } from "../../core/errors.ts";
import { chosenNames, isSecretName, MASK, maskText } from "../../core/mask.ts";
import { problemText, readPayload } from "../../core/payload.ts";
import { pathText } from "../../core/schema-check.ts";
import type { LogEntry } from "../../store/log.ts";
import { entryName } from "./entry-event.ts";
import { type LogOptions, parseNumber, requireEntry, withLog } from "./open-log.ts";

/** A longer value is cut for a person; a script gets it whole. */
const LONGEST_VALUE = 48;
/** Of what two long values have in common, so that the place is known again. */
const SHOWN_BEFORE = 12;

export async function diff(context: Context, before: string, after: string, options: LogOptions): Promise<ExitCode> {
  const [first, second] = [parseNumber(before), parseNumber(after)];
  return withLog(context, options, async (log) => {
    const [a, b] = [await requireEntry(log, first), await requireEntry(log, second)];
    const chosen = chosenNames([...a.verdicts, ...b.verdicts]);
    // Compared as they came, and masked only where they are shown: two tokens that differ do differ.
    const found = diffJson(payloadText(a), payloadText(b)).map((each) =>
      maskDifference(each, chosen, options.showSecrets),
    );
    const title = `#${a.n} ${entryName(a)}  and  #${b.n} ${entryName(b)}`;
    if (found.length === 0) {
      context.report({ type: "notice", message: `${title}: the payloads are the same${bytesNote(a, b)}` });
      return ExitCode.ok;
    }
    context.report({
      type: "table",
      title,
      columns: ["", "path", `#${a.n}`, `#${b.n}`],
      rows: found.map(({ path, change, before: old = "", after: now = "" }) => {
        const from = change === "changed" ? beginning(old, now) : 0;
        return [MARKS[change], pathText(path) || "(the body)", cut(old, from), cut(now, from)];
      }),
      json: found.map(({ path, change, before: old, after: now }) => ({
        type: "difference",
        path: pathText(path),
        change,
        before: old ?? null,
        after: now ?? null,
      })),
    });
    return ExitCode.ok;
  });
}

const MARKS: Readonly<Record<Difference["change"], string>> = { added: "+", removed: "-", changed: "~" };

/** The JSON of a payload as it is written, or its fields as JSON. */
function payloadText({ n, delivery }: LogEntry): string {
  const read = readPayload(delivery);
  if (!read.ok) throw usageError(`the body of #${n} cannot be compared: ${problemText(read.problem)}`);
  return read.payload.text ?? JSON.stringify(read.payload.data ?? null);
}

function bytesNote(a: LogEntry, b: LogEntry): string {
  return a.delivery.body.equals(b.delivery.body) ? ", byte for byte" : ", but not byte for byte";
}

function maskDifference(
  difference: Difference,
  chosen: readonly string[],
  showSecrets: boolean | undefined,
): Difference {
  if (showSecrets === true) return difference;
  const isSecret = difference.path.some(
    (key) => typeof key === "string" && (isSecretName(key) || chosen.includes(key)),
  );
  const mask = (value: string | undefined): string | undefined => {
    if (value === undefined) return undefined;
    return isSecret ? JSON.stringify(MASK) : maskText(value, chosen);
  };
  return { ...difference, before: mask(difference.before), after: mask(difference.after) };
}

/** Where to begin with two values so that a person sees in what they differ: at the start, or shortly before they part. */
function beginning(a: string, b: string): number {
  if (Math.max(a.length, b.length) <= LONGEST_VALUE) return 0;
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  return same < LONGEST_VALUE / 2 ? 0 : same - SHOWN_BEFORE;
}

function cut(value: string, from: number): string {
  const text = from === 0 ? value : `…${value.slice(from)}`;
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}
