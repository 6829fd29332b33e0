import type { Evidence, Proves, WebhookEvent } from "../contract/product.ts";
import { plain } from "../util/text.ts";
import { alignRows, fitRows, wrapLine } from "./layout.ts";
import type { Paint, Rendered, Style } from "./paint.ts";

/** A product with its formats and events. */
export interface ProductReport {
  readonly type: "product";
  readonly id: string;
  readonly title: string;
  /** The default comes first. */
  readonly formats: readonly {
    readonly id: string;
    readonly source: string;
    readonly evidence: Evidence | undefined;
    readonly signatures: readonly {
      readonly id: string;
      readonly title: string;
      readonly covers: Proves;
      /** The environment variable of its secret. */
      readonly variable: string | undefined;
    }[];
    /** The answer that the sender expects, as documented. */
    readonly answer: string | undefined;
    /** How it checks a URL before it saves a webhook. */
    readonly probe: string | undefined;
    readonly events: readonly Pick<WebhookEvent, "name" | "summary" | "once" | "members">[];
  }[];
}

type FormatReport = ProductReport["formats"][number];

/** What it means if it is verified, and no more. */
const COVERS: Readonly<Record<Proves, string>> = {
  body: "covers the body: someone who has the secret signed exactly these bytes",
  sender: "covers the sender only: anyone who has seen one delivery can make another, with any content",
  nothing: "covers nothing",
};

const NOT_POSTED = "Zoho does not post this body: it is the one that the Webhooks Guide for Zoho APIs shows";

const EVIDENCE: Readonly<Record<Evidence, string>> = {
  doc: "doc: its source documents it",
  seen: "seen: known from deliveries to integrations in use",
  modelled: "modelled: neither documented nor seen, but made after a similar body",
};

const BY_KEY_PAIR =
  "covers the body: exactly these bytes were signed, with the private key that belongs to this public key";

function isByKeyPair(variable: string | undefined): boolean {
  return variable?.startsWith("ZOHO_WEBHOOK_PUBLIC_KEY") === true;
}

/** A product's events by format, with the source of each format and what its signatures cover. */
export function renderProduct({ id, title, formats }: ProductReport, { out, quiet, columns }: Style): Rendered {
  const blocks = formats.map((format, i) => {
    const rows = format.events.map((event) => [event.name, event.summary].map((text) => plain(text)));
    if (quiet) return alignRows(rows);
    const name = `format ${format.id}${i === 0 && formats.length > 1 ? " (the default)" : ""}`;
    return [
      `${out.strong(`${plain(title)} (${id})`)}  ${name}`,
      ...(format.id === "guide" ? [`  ${out.caution(NOT_POSTED)}`] : []),
      ...wrapLine(`  source  ${plain(format.source)}`, columns).map((line) => line.replace(/^ {2}source/, dimmed(out))),
      ...(format.evidence === undefined ? [] : [`  ${out.dim("known")}   ${EVIDENCE[format.evidence]}`]),
      ...signatureLines(format, out, columns),
      ...(format.answer === undefined ? [] : [`  ${out.dim("answer")}  ${format.answer}`]),
      ...(format.probe === undefined ? [] : [`  ${out.dim("probe")}   ${format.probe}`]),
      "",
      ...eventLines(rows, out, columns),
      ...(i < formats.length - 1 ? [""] : []),
    ];
  });
  return { out: [...blocks.flat(), ""].join("\n") };
}

function signatureLines({ signatures }: FormatReport, paint: Paint, columns: number): readonly string[] {
  const labelled = (text: string) =>
    wrapLine(`  signed  ${plain(text)}`, columns).map((line) => line.replace(/^ {2}signed/, dimmed(paint)));
  if (signatures.length === 0) return labelled("none known: no signature and no token");
  return signatures.flatMap(({ id, title, covers, variable }) => [
    ...labelled(`${id}: ${title}`).map((line) => line.replace(`${id}:`, () => `${paint.name(id)}:`)),
    ...wrapLine(
      `          ${isByKeyPair(variable) ? BY_KEY_PAIR : COVERS[covers]}${variable === undefined ? "" : ` (${variable})`}`,
      columns,
    ),
  ]);
}

/** Painted after the line is wrapped, since escape sequences have no width. */
function dimmed(paint: Paint): (label: string) => string {
  return (label) => `  ${paint.dim(label.trim())}`;
}

function eventLines(rows: readonly (readonly string[])[], paint: Paint, columns: number): readonly string[] {
  const table = [["event", "what happened"], ...rows];
  const [head = "", ...lines] = fitRows(table, columns) ?? alignRows(table);
  return [paint.dim(head), ...lines];
}

declare module "../process/messages.ts" {
  interface Reports {
    product: ProductReport;
  }
}
