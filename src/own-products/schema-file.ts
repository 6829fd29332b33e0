import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { z } from "zod";
import { customSchema } from "../model/schema.ts";
import type { ImportModule } from "../process/runtime.ts";
import { isModule, MODULE_EXTENSIONS } from "../project/schema-files.ts";
import { errorCode, errorText, usageError } from "../util/errors.ts";
import { isDevice, NOT_A_FILE } from "../util/files.ts";
import { runWithin } from "../util/time-limit.ts";

/** One schema, or those of several events by name. */
type SchemaFile = z.ZodType | Map<string, z.ZodType>;

/**
 * Reads a JSON Schema, or runs a module whose default export is a zod schema or an object of them by event. A JSON Schema may
 * refer to other files in `folder`.
 */
export async function loadSchemaFile(path: string, folder: string, importModule: ImportModule): Promise<SchemaFile> {
  if (!existsSync(path)) throw usageError(`${path}: no such file`, "the settings name it as a schema");
  if (isDevice(path)) throw usageError(`${path} cannot be read: ${NOT_A_FILE}`);
  if (isModule(path)) return fromModule(path, importModule);
  if (path.endsWith(".json")) {
    const { readJsonSchema } = await import("./json-schema.ts");
    return limited(readJsonSchema(path, folder));
  }
  throw usageError(
    `${path} is not a schema file`,
    `use a JSON Schema (.json), or a module that exports a zod schema (${MODULE_EXTENSIONS.join(", ")})`,
  );
}

/** For one body. The receiver does nothing else meanwhile. */
const MAX_CHECK_MS = 250;
const STOPPED = `it was stopped after ${MAX_CHECK_MS} ms: simplify its slow pattern, such as (a+)+$, or its code`;

function limited(schema: z.ZodType): z.ZodType {
  return customSchema(schema, (check) => runWithin(MAX_CHECK_MS, check, STOPPED));
}

async function fromModule(path: string, importModule: ImportModule): Promise<SchemaFile> {
  const exported = await importDefault(path, importModule);
  if (isSchema(exported)) return limited(exported);
  const entries = typeof exported === "object" && exported !== null ? Object.entries(exported) : [];
  const schemas = new Map<string, z.ZodType>();
  for (const [name, value] of entries) if (isSchema(value)) schemas.set(name, limited(value));
  if (entries.length > 0 && schemas.size === entries.length) return schemas;
  const [wrong = "", value = exported] = entries.find(([, each]) => !isSchema(each)) ?? [];
  const where = entries.length === 0 || isOldSchema(exported) ? "its default export" : `${JSON.stringify(wrong)} in it`;
  if (isOldSchema(exported) || isOldSchema(value)) {
    throw usageError(`${path}: ${where} is a zod 3 schema`, 'import { z } from "zod/v4", or install zod 4');
  }
  throw usageError(
    `${path}: ${where} is not a zod schema`,
    'write: export default z.looseObject({ … }), or export default { "event.name": z.looseObject({ … }) }',
  );
}

async function importDefault(path: string, importModule: ImportModule): Promise<unknown> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await importModule(pathToFileURL(path).href);
  } catch (error) {
    if (errorCode(error) === "ERR_UNKNOWN_FILE_EXTENSION")
      throw usageError(
        `${path}: this version of Node cannot run TypeScript`,
        "use Node 22.18 or later, or a .mjs file",
      );
    const [firstLine = ""] = errorText(error).split("\n");
    const hint = /package 'zod'/.test(firstLine) ? "npm install zod" : undefined;
    throw usageError(`${path} cannot be loaded: ${firstLine}`, hint);
  }
  if (module.default !== undefined) return module.default;
  throw usageError(`${path} has no default export`, "write: export default z.looseObject({ … })");
}

/** A schema of zod 4, from any copy of it. */
function isSchema(value: unknown): value is z.ZodType {
  return typeof value === "object" && value !== null && "_zod" in value && "safeParse" in value;
}

function isOldSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "_def" in value && "safeParse" in value && !("_zod" in value);
}
