import { requireProduct } from "../contract/named.ts";
import { defaultFirst, type Format, type Product } from "../contract/product.ts";
import { projectProducts } from "../custom/project-products.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { readProject } from "../project/project.ts";
import { checkTrust, notTrusted, requireTrust } from "../project/trust.ts";
import { examples } from "../terminal/help.ts";
import { describeProduct, type ProductReport } from "../terminal/product.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";

interface ProductsOptions {
  readonly markdown?: boolean;
}

export const define: Define = (command, act) => {
  command
    .argument("[product]", "show the events of this product")
    .addOption(command.createOption("--markdown", "print the tables of docs/events.md").hideHelp())
    .addHelpText(
      "before",
      examples(
        "zoho-hooks products",
        "zoho-hooks products crm",
        `zoho-hooks products --json | jq -r '.id + " " + .formats[].events[].name'`,
      ),
    )
    .addHelpText("after", HELP)
    .action(
      act(async (context: Context, id: string | undefined, options: ProductsOptions) => {
        if (options.markdown === true) context.report({ type: "text", text: eventTable(products) });
        else if (id === undefined) listProducts(context, (await listedProducts(context)).map(describeProduct));
        else {
          const project = await requireTrust(context);
          const all = await projectProducts(overrideContext(context, { project }));
          context.report(describeProduct(requireProduct(all, id)));
        }
        return ExitCode.ok;
      }),
    );
};

const HELP = `
A name such as <Module>.create stands for every module: Leads.create, Invoices.create, or a custom module.
To add a product of your own, put samples into a folder (fixtures/<event>.json) and name it in zoho-hooks.config.json:
  { "products": { "shop": { "path": "webhooks/shop" } } }`;

/** Those of an untrusted folder are left out: to know their events its code would be run. */
async function listedProducts(context: Context): Promise<readonly Product[]> {
  const whole = readProject(context);
  const { open, trusted } = await checkTrust(context, whole);
  if (open.length > 0) {
    const { message, hint } = notTrusted(context, whole, open);
    context.report({
      type: "warning",
      message: `its products are left out: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  return projectProducts(overrideContext(context, { project: trusted }));
}

/** One row per format: a product's formats differ in their events and signatures. */
function listProducts(context: Context, reports: readonly ProductReport[]): void {
  context.report({
    type: "table",
    columns: ["product", "title", "format", "events", "signature covers"],
    rows: reports.flatMap(({ id, title, formats }) =>
      formats.map((format) => [
        id,
        title,
        format.id,
        String(format.events.length),
        format.signatures.map(({ id: name, covers }) => `${COVERED[covers]} (${name})`).join(", ") || "none",
      ]),
    ),
    json: reports.map((report) => ({ ...report })),
    footer: `${context.invocation} products <product> lists a product's events`,
  });
}

const COVERED = { body: "the body", sender: "the sender only", nothing: "nothing" } as const;

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
