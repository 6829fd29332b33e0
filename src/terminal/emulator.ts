import type { EmulatedDeliveryReport, EmulatedRequestReport, EmulatorReport } from "../emulator/reports.ts";
import { plain } from "../util/text.ts";
import { formatDuration } from "../util/units.ts";
import { clockTime, INDENT } from "./event.ts";
import { below, fitLine, textOf } from "./layout.ts";
import { clipped, type Rendered, type Style } from "./paint.ts";

/** On stderr, as the start of `listen`. */
export function renderEmulator({ url, tries }: EmulatorReport, { err, quiet }: Style): Rendered {
  return {
    err: textOf(
      `${err.good("Ready.")} A Zoho for development is at ${err.strong(url)}`,
      !quiet && tries.map(([label, text]) => `  ${err.dim(label.padEnd(12))} ${plain(text)}`),
      err.live && !quiet && "",
    ),
  };
}

export function renderEmulatedRequest(report: EmulatedRequestReport, { out, quiet }: Style): Rendered {
  const { at, method, path, status, latencyMs, lacks } = report;
  if (quiet && lacks === undefined) return {};
  const answer = `→ ${status ?? "no answer"}`;
  const cells = [
    { text: out.dim(clockTime(at)), width: 8 },
    { text: plain(method), width: 6 },
    { text: clipped(path) },
    { text: status !== undefined && status < 400 ? out.good(answer) : out.bad(answer) },
    { text: out.dim(formatDuration(latencyMs)) },
  ];
  const lacking = `the emulator does not have ${lacks}: see zoho-hooks help emulator`;
  return {
    out: textOf(fitLine(cells, out.columns, INDENT), lacks !== undefined && below(lacking, INDENT, out, "caution")),
  };
}

export function renderEmulatedDelivery(report: EmulatedDeliveryReport, { out, quiet }: Style): Rendered {
  const { at, n, product, event, url, status, latencyMs, error, fault, again } = report;
  const isAnswered = status !== undefined && status < 300 && error === undefined;
  if (quiet && isAnswered) return {};
  const answer = `→ ${fault === "lost" ? "lost" : (status ?? "no answer")}`;
  const cells = [
    { text: out.dim(clockTime(at)), width: 8 },
    { text: out.strong(`#${n}`), width: 6 },
    { text: out.name(plain(product)), width: 9 },
    { text: clipped(event), width: 22 },
    { text: isAnswered ? out.good(answer) : out.bad(answer) },
    ...(latencyMs === undefined ? [] : [{ text: out.dim(formatDuration(latencyMs)) }]),
    ...(fault === undefined || fault === "lost" ? [] : [{ text: out.caution(fault) }]),
    ...(again === undefined ? [] : [{ text: out.dim(`#${again} again`) }]),
    { text: out.dim(plain(url)) },
  ];
  return { out: textOf(fitLine(cells, out.columns, INDENT), error !== undefined && below(error, INDENT, out, "bad")) };
}
