import type { Format, Product } from "../../core/product.ts";

/**
 * How deliveries are proved, and below it, folded up, every format and every event, as Markdown tables: what the README
 * shows between its `events` markers.
 */
export function eventTable(products: readonly Product[]): string {
  const formats = products.flatMap((product) => product.formats.map((format) => ({ product, format })));
  return [
    ...table(["Proof", "Where it stands, and how it is made", "Proves", "Formats"], proofRows(formats)),
    "",
    ...folded(
      "Every format, and where it is specified",
      ["Product", "Format", "Proofs", "Specified in"],
      formats.map(({ product, format }) => [
        `${product.title} (${code(product.id)})`,
        code(format.id),
        format.proofs.map((proof) => `${code(proof.id)} (${proof.proves})`).join(", ") || "none",
        format.source,
      ]),
    ),
    "",
    ...folded(
      "Every event",
      ["Product", "Format", "Event", "What happened"],
      formats.flatMap(({ product, format }) =>
        format.events.map((event) => [code(product.id), code(format.id), code(event.name), event.summary]),
      ),
    ),
    "",
  ].join("\n");
}

/** By what is to be checked, for whoever checks it in a program of their own. */
function proofRows(formats: readonly { readonly product: Product; readonly format: Format }[]) {
  const proofs = new Map(formats.flatMap(({ format }) => format.proofs.map((proof) => [proof.id, proof])));
  return [...proofs.values()].map(({ id, title, proves }) => {
    const of = formats.filter(({ format }) => format.proofs.some((proof) => proof.id === id));
    const ids = [...new Set(of.map(({ format }) => format.id))];
    const named = ids.map(
      (each) =>
        `${code(each)}: ${of.flatMap(({ product, format }) => (format.id === each ? [product.id] : [])).join(", ")}`,
    );
    return [code(id), title.replaceAll("<", "&lt;"), proves, named.join("; ")];
  });
}

/** A long table that is opened by whoever looks for something in it. */
function folded(summary: string, ...parts: Parameters<typeof table>): readonly string[] {
  return [`<details><summary>${summary}</summary>`, "", ...table(...parts), "", "</details>"];
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")));
  return [line(columns), line(columns.map(() => "---")), ...escaped.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}
