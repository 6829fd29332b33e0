import type { Config } from "../config/load.ts";
import { environmentName, readers } from "../config/readers.ts";
import { CREDENTIAL_VARIABLES, inVariable } from "../config/secrets.ts";
import type { Context } from "../context.ts";
import { nearest } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";

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
  const ofProducts = credentials.flatMap((name) => products.map(({ id }) => `${name}_${inVariable(id)}`));
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
export function tellUnknownVariables(
  context: Context,
  config: Config,
  products: readonly Product[],
): readonly string[] {
  const unknown = unknownVariables(config, products);
  for (const { name: _, ...warning } of unknown) context.report({ type: "warning", ...warning });
  return unknown.map(({ name }) => name);
}
