import { openWorkspace } from "../operations/workspace.ts";
import { listProducts, showProduct } from "../own-products/show-products.ts";
import { overrideContext } from "../project/context.ts";
import { type Project, readProject } from "../project/project.ts";
import { checkTrust, notTrusted, requireTrust } from "../project/trust.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { CommandContext, Define } from "./command.ts";

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

async function showProducts(context: CommandContext, id: string | undefined): Promise<ExitCode> {
  const project = await (id === undefined ? listedProject : requireTrust)(context);
  const workspace = openWorkspace(overrideContext(context, { project }));
  context.report(id === undefined ? await listProducts(workspace) : await showProduct(workspace, id));
  return ExitCode.ok;
}

/** Products of an untrusted folder are left out: to know their events its code would be run. */
async function listedProject(context: CommandContext): Promise<Project> {
  const whole = readProject(context);
  const { open, trusted } = await checkTrust(context, whole);
  if (open.length > 0) {
    const { message, hint } = notTrusted(context, whole, open);
    context.report({ type: "warning", message: `its products are left out: ${message}`, hint });
  }
  return trusted;
}

const HELP = `
A name such as <Module>.create stands for every module: Leads.create, Invoices.create, or a custom module.
To add a product of your own, put samples into a folder (fixtures/<event>.json) and name it in zoho-hooks.config.json:
  { "products": { "shop": { "path": "webhooks/shop" } } }`;
