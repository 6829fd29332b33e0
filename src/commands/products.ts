import { CREDENTIAL_VARIABLES } from "../config/secrets.ts";
import type { Context } from "../context.ts";
import { answerRuleText } from "../core/answer-rule.ts";
import { ExitCode } from "../core/errors.ts";
import { probesText } from "../core/probe-text.ts";
import type { Product } from "../core/product.ts";
import type { ProductReport } from "../core/report.ts";
import { products } from "../products/index.ts";
import type { Define } from "./command.ts";
import { projectProducts } from "./configured-products.ts";
import { requireProduct } from "./options.ts";
import { eventTable } from "./products/event-table.ts";

interface ProductsOptions {
  readonly markdown?: boolean;
}

export const define: Define = (command, act) => {
  command
    .argument("[product]", "show the events of this product")
    .addOption(command.createOption("--markdown", "print the README's table of events").hideHelp())
    .addHelpText("after", HELP)
    .action(
      act(async (context: Context, id: string | undefined, options: ProductsOptions) => {
        if (options.markdown === true) context.report({ type: "text", text: eventTable(products) });
        else {
          const all = await projectProducts(context);
          if (id === undefined) listProducts(context, all.map(describeProduct));
          else context.report(describeProduct(requireProduct(all, id)));
        }
        return ExitCode.ok;
      }),
    );
};

const HELP = `
A name such as <Module>.create stands for every module: Leads.create, Invoices.create, or a custom module.
To add a product of your own, put samples into a folder (fixtures/<event>.json) and name it in zoho-hooks.config.json:
  { "products": { "shop": { "path": "webhooks/shop" } } }

Examples:
  $ zoho-hooks products
  $ zoho-hooks products crm
  $ zoho-hooks products --json | jq -r '.id + " " + .formats[].events[].name'
`;

function describeProduct({ id, title, formats }: Product): ProductReport {
  return {
    type: "product",
    id,
    title,
    formats: formats.map((format) => ({
      id: format.id,
      source: format.source,
      proofs: format.proofs.map((proof) => ({
        id: proof.id,
        title: proof.title,
        proves: proof.proves,
        variable: CREDENTIAL_VARIABLES[proof.credential],
      })),
      answer: format.answer === undefined ? undefined : answerRuleText(format.answer),
      probe: format.probes === undefined ? undefined : probesText(format.probes),
      events: format.events.map(({ name, summary, once, members }) => ({ name, summary, once, members })),
    })),
  };
}

/** A row a format: a product's formats differ in events and in what they prove. */
function listProducts(context: Context, reports: readonly ProductReport[]): void {
  context.report({
    type: "table",
    columns: ["product", "title", "format", "events", "carries a proof of"],
    rows: reports.flatMap(({ id, title, formats }) =>
      formats.map((format) => [
        id,
        title,
        format.id,
        String(format.events.length),
        format.proofs.map((proof) => `${PROVEN[proof.proves]} (${proof.id})`).join(", ") || "nothing",
      ]),
    ),
    json: reports.map((report) => ({ ...report })),
    footer: `${context.invocation} products <product> lists a product's events`,
  });
}

const PROVEN = { body: "the body", sender: "the sender only", nothing: "nothing" } as const;
