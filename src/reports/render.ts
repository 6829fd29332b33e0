import type { KnownSecrets } from "../delivery/secrets.ts";
import type { Runtime } from "../process/runtime.ts";
import { type JsonLine, jsonLine } from "../util/text.ts";
import { withCommandsAsCalled } from "./failure.ts";
import { linesOf } from "./json.ts";
import type { Rendered, Style } from "./paint.ts";
import type { Report } from "./text.ts";
import { renderText } from "./text.ts";

interface RenderOptions {
  readonly style: Style | "json";
  /** Secrets to mask; undefined where the user wants to see them. */
  readonly hidden: KnownSecrets | undefined;
}

/** A report as text or lines of JSON. */
export function renderReport(given: Report, runtime: Runtime, { style, hidden }: RenderOptions): Rendered {
  const report = withCommandsAsCalled(given, runtime);
  const secrets = showsSecrets(report) ? undefined : hidden;
  if (style === "json") {
    const out = linesOf(withMaskedBody(report, secrets)).map(jsonLine).join("");
    return { out: secrets?.maskJson(out) ?? out };
  }
  const { out = "", err = "" } = renderText(report, style);
  return { out: secrets?.mask(out) ?? out, err: secrets?.mask(err) ?? err };
}

/** The lines that `--json` prints of a report, as objects. */
export function reportLines(given: Report, runtime: Runtime, hidden: KnownSecrets | undefined): readonly JsonLine[] {
  const report = withCommandsAsCalled(given, runtime);
  const secrets = showsSecrets(report) ? undefined : hidden;
  const lines = linesOf(withMaskedBody(report, secrets));
  return secrets?.maskValue(lines) ?? lines;
}

function showsSecrets(report: Report): boolean {
  const { person = report } = report as { readonly person?: object };
  return "showSecrets" in person && person.showSecrets === true;
}

/** JSON has bodies in base64, in which a text is not found. */
function withMaskedBody(report: Report, hidden: KnownSecrets | undefined): Report {
  if (hidden === undefined) return report;
  if (report.type === "sent" && report.request !== undefined) {
    const body = hidden.maskBody(Buffer.from(report.request.body_b64, "base64"));
    return { ...report, request: { ...report.request, body_b64: body.toString("base64"), body: body.toString() } };
  }
  if (report.type === "verified") {
    const body = hidden.maskBody(Buffer.from(report.body_b64, "base64"));
    return { ...report, body_b64: body.toString("base64") };
  }
  if (report.type !== "event") return report;
  const { body } = report.person.event;
  const masked = hidden.maskBody(body);
  return masked === body ? report : { ...report, body_b64: masked.toString("base64") };
}
