import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import type { ProductSettings } from "../model/configure.ts";
import { findProduct } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import type { ImportModule } from "../process/runtime.ts";
import { variableSuffix } from "../project/secrets.ts";
import type { Settings } from "../project/settings.ts";
import { UserError, usageError } from "../util/errors.ts";
import { readProductFolder } from "./product-folder.ts";
import { loadSchemaFile } from "./schema-file.ts";

interface CustomOptions {
  /** The project's folder. */
  readonly root: string;
  /** Paths in the settings are relative to this file. */
  readonly configFile: string;
  /** Undefined to run no module of a product, which leaves its schemas unknown. */
  importModuleOf(id: string): ImportModule | undefined;
}

/** Appends custom products, and loads the schemas that the settings name. */
export async function withCustomProducts(
  builtIn: readonly Product[],
  entries: Settings["products"],
  { root, configFile, importModuleOf }: CustomOptions,
) {
  const products = [...builtIn];
  const settings: Record<string, ProductSettings> = {};
  const resolved = (path: string): string => resolve(dirname(configFile), path);
  for (const [id, { path, schema: file, ...rest }] of Object.entries(entries)) {
    const importModule = importModuleOf(id);
    if (path !== undefined) {
      requireNewId(id, builtIn);
      products.push(await readProductFolder(id, resolved(path), { root, importModule }));
    }
    const product = products.find((each) => each.id === id);
    const isLoaded = file !== undefined && importModule !== undefined && product !== undefined;
    const schema = isLoaded ? await schemaOf(product, resolved(file), importModule) : undefined;
    settings[id] = { ...rest, schema };
  }
  return { products, settings };
}

function requireNewId(id: string, products: readonly Product[]): void {
  if (findProduct(products, id) !== undefined) {
    throw usageError(`products.${id}.path: ${id} is a built-in product`, "give yours another name");
  }
  if (!/^[a-z][a-z0-9-]*$/.test(id)) {
    throw usageError(
      `products.${id}.path: ${JSON.stringify(id)} cannot be part of a URL`,
      "a product's id consists of lower-case letters, digits and hyphens, and begins with a letter",
    );
  }
  if (/(^|-)file$/.test(id)) {
    const { secret } = CREDENTIAL_VARIABLES;
    throw usageError(
      `products.${id}.path: ${secret}_${variableSuffix(id)} would be the path of a file with a secret`,
      "give the product a name that does not end with file",
    );
  }
}

/** The schema of a file, or where it has several, that of the product's custom event. */
async function schemaOf({ id, formats }: Product, path: string, importModule: ImportModule): Promise<z.ZodType> {
  const file = await loadSchemaFile(path, dirname(path), importModule).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw usageError(`products.${id}.schema: ${error.message}`, error.hint);
  });
  if (!(file instanceof Map)) return file;
  const name = formats.find((format) => format.setup?.settings?.includes("schema"))?.body.customEvent ?? "";
  const schema = file.get(name);
  if (schema !== undefined) return schema;
  throw usageError(
    `products.${id}.schema: ${path} has no schema for ${name}`,
    `it has schemas for ${[...file.keys()].join(", ")}`,
  );
}
