import { readdirSync } from "node:fs";
import { join, parse, relative, sep } from "node:path";
import { z } from "zod";
import { HEADER_NAME } from "../delivery/delivery.ts";
import { formatSettings } from "../model/format-settings.ts";
import type { Product, Proof } from "../model/product.ts";
import type { ImportModule } from "../process/runtime.ts";
import { filesIn, schemaFilesIn } from "../project/schema-files.ts";
import { parsePath } from "../samples/edit-body.ts";
import { eventOfFileName } from "../samples/fixtures.ts";
import { bodySignature, guideSignature } from "../signatures/body-signature.ts";
import { financeSignature } from "../signatures/finance-signature.ts";
import { errorCode, errorText, usageError } from "../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../util/files.ts";
import { oneLine } from "../util/text.ts";
import { customProduct, type EventPlace } from "./own-format.ts";
import { loadSchemaFile } from "./schema-file.ts";

interface FolderOptions {
  /** The project's folder, for relative names of files. */
  readonly root: string;
  /** Undefined to run no module of the user, which leaves schemas unknown. */
  readonly importModule: ImportModule | undefined;
}

/**
 * A custom product: a folder with `product.json`, `fixtures/<event>.json`, and `schemas/<event>.json` or `.mjs`, or
 * `schemas.mjs` for all events. Throws usage errors that name file and cause.
 */
export async function readProductFolder(
  id: string,
  folder: string,
  { root, importModule }: FolderOptions,
): Promise<Product> {
  const setting = `products.${id}.path`;
  requireFolder(folder, `${setting}: the folder ${folder}`);
  const about = readProductFile(folder);
  const files = schemaFilesIn(folder);
  const fixtures = eventFiles(filesIn(join(folder, "fixtures"), [".json"]));
  const schemaFiles = eventFiles(files.events);
  const schemas = new Map<string, z.ZodType>();
  if (importModule !== undefined) await loadSchemas(schemas, schemaFiles, files.all, { folder, importModule });
  const summaries = new Map(Object.entries(about.events ?? {}));
  const names = new Set([...summaries.keys(), ...fixtures.keys(), ...schemaFiles.keys(), ...schemas.keys()]);
  const [first, second] = names;
  const eventAt = eventPlace(about);
  const areEventsUnknown = importModule === undefined && files.all.length > 0;
  if (first === undefined && !areEventsUnknown) {
    throw usageError(
      `${setting}: there is no event in ${folder}`,
      `put a sample at ${join(folder, "fixtures", "<event>.json")}`,
    );
  }
  if (second !== undefined && eventAt === undefined) {
    throw usageError(
      `${setting}: ${first} and ${second} cannot be told apart`,
      `set in ${join(folder, "product.json")} where a delivery names its event: { "event": "data.type" }, or { "event": { "header": "x-event" } }`,
    );
  }
  return customProduct({
    id,
    title: about.title ?? id,
    folder,
    // With `/` on every platform.
    source: `your own: ${relative(root, folder).split(sep).join("/")}`,
    events: [...names].map((name) => ({
      name,
      summary: summaries.get(name) ?? "An event of your own",
      schema: schemas.get(name),
    })),
    eventAt,
    encoding: about.encoding ?? "json",
    methods: about.methods ?? [],
    records: about.records === undefined ? undefined : [about.records].flat().map(parsePath),
    auth: about.auth,
    signature: signatureOf(about),
  });
}

/** Files by event. */
function eventFiles(paths: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const path of paths) {
    const name = eventOfFileName(parse(path).name);
    const before = files.get(name);
    if (before !== undefined) throw usageError(`${path}: ${name} already has a schema in ${before}`);
    if (!isFileName(name)) throw usageError(`${oneLine(path)}: ${EVENT_NAME_RULE}`);
    if (/[{}]/.test(name)) throw usageError(`${path}: an event's name cannot contain { }`);
    files.set(name, path);
  }
  return files;
}

function requireFolder(folder: string, description: string): void {
  try {
    readdirSync(folder);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") throw usageError(`${description} does not exist`, "create it, or correct the path");
    if (code === "ENOTDIR") throw usageError(`${description} is a file`, "give the folder that it is in");
    throw usageError(`${description} cannot be read: ${errorText(error)}`);
  }
}

async function loadSchemas(
  schemas: Map<string, z.ZodType>,
  files: ReadonlyMap<string, string>,
  modules: readonly string[],
  { folder, importModule }: { readonly folder: string; readonly importModule: ImportModule },
): Promise<void> {
  for (const [name, path] of files) {
    const file = await loadSchemaFile(path, folder, importModule);
    if (file instanceof Map)
      throw usageError(`${path} exports several schemas`, "export one schema, that of the event in the file's name");
    schemas.set(name, file);
  }
  for (const path of modules) {
    const file = await loadSchemaFile(path, folder, importModule);
    if (!(file instanceof Map)) throw usageError(`${path} exports one schema`, "export one for each event, by name");
    for (const [name, schema] of file) {
      if (!isFileName(name)) throw usageError(`${path}: ${JSON.stringify(name)}: ${EVENT_NAME_RULE}`);
      if (schemas.has(name)) throw usageError(`${path}: ${name} already has a schema`, "leave one of them out");
      schemas.set(name, schema);
    }
  }
}

/** Zoho's signature schemes by name. */
const SCHEMES = { guide: guideSignature, finance: financeSignature } as const satisfies Readonly<Record<string, Proof>>;

/** The schema of `product.json`. Everything is optional for a product with a single event, sent as JSON and not signed. */
function productFile() {
  const { encoding, auth, event: mark } = formatSettings().shape;
  const header = z.string().regex(HEADER_NAME, "the name of a header");
  const path = z.string().min(1).refine(isPath, { error: "a path such as data.type or items[0].kind" });
  const schemes = Object.keys(SCHEMES).map((name) => JSON.stringify(name));
  return z.strictObject({
    $schema: z.string().optional(),
    title: z.string().min(1).optional(),
    /** Place of the event's name in a delivery: a path in the body, or a header or query key. */
    event: z
      .union([path, z.strictObject({ body: path }), mark.unwrap()], {
        error: 'a path in the body such as "data.type", or { "header": … } or { "query": … }',
      })
      .optional(),
    /** Summaries by event. */
    events: z.record(z.string(), z.string()).optional(),
    encoding,
    auth,
    signature: z
      .union(
        [
          z.enum(["guide", "finance"]),
          z.strictObject({
            header,
            algorithm: z.enum(["sha256", "sha1", "sha512"]).optional(),
            encoding: z.enum(["hex", "base64"]).optional(),
            prefix: z.string().optional(),
          }),
        ],
        { error: `${schemes.join(" or ")}, or { "header": …, "encoding": "hex" or "base64", "algorithm", "prefix" }` },
      )
      .optional(),
    /** Beside POST. */
    methods: z.array(z.enum(["GET", "PUT", "PATCH", "DELETE"])).optional(),
    /** The paths of record ids. */
    records: z.union([path, z.array(path)], { error: 'a path such as "order.id", or a list of them' }).optional(),
  });
}

type ProductFile = z.infer<ReturnType<typeof productFile>>;

/** `product.json` of a folder; empty where there is none. */
function readProductFile(folder: string): ProductFile {
  const path = join(folder, "product.json");
  const text = readText(path);
  if (text === undefined) return {};
  const schema = productFile();
  const result = schema.safeParse(parseJsonFile(text, path));
  if (result.success) {
    const wrong = Object.keys(result.data.events ?? {}).find((name) => !isFileName(name));
    if (wrong === undefined) return result.data;
    throw fileError(text, path, ["events", wrong], EVENT_NAME_RULE);
  }
  const [issue] = result.error.issues;
  const at = issue?.path ?? [];
  const [unknown] = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const hint = `possible settings: ${Object.keys(schema.shape).join(", ")}`;
  if (unknown !== undefined) throw fileError(text, path, [...at, unknown], "there is no such setting", hint);
  throw fileError(text, path, at, issue?.message.replace(/^Invalid input: /, "") ?? "not valid");
}

function eventPlace({ event }: ProductFile): EventPlace | undefined {
  if (typeof event === "string") return { body: parsePath(event) };
  return event !== undefined && "body" in event ? { body: parsePath(event.body) } : event;
}

function signatureOf({ signature }: ProductFile): Proof | undefined {
  if (signature === undefined) return undefined;
  if (typeof signature === "string") return SCHEMES[signature];
  const { algorithm, encoding = "hex", prefix } = signature;
  const header = signature.header.toLowerCase();
  const scheme = { id: "body-signature", header, credential: "secret", key: "secret" } as const;
  return { ...bodySignature({ ...scheme, algorithm, encoding, prefix }), secretIn: header };
}

function isPath(text: string): boolean {
  try {
    return parsePath(text).length > 0;
  } catch {
    return false;
  }
}

/**
 * Otherwise the sample of an event `../../x` of a cloned project would be written outside of it, and completion would put
 * `$(command)` on the command line.
 */
const EVENT_NAME_RULE =
  "an event's name is also a file name: it cannot contain \\ $ ` \" ' ; | & < > ( ) ! * ? [ ] { } ~ # or control characters, nor start with - or =, nor have parts between / that are empty or start with a dot";

function isFileName(name: string): boolean {
  const isPlain = (part: string): boolean => /^(?!\.)[^\\$`"';|&<>()!*?[\]{}~#\p{Cc}\p{Zl}\p{Zp}]+$/u.test(part);
  return !/^[-=]/.test(name) && name.split("/").every(isPlain);
}
