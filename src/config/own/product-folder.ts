import { existsSync, readdirSync } from "node:fs";
import { join, parse, relative, sep } from "node:path";
import type { z } from "zod";
import type { ImportModule } from "../../context.ts";
import { errorCode, errorText, usageError } from "../../core/errors.ts";
import { ownProduct } from "../../core/own-product.ts";
import type { Product } from "../../core/product.ts";
import { EVENT_NAME_RULE, isFileName } from "./event-file-name.ts";
import { eventPlace, type ProductFile, readProductFile, recordPaths, signatureOf } from "./product-file.ts";
import { loadSchemaFile, MODULE_EXTENSIONS } from "./schema-file.ts";

interface FolderOptions {
  /** The project's folder, to name files from. */
  readonly root: string;
  /** Undefined to leave the schemas alone: no module of the user's is run. */
  readonly importModule: ImportModule | undefined;
}

/**
 * A product of the user's own, as a folder describes it: `product.json`, `fixtures/<event>.json`, and
 * `schemas/<event>.json` or `.mjs`, or `schemas.mjs` for all of them. Throws usage errors that name file and cause.
 */
export async function readProductFolder(id: string, folder: string, options: FolderOptions): Promise<Product> {
  const setting = `products.${id}.path`;
  const all = namesIn(folder, `${setting}: the folder ${folder}`);
  const about = readProductFile(folder);
  const fixtures = eventFiles(join(folder, "fixtures"), [".json"]);
  const schemaFiles = eventFiles(join(folder, "schemas"), [".json", ...MODULE_EXTENSIONS]);
  const together = all.filter((name) => parse(name).name === "schemas" && MODULE_EXTENSIONS.includes(parse(name).ext));
  const { importModule } = options;
  const allInOne = together.map((name) => join(folder, name));
  const schemas = importModule === undefined ? new Map() : await loadSchemas(schemaFiles, allInOne, importModule);
  const events = eventsOf(about, [...fixtures.keys(), ...schemaFiles.keys(), ...schemas.keys()], schemas);
  const [first, second] = events;
  const eventAt = eventPlace(about);
  const isUnread = importModule === undefined && together.length > 0;
  if (first === undefined && !isUnread) {
    throw usageError(
      `${setting}: there is no event in ${folder}`,
      `put a sample at ${join(folder, "fixtures", "<event>.json")}`,
    );
  }
  if (first !== undefined && second !== undefined && eventAt === undefined) {
    throw usageError(
      `${setting}: ${first.name} and ${second.name} cannot be told apart`,
      `set in ${join(folder, "product.json")} where a delivery names its event: { "event": "data.type" }, or { "event": { "header": "x-event" } }`,
    );
  }
  return ownProduct({
    id,
    title: about.title ?? id,
    folder,
    source: `your own: ${shown(relative(options.root, folder))}`,
    events,
    eventAt,
    encoding: about.encoding ?? "json",
    methods: about.methods ?? [],
    records: recordPaths(about),
    auth: about.auth,
    signature: signatureOf(about),
  });
}

/** The files of a folder by the event that each is named after; none where there is no such folder. */
function eventFiles(folder: string, extensions: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(folder)) return files;
  for (const file of namesIn(folder, folder)) {
    const { name, ext } = parse(file);
    if (!extensions.includes(ext) || name.startsWith(".") || name.endsWith(".d")) continue;
    const before = files.get(name);
    if (before !== undefined) throw usageError(`${join(folder, file)}: ${name} already has a schema in ${before}`);
    if (/[<>{}]/.test(name)) throw usageError(`${join(folder, file)}: an event's name cannot contain < > { }`);
    files.set(name, join(folder, file));
  }
  return files;
}

function namesIn(folder: string, what: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") throw usageError(`${what} does not exist`, "create it, or correct the path");
    if (code === "ENOTDIR") throw usageError(`${what} is a file`, "give the folder that it is in");
    throw usageError(`${what} cannot be read: ${errorText(error)}`);
  }
}

async function loadSchemas(
  files: ReadonlyMap<string, string>,
  together: readonly string[],
  importModule: ImportModule,
): Promise<ReadonlyMap<string, z.ZodType>> {
  const schemas = new Map<string, z.ZodType>();
  for (const [name, path] of files) {
    const file = await loadSchemaFile(path, importModule);
    if (file.kind === "map")
      throw usageError(`${path} exports several schemas`, "it should export only that of its own event");
    schemas.set(name, file.schema);
  }
  for (const path of together) {
    const file = await loadSchemaFile(path, importModule);
    if (file.kind === "one")
      throw usageError(`${path} exports one schema`, "it should export one for each event, by name");
    for (const [name, schema] of Object.entries(file.schemas)) {
      if (!isFileName(name)) throw usageError(`${path}: ${JSON.stringify(name)}: ${EVENT_NAME_RULE}`);
      if (schemas.has(name)) throw usageError(`${path}: ${name} already has a schema`, "leave one of them out");
      schemas.set(name, schema);
    }
  }
  return schemas;
}

function eventsOf(about: ProductFile, names: readonly string[], schemas: ReadonlyMap<string, z.ZodType>) {
  const summaries = new Map(Object.entries(about.events ?? {}));
  return [...new Set([...summaries.keys(), ...names])].map((name) => ({
    name,
    summary: summaries.get(name) ?? "An event of your own",
    schema: schemas.get(name),
  }));
}

/** With `/` on every platform. */
function shown(path: string): string {
  return path.split(sep).join("/");
}
