import type { Product } from "../../core/product.ts";

/** The events of every product as two Markdown tables: what the README shows between its `events` markers. */
export function eventTable(products: readonly Product[]): string {
  const formats = products.flatMap((product) => product.formats.map((format) => ({ product, format })));
  return [
    ...table(
      ["Product", "Format", "Proofs", "Specified in"],
      formats.map(({ product, format }) => [
        `${product.title} (${code(product.id)})`,
        code(format.id),
        format.proofs.map((proof) => `${code(proof.id)} (${proof.proves})`).join(", ") || "none",
        format.source,
      ]),
    ),
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

function table(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replace(/\s+/g, " ")));
  return [line(columns), line(columns.map(() => "---")), ...escaped.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}
