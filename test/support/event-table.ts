import { defaultFirst, type Format, type Product } from "../../src/model/product.ts";

/** The Markdown between the markers of docs/events.md: the signatures and tokens, every format and every event. */
export function eventTable(products: readonly Product[]): string {
  const formats = products.flatMap((product) => defaultFirst(product).map((format) => ({ product, format })));
  return [
    "## Signatures and tokens",
    "",
    ...table(["Name", "Where it is, and how it is computed", "Covers", "Formats"], signatureRows(formats)),
    "",
    "## Formats",
    "",
    ...table(
      ["Product", "Format", "Signatures and tokens", "Known from", "Specified in"],
      formats.map(({ product, format }) => [
        `${product.title} (${code(product.id)})`,
        code(format.id),
        format.proofs.map((proof) => `${code(proof.id)} (${proof.proves})`).join(", ") || "none",
        format.evidence ?? "",
        format.source,
      ]),
    ),
    "",
    "## Events",
    "",
    ...table(
      ["Product", "Format", "Event", "What happened"],
      formats.flatMap(({ product, format }) =>
        format.events.map((event) => [code(product.id), code(format.id), code(event.name), event.summary]),
      ),
    ),
    "",
  ].join("\n");
}

/** One row per signature or token, with the products of each format: `wire: crm, bigin`. */
function signatureRows(formats: readonly { readonly product: Product; readonly format: Format }[]) {
  const proofs = new Map(formats.flatMap(({ format }) => format.proofs.map((proof) => [proof.id, proof])));
  return [...proofs.values()].map(({ id, title, proves }) => {
    const productsByFormat = new Map<string, string[]>();
    for (const { product, format } of formats) {
      if (!format.proofs.some((proof) => proof.id === id)) continue;
      productsByFormat.set(format.id, [...(productsByFormat.get(format.id) ?? []), product.id]);
    }
    const users = [...productsByFormat].map(([format, ids]) => `${code(format)}: ${ids.join(", ")}`);
    return [code(id), title.replaceAll("<", "&lt;"), proves, users.join("; ")];
  });
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")));
  return [line(columns), line(columns.map(() => "---")), ...escaped.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}
