import { requireProduct } from "../contract/named.ts";
import type { Product } from "../contract/product.ts";
import { projectProducts } from "../custom/project-products.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { readProject } from "../project/project.ts";
import { checkTrust, notTrusted, requireTrust } from "../project/trust.ts";
import { examples } from "../terminal/help.ts";
import { describeProduct, type ProductReport } from "../terminal/product.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .argument("[product]", "show the events of this product")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks products",
        "zoho-hooks products crm",
        `zoho-hooks products --json | jq -r '.id + " " + .formats[].events[].name'`,
      ),
    )
    .addHelpText("after", HELP)
    .action(act(showProducts));
};

const HELP = `
A name such as <Module>.create stands for every module: Leads.create, Invoices.create, or a custom module.
To add a product of your own, put samples into a folder (fixtures/<event>.json) and name it in zoho-hooks.config.json:
  { "products": { "shop": { "path": "webhooks/shop" } } }`;

async function showProducts(context: Context, id: string | undefined): Promise<ExitCode> {
  if (id === undefined) listProducts(context, (await listedProducts(context)).map(describeProduct));
  else {
    const project = await requireTrust(context);
    const config = loadConfig(overrideContext(context, { project }));
    context.report(describeProduct(requireProduct(await projectProducts(config, { schemasOf: id }), id)));
  }
  return ExitCode.ok;
}

/** Products of an untrusted folder are left out: to know their events its code would be run. */
async function listedProducts(context: Context): Promise<readonly Product[]> {
  const whole = readProject(context);
  const { open, trusted } = await checkTrust(context, whole);
  if (open.length > 0) {
    const { message, hint } = notTrusted(context, whole, open);
    context.report({ type: "warning", message: `its products are left out: ${message}`, hint });
  }
  return projectProducts(loadConfig(overrideContext(context, { project: trusted })));
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
