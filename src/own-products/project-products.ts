import { appPaths, WEBHOOK_PATH } from "../delivery/paths.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import { configureProducts, type ProductSettings } from "../model/configure.ts";
import {
  eventNames,
  findProduct,
  isNamed,
  mistypedModule,
  nearest,
  patternParts,
  productNames,
} from "../model/event-names.ts";
import { requireProduct } from "../model/named.ts";
import type { Product } from "../model/product.ts";
import { products } from "../products/index.ts";
import type { Sink } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { FILE_SUFFIX } from "../project/secret-variables.ts";
import { variableSuffix } from "../project/secrets.ts";
import { SETTINGS, settingName } from "../project/settings.ts";
import { STORE_KEY, TRUST_ALL } from "../project/variables.ts";
import { canAllowUnsigned, isNeverSigned, unsignedCustomFormat } from "../recognition/unsigned.ts";
import { usageError } from "../util/errors.ts";
import { shortValue } from "../util/text.ts";

type ProductConfig = Pick<Config, "root" | "importModule"> & {
  readonly settings: Pick<Config["settings"], "products"> &
    Partial<Pick<Config["settings"], "allowUnsigned" | "paths">>;
  readonly origins: Pick<Config["origins"], "products"> & Partial<Pick<Config["origins"], "allowUnsigned" | "paths">>;
};

interface SchemaOptions {
  /** False to load none: those that are modules would be run. */
  readonly schemas?: boolean;
  /** The only product whose schemas are needed, as the user names it or an event of it: a broken one of another stops nothing. */
  readonly schemasOf?: string | undefined;
}

/**
 * Every product with the project's settings applied, custom products last. The code that reads their files is only
 * loaded if there are any.
 */
export async function projectProducts(config: ProductConfig, options: SchemaOptions = {}): Promise<readonly Product[]> {
  const known = await withSettings(config, options);
  const { allowUnsigned = [], paths = [] } = config.settings;
  checkPaths(known, paths, settingName("paths", config.origins.paths ?? "flag"));
  const where = settingName("allowUnsigned", config.origins.allowUnsigned ?? "flag");
  const ids = allowUnsigned.flatMap((text) => readUnsigned(known, text, where));
  return known.map((product) => (ids.includes(product.id) ? { ...product, allowUnsigned: true } : product));
}

/** Throws a usage error for a path that is another product's, or of a product that does not exist. */
function checkPaths(products: readonly Product[], paths: readonly string[], where: string): void {
  for (const { path, product } of appPaths(paths)) {
    if (product !== undefined) requireProduct(products, product, `${where}: ${path}`);
    const own = path.startsWith(`${WEBHOOK_PATH}/`) && findProduct(products, path.slice(WEBHOOK_PATH.length + 1));
    if (!own) continue;
    throw usageError(
      `${where}: ${path} is the path at which listen receives ${own.title} anyway`,
      "leave it out, or choose another path",
    );
  }
}

/** The ids in a list such as `crm,recruit`. Throws a usage error for a product that always signs, or never. */
function readUnsigned(products: readonly Product[], text: string, where: string): readonly string[] {
  return text.split(",").map((id) => {
    const product = requireProduct(products, id.trim(), where);
    const isUnsigned = isNeverSigned(product);
    if (!isUnsigned && unsignedCustomFormat(product) !== undefined) return product.id;
    const ids = products.filter(canAllowUnsigned).map((each) => each.id);
    throw usageError(
      `${where} does not apply to ${product.title}`,
      `${isUnsigned ? "Zoho never signs it, so it is accepted without; " : ""}it applies to ${ids.join(", ")}`,
    );
  });
}

async function withSettings(
  { settings, origins, root, importModule }: ProductConfig,
  { schemas = true, schemasOf }: SchemaOptions,
): Promise<readonly Product[]> {
  const entries = Object.entries(settings.products);
  for (const [id, { path }] of entries) if (path === undefined) requireKnown(id);
  if (!entries.some(([, { path, schema }]) => path !== undefined || schema !== undefined))
    return configureProducts(products, settings.products as Readonly<Record<string, ProductSettings>>);
  const { withCustomProducts } = await import("./custom-products.ts");
  const [word] = schemasOf?.split(/[.:]/, 1) ?? [];
  const only = word === undefined ? undefined : (findProduct(products, word)?.id ?? word.toLowerCase());
  const importModuleOf = (id: string) => (schemas && (only ?? id) === id ? importModule : undefined);
  const options = { root, configFile: origins.products, importModuleOf };
  const all = await withCustomProducts(products, settings.products, options);
  return configureProducts(all.products, all.settings);
}

/** In this exact case: `CRM` would be accepted otherwise, and have no effect. */
function requireKnown(id: string): void {
  const ids: readonly string[] = products.map((each) => each.id);
  if (ids.includes(id)) return;
  const [near] = nearest(id, ids, 1);
  throw usageError(
    `products.${id}: there is no product ${JSON.stringify(id)}`,
    near === undefined
      ? `to define one of your own, name its folder: "${id}": { "path": "webhooks/${id}" }`
      : `did you mean ${near}?`,
  );
}

const GLOB = /[*?]/;

/**
 * The products that an event pattern can match: all, unless it names one. Throws a usage error, beginning with `where`, if
 * it can match none.
 */
export function patternProducts(products: readonly Product[], text: string, where: string): readonly Product[] {
  const [left = "", right] = text.split(":", 2);
  if (right === undefined) {
    const isEvent = products.some(({ formats }) => formats.some((format) => isNamed(format, left, true)));
    if (findProduct(products, left) !== undefined && !isEvent)
      throw usageError(`${where}: ${left} is a product, not an event`, `write it as ${left}:*`);
    return products;
  }
  return GLOB.test(left) ? products : [requireProduct(products, left, where)];
}

/** Throws a usage error for an event that would be waited for in vain, since it is mistyped. A pattern may match an unknown one. */
export function requireKnownEvent(products: readonly Product[], text: string, where: string): void {
  const named = patternProducts(products, text, where);
  const { product, event: name } = patternParts(text);
  const formats = named.flatMap((each) => each.formats);
  if (/[*?]/.test(text) || formats.some((format) => isNamed(format, name, product === undefined))) return;
  const [near] = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
  throw usageError(
    `${where} ${shortValue(text)}: there is no event ${shortValue(name)}`,
    near === undefined
      ? `zoho-hooks products lists the events; to wait for one that it does not list, use a pattern: '${shortValue(text)}*'`
      : `did you mean ${near}?`,
  );
}

/** Warns once of each module that looks like a mistyped one. Names are events or patterns: `Lead.create`, `crm:Lead.*`. */
export function warnOfMistypedModules(
  context: Pick<Sink, "report">,
  products: readonly Product[],
  names: readonly string[],
): void {
  const reported = new Set<string>();
  for (const name of names) {
    const [left = "", right] = name.split(":", 2);
    const named = right === undefined ? undefined : findProduct(products, left);
    if (right !== undefined && named === undefined) continue;
    const found = mistypedModule(named === undefined ? products : [named], right ?? left);
    if (found === undefined || reported.has(found.module)) continue;
    reported.add(found.module);
    context.report({
      type: "warning",
      message: `${found.module} is treated as a custom module`,
      hint: `did you mean ${found.near}?`,
    });
  }
}

/** Variables that `--exec`, `--on-failed` and `--on-lost` set for their commands, which may call zoho-hooks. */
const SET_FOR_COMMANDS = /^ZOHO_HOOKS_(?:URL|TUNNEL_URL|JWKS_URL|URL_.*|FAILED_.*|CHANNEL_.*)$/;

/** Warns of misspelt variables, which would silently have no effect, and returns their names. */
export function warnOfUnknownVariables(
  context: Pick<Sink, "report">,
  { env, variableOrigin }: Config,
  products: readonly Product[],
): readonly string[] {
  const given = Object.keys(env).filter(
    (name) => /^ZOHO_(?:HOOKS|WEBHOOK)_/.test(name) && !SET_FOR_COMMANDS.test(name),
  );
  if (given.length === 0) return [];
  const credentials = Object.values(CREDENTIAL_VARIABLES);
  const names = products.flatMap(({ id }) => productNames(id));
  const ofProducts = credentials.flatMap((variable) => names.map((name) => `${variable}_${variableSuffix(name)}`));
  const secrets = [STORE_KEY, ...credentials, ...ofProducts];
  const known = [
    TRUST_ALL,
    ...SETTINGS.flatMap(({ variable }) => variable ?? []),
    ...secrets,
    ...secrets.map((name) => name + FILE_SUFFIX),
  ];
  const unknown = given.filter((name) => !known.includes(name));
  for (const name of unknown) {
    const [near] = nearest(name, known, 1);
    context.report({
      type: "warning",
      message: `${name} (${variableOrigin(name)}) is not a ${name.startsWith("ZOHO_HOOKS_") ? "setting" : "product's secret"}, so it has no effect`,
      hint: near && `did you mean ${near}?`,
    });
  }
  return unknown;
}
