import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import { requireProduct } from "../model/named.ts";
import { defaultFirst, type Product } from "../model/product.ts";
import { answerRuleText, probesText } from "../model/sender.ts";
import type { TableReport } from "../process/messages.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { ProductLine } from "./lines.ts";

/** One product in full. */
export async function showProduct(workspace: Workspace, id: string): Promise<ProductLine> {
  return describeProduct(requireProduct(await workspace.products({ schemasOf: id }), id));
}

/** All products. One row per format: a product's formats differ in their events and signatures. */
export async function listProducts(workspace: Workspace): Promise<TableReport> {
  const reports = (await workspace.products()).map(describeProduct);
  return {
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
    footer: `${workspace.invocation} products <product> lists a product's events`,
  };
}

const COVERED = { body: "the body", sender: "the sender only", nothing: "nothing" } as const;

/** A product with its formats, the default first, and their events. */
export function describeProduct(product: Product): ProductLine {
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
        ...(product.folder !== undefined && proof.deluge !== undefined && { deluge: proof.deluge }),
      })),
      answer: format.sender?.answer && answerRuleText(format.sender.answer),
      probe: format.setup?.probes && probesText(format.setup.probes),
      events: format.events.map(({ name, summary, once, members }) => ({ name, summary, once, members })),
    })),
  };
}
