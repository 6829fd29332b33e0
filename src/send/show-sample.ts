import { chosenFormat, requireOneEvent, requireProduct } from "../model/named.ts";
import type { Product } from "../model/product.ts";
import { warnOfMistypedModules } from "../own-products/project-products.ts";
import type { TextReport } from "../process/messages.ts";
import type { Config } from "../project/load.ts";
import { type Fixture, type FixtureKey, projectFixturePath, readFixture } from "../samples/fixtures.ts";
import { usageError } from "../util/errors.ts";
import type { ReportingWorkspace, Workspace } from "../workspace/workspace.ts";
import type { FixtureLine } from "./lines.ts";

export interface SampleOptions {
  readonly format?: string;
}

/** The sample that `send` uses for an event. */
export async function showSample(
  workspace: ReportingWorkspace,
  id: string,
  event: string,
  { format }: SampleOptions,
): Promise<TextReport> {
  const { config } = workspace;
  const product = requireProduct(await workspace.products({ schemasOf: id }), id);
  const sample = requireSample(product, format, event);
  const fixture = findFixture(workspace, config, sample);
  if (fixture === undefined) {
    const place = projectFixturePath(config.root, sample);
    throw usageError(`there is no sample of ${product.id} ${sample.name}`, `put one at ${place}`);
  }
  if (fixture.template) warnOfMistypedModules(workspace, [product], [sample.name]);
  const { text } = fixture;
  const json: FixtureLine = { ...fixtureLine(sample, fixture), text };
  return { type: "text", text, json };
}

/** The sample of an event. Throws a usage error for an unknown or ambiguous name. */
export function requireSample(product: Product, flag: string | undefined, event: string): FixtureKey {
  const format = chosenFormat(product, flag, event);
  return { product, format, name: requireOneEvent(product, format, event).name };
}

export function findFixture(
  { packageRoot }: Pick<Workspace, "packageRoot">,
  { root }: Config,
  sample: FixtureKey,
): Fixture | undefined {
  return readFixture({ root, packageRoot }, sample);
}

export function fixtureLine({ product, format, name }: FixtureKey, fixture: Fixture | undefined): FixtureLine {
  const { path = null, origin = null, template = false } = fixture ?? {};
  return { type: "fixture", product: product.id, format: format.id, event: name, path, origin, template };
}
