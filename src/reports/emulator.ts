import type { EmulatedDeliveryLine, EmulatedRequestLine, EmulatorReport } from "../emulator/lines.ts";
import { cut, plain } from "../util/text.ts";
import { formatDuration } from "../util/units.ts";
import { clockTime, INDENT } from "./event.ts";
import { below, fitLine, textOf } from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style } from "./paint.ts";

/** On stderr, as the start of `listen`. */
export function renderEmulator({ url, person }: EmulatorReport, { err, quiet }: Style): Rendered {
  return {
    err: textOf(
      `${err.good("Ready.")} A Zoho for development is at ${err.strong(url)}`,
      !quiet && person.tries.map(([label, text]) => `  ${err.dim(label.padEnd(12))} ${plain(text)}`),
      err.live && !quiet && "",
    ),
  };
}

export function renderEmulatedRequest(report: EmulatedRequestLine, { out, quiet }: Style): Rendered {
  const { at, method, path, status, latency_ms: ms, lacks, hint } = report;
  if (quiet && hint === null) return {};
  const isGood = status !== null && status < 400;
  const cells = answered({ at, subject: plain(method), answer: status ?? "no answer", isGood, ms }, out);
  const room = Math.max(MIN_PATH_WIDTH, out.columns - LEAD_WIDTH);
  const lacking = `the emulator does not have ${lacks}: see zoho-hooks help emulator, or answer it yourself:`;
  return {
    out: textOf(
      fitLine([...cells, { text: cut(clipped(path), room) }], out.columns, INDENT),
      lacks !== null && below(lacking, INDENT, out, "caution"),
      // A command is not wrapped, so that it can be pasted.
      hint !== null && (lacks === null ? below(hint, INDENT, out, "caution") : `${INDENT}${plain(hint)}`),
    ),
  };
}

export function renderEmulatedDelivery(report: EmulatedDeliveryLine, { out, quiet }: Style): Rendered {
  const { at, n, product, event, url, status, latency_ms: ms, error, fault, again, hint } = report;
  const isGood = status !== null && status < 300 && error === null;
  if (quiet && isGood) return {};
  const answer = fault === "lost" ? "lost" : (status ?? "no answer");
  const cells = [
    ...answered({ at, subject: out.strong(`#${n}`), answer, isGood, ms }, out),
    { text: out.name(plain(product)), width: 7 },
    { text: clipped(event), width: 16 },
    ...(fault === null || fault === "lost" ? [] : [{ text: out.caution(fault) }]),
    ...(again === null ? [] : [{ text: out.dim(`#${again} again`) }]),
    { text: out.dim(plain(url)) },
  ];
  return {
    out: textOf(
      fitLine(cells, out.columns, INDENT),
      error !== null && below(error, INDENT, out, "bad"),
      hint !== null && below(hint, INDENT, out, "caution"),
    ),
  };
}

/** The columns before a path or an event. */
const LEAD_WIDTH = 34;
const MIN_PATH_WIDTH = 20;

interface Answered {
  readonly at: string;
  /** Method of a request, number of a delivery. */
  readonly subject: string;
  readonly answer: number | string;
  readonly isGood: boolean;
  readonly ms: number | null;
}

function answered({ at, subject, answer, isGood, ms }: Answered, out: Paint) {
  return [
    { text: out.dim(clockTime(new Date(at))), width: 8 },
    { text: subject, width: 6 },
    { text: out[isGood ? "good" : "bad"](`→ ${answer}`), width: 5 },
    { text: ms === null ? "" : out.dim(formatDuration(ms)), width: 8, right: true },
  ];
}
