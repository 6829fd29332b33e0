import { requireProduct } from "../contract/named.ts";
import { defaultFirst, type Product } from "../contract/product.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { readProject } from "../project/project.ts";
import { checkTrust, notTrusted, requireTrust } from "../project/trust.ts";
import { answerRuleText, probesText } from "../recognition/reply.ts";
import { ExitCode } from "../util/errors.ts";
import { projectProducts } from "./project-products.ts";

export async function showProducts(context: Context, id: string | undefined): Promise<ExitCode> {
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

export type ProductReport = ReturnType<typeof describeProduct>;

/** A product with its formats, the default first, and their events. */
export function describeProduct(product: Product) {
  return {
    type: "product",
    id: product.id,
    title: product.title,
    formats: defaultFirst(product).map((format) => ({
      id: format.id,
      source: format.source,
      evidence: format.evidence,
      signatures: format.proofs.map((proof) => ({
        id: proof.id,
        title: proof.title,
        covers: proof.proves,
        variable: CREDENTIAL_VARIABLES[proof.credential],
        /** For who writes the sender. */
        ...(product.folder !== undefined && proof.deluge !== undefined && { deluge: proof.deluge }),
      })),
      /** The answer that the sender expects, as documented. */
      answer: format.answer && answerRuleText(format.answer),
      /** How it checks a URL before it saves a webhook. */
      probe: format.probes && probesText(format.probes),
      events: format.events.map(({ name, summary, once, members }) => ({ name, summary, once, members })),
    })),
  } as const;
}
