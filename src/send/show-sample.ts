import { chosenFormat, requireOneEvent, requireProduct } from "../contract/named.ts";
import type { Product } from "../contract/product.ts";
import { projectProducts, warnOfMistypedModules } from "../custom/project-products.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { type Fixture, type FixtureKey, projectFixturePath, readFixture } from "../samples/fixtures.ts";
import { ExitCode, usageError } from "../util/errors.ts";

export interface SampleOptions {
  readonly format?: string;
}

/** Reports the sample that `send` uses for an event. */
export async function showSample(
  context: Context,
  id: string,
  event: string,
  options: SampleOptions,
): Promise<ExitCode> {
  const config = loadConfig(context);
  const product = requireProduct(await projectProducts(config, { schemasOf: id }), id);
  const sample = requireSample(product, options.format, event);
  const fixture = findFixture(context, config, sample);
  if (fixture === undefined) {
    const place = projectFixturePath(config.root, sample);
    throw usageError(`there is no sample of ${product.id} ${sample.name}`, `put one at ${place}`);
  }
  if (fixture.template) warnOfMistypedModules(context, [product], [sample.name]);
  const { text } = fixture;
  context.report({ type: "text", text, json: { ...fixtureLine(sample, fixture), text } });
  return ExitCode.ok;
}

/** The sample of an event. Throws a usage error for an unknown or ambiguous name. */
export function requireSample(product: Product, flag: string | undefined, event: string): FixtureKey {
  const format = chosenFormat(product, flag, event);
  return { product, format, name: requireOneEvent(product, format, event).name };
}

export function findFixture({ packageRoot }: Context, { root }: Config, sample: FixtureKey): Fixture | undefined {
  return readFixture({ root, packageRoot }, sample);
}

export function fixtureLine({ product, format, name }: FixtureKey, fixture: Fixture | undefined) {
  const { path = null, origin = null, template = false } = fixture ?? {};
  return { type: "fixture", product: product.id, format: format.id, event: name, path, origin, template };
}
