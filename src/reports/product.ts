import type { Evidence, Proves } from "../model/product.ts";
import type { FormatMembers, ProductLine } from "../own-products/lines.ts";
import { plain } from "../util/text.ts";
import { alignRows, fitRows, type Lines, textOf } from "./layout.ts";
import type { Paint, Rendered, Style } from "./paint.ts";

/** States what a verified proof means, and no more. */
const COVERS: Readonly<Record<Proves, string>> = {
  body: "covers the body: someone who has the secret signed exactly these bytes",
  sender: "covers the sender only: anyone who has seen one delivery can make another, with any content",
  nothing: "covers nothing",
};

const NOT_POSTED = "Zoho does not post this body: it is the one that the Webhooks Guide for Zoho APIs shows";

const EVIDENCE: Readonly<Record<Evidence, string>> = {
  doc: "doc: its source documents it",
  seen: "seen: known from deliveries to integrations in use",
  modelled: "modelled: neither documented nor seen, but based on a similar body",
};

const BY_KEY_PAIR =
  "covers the body: exactly these bytes were signed, with the private key that belongs to this public key";

/** A product's events by format, with the source of each format and what its signatures cover. */
export function renderProduct({ id, title, formats }: ProductLine, { out, quiet }: Style): Rendered {
  const blocks = formats.map((format, i) => {
    const rows = format.events.map((event) => [event.name, event.summary].map((text) => plain(text)));
    if (quiet) return alignRows(rows);
    const name = `format ${format.id}${i === 0 && formats.length > 1 ? " (the default)" : ""}`;
    return [
      i > 0 && "",
      `${out.strong(`${plain(title)} (${id})`)}  ${name}`,
      format.id === "guide" && `  ${out.caution(NOT_POSTED)}`,
      `  ${out.dim("source")}  ${plain(format.source)}`,
      format.evidence && `  ${out.dim("known")}   ${EVIDENCE[format.evidence]}`,
      signatureLines(format, out),
      format.answer && `  ${out.dim("answer")}  ${format.answer}`,
      format.probe && `  ${out.dim("probe")}   ${format.probe}`,
      "",
      eventLines(rows, out),
    ];
  });
  return { out: textOf(blocks) };
}

function signatureLines({ signatures }: FormatMembers, paint: Paint): Lines {
  if (signatures.length === 0) return `  ${paint.dim("signed")}  none known: no signature and no token`;
  return signatures.map(({ id, title, covers, variable, deluge }) => {
    const isKeyPair = variable.startsWith("ZOHO_WEBHOOK_PUBLIC_KEY");
    return [
      `  ${paint.dim("signed")}  ${paint.name(id)}: ${plain(title)}`,
      `          ${isKeyPair ? BY_KEY_PAIR : COVERS[covers]} (${variable})`,
      deluge !== undefined && `          in Deluge: ${plain(deluge)}`,
    ];
  });
}

function eventLines(rows: readonly (readonly string[])[], paint: Paint): readonly string[] {
  const table = [["event", "what happened"], ...rows];
  const [head = "", ...lines] = fitRows(table, paint.columns) ?? alignRows(table);
  return [paint.dim(head), ...lines];
}
