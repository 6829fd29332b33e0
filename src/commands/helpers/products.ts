import { type Config, loadConfig } from "../../config/load.ts";
import { environmentName, readers } from "../../config/readers.ts";
import { CREDENTIAL_VARIABLES, variableSuffix } from "../../config/secrets.ts";
import type { Context } from "../../context.ts";
import { configureProducts, type ProductSettings } from "../../core/configure.ts";
import { findProduct, isNamed, nearest } from "../../core/event-names.ts";
import { mistypedModule } from "../../core/hints.ts";
import type { Product } from "../../core/product.ts";
import { products } from "../../products/index.ts";
import { usageError } from "../../util/errors.ts";
import { requireProduct } from "./options.ts";

type ProductConfig = Pick<Config, "root" | "importModule"> & {
  readonly settings: Pick<Config["settings"], "products">;
  readonly origins: Pick<Config["origins"], "products">;
};

/**
 * Every product, as the project's settings say that it is used, the user's own behind the others. What reads their files
 * is loaded only where there are any; `schemas: false` leaves out what would have to be run to be read.
 */
export async function configuredProducts(
  { settings, origins, root, importModule }: ProductConfig,
  { schemas = true } = {},
): Promise<readonly Product[]> {
  const entries = Object.entries(settings.products);
  for (const [id, { path }] of entries) if (path === undefined) requireKnown(id);
  if (!entries.some(([, { path, schema }]) => path !== undefined || schema !== undefined))
    return configureProducts(products, settings.products as Readonly<Record<string, ProductSettings>>);
  const { withOwnProducts } = await import("../../config/own/own-products.ts");
  const all = await withOwnProducts(products, settings.products, {
    root,
    configFile: origins.products,
    importModule: schemas ? importModule : undefined,
  });
  return configureProducts(all.products, all.settings);
}

/** The products of the project that a command is called in. */
export function projectProducts(context: Context): Promise<readonly Product[]> {
  return configuredProducts(loadConfig(context));
}

/** As it is written: an entry that is found in another case would be right, and have no effect. */
function requireKnown(id: string): void {
  const ids: readonly string[] = products.map((each) => each.id);
  if (ids.includes(id)) return;
  const [near] = nearest(id, ids, 1);
  throw usageError(
    `products.${id}: there is no product ${JSON.stringify(id)}`,
    near === undefined
      ? `one of your own has a folder that describes it: "${id}": { "path": "webhooks/${id}" }`
      : `did you mean ${near}?`,
  );
}

const GLOB = /[*?]/;

/**
 * The products that a pattern of events speaks of, all unless it names one. Throws for one that there is not, with `where`
 * it stands: nothing would ever fit.
 */
export function patternProducts(products: readonly Product[], text: string, where: string): readonly Product[] {
  const [left = "", right] = text.split(":", 2);
  if (right === undefined) {
    const meant = findProduct(products, left);
    const isEvent = products.some(({ formats }) => formats.some((format) => isNamed(format, left, true)));
    if (meant !== undefined && !isEvent)
      throw usageError(`${where}: ${left} is a product, not an event`, `write it as ${left}:*`);
    return products;
  }
  return GLOB.test(left) ? products : [requireProduct(products, left, where)];
}

/**
 * Tells which modules that the user has named are taken as custom ones and look like known ones, each once. A name may be
 * an event or a pattern, with a product before a colon: `crm:Lead.*`.
 */
export function warnOfMistypedModules(context: Context, products: readonly Product[], names: readonly string[]): void {
  const told = new Set<string>();
  for (const name of names) {
    const [left = "", right] = name.split(":", 2);
    const named = right === undefined ? undefined : findProduct(products, left);
    if (right !== undefined && named === undefined) continue;
    const found = mistypedModule(named === undefined ? products : [named], right ?? left);
    if (found === undefined || told.has(found.module)) continue;
    told.add(found.module);
    context.report({
      type: "warning",
      message: `${found.module} is treated as a custom module`,
      hint: `did you mean ${found.near}?`,
    });
  }
}

interface UnknownVariable {
  readonly name: string;
  readonly message: string;
  readonly hint?: string;
}

/** What `listen --exec` gives to the program that it runs, which may call zoho-hooks again. */
const GIVEN_BY_LISTEN = /^ZOHO_HOOKS_(?:URL|PUBLIC_URL|JWKS_URL|URL_.*)$/;

/** A misspelt variable would otherwise have no effect and nobody would know: an unchecked signature looks like a right one. */
function unknownVariables({ env, variableOrigin }: Config, products: readonly Product[]): readonly UnknownVariable[] {
  const names = Object.keys(env).filter((name) => /^ZOHO_(?:HOOKS|WEBHOOK)_/.test(name) && !GIVEN_BY_LISTEN.test(name));
  if (names.length === 0) return [];
  const settings = Object.keys(readers).map(environmentName);
  const credentials = Object.values(CREDENTIAL_VARIABLES);
  const ofProducts = credentials.flatMap((name) => products.map(({ id }) => `${name}_${variableSuffix(id)}`));
  const known = new Set([...settings, ...credentials, ...ofProducts]);
  return names
    .filter((name) => !known.has(name))
    .map((name) => {
      const [near] = nearest(name, [...known], 1);
      const what = name.startsWith("ZOHO_HOOKS_") ? "setting" : "secret of a product";
      const message = `${name} (${variableOrigin(name)}) is no ${what} and has no effect`;
      return near === undefined ? { name, message } : { name, message, hint: `did you mean ${near}?` };
    });
}

/** Tells of each of them, and gives back their names. */
export function warnOfUnknownVariables(
  context: Context,
  config: Config,
  products: readonly Product[],
): readonly string[] {
  const unknown = unknownVariables(config, products);
  for (const { name: _, ...warning } of unknown) context.report({ type: "warning", ...warning });
  return unknown.map(({ name }) => name);
}
