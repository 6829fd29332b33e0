import type { KnownSecrets } from "../delivery/secrets.ts";
import type { Runtime } from "../process/runtime.ts";
import { withCommandsAsCalled } from "./failure.ts";
import { jsonLines } from "./json.ts";
import type { Rendered, Style } from "./paint.ts";
import type { Report } from "./report.ts";
import { renderText } from "./text.ts";

/** A report as text or lines of JSON, with the secrets masked that are `hidden`. */
export function renderReport(
  given: Report,
  runtime: Runtime,
  { style, hidden }: { readonly style: Style | "json"; readonly hidden: KnownSecrets | undefined },
): Rendered {
  const report = withCommandsAsCalled(given, runtime);
  const isShown = hidden === undefined || ("showSecrets" in report && report.showSecrets === true);
  if (style === "json") {
    return { out: isShown ? jsonLines(report) : hidden.maskJson(jsonLines(withMaskedBody(report, hidden))) };
  }
  const rendered = renderText(report, style);
  if (isShown) return rendered;
  return { out: hidden.mask(rendered.out ?? ""), err: hidden.mask(rendered.err ?? "") };
}

/** JSON has bodies in base64, in which a text is not found. */
function withMaskedBody(report: Report, hidden: KnownSecrets): Report {
  if (report.type !== "event" && report.type !== "request" && report.type !== "verified") return report;
  const body = hidden.maskBody(report.body);
  return body === report.body ? report : { ...report, body };
}
