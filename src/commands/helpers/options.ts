import { resolve } from "node:path";
import type { Command } from "commander";
import { HEADER_NAME, type HeaderPair } from "../../body/delivery.ts";
import { type Credential, type Secret, secret } from "../../body/secret.ts";
import type { GivenSecrets } from "../../config/secrets.ts";
import type { Context } from "../../context.ts";
import {
  type EventMatch,
  eventNames,
  familyExample,
  findEvent,
  findFormat,
  findProduct,
  formatFor,
  nearest,
  nearestProduct,
} from "../../core/event-names.ts";
import { defaultFirst, type Format, type Product } from "../../core/product.ts";
import { products } from "../../products/index.ts";
import { errorCode, errorText, usageError } from "../../util/errors.ts";
import { readNamedFile } from "../../util/files.ts";
import { normaliseEvents } from "../../zoho/channels/events.ts";

/** For a repeatable option. It overrides an earlier `--no-` of the same name. */
export function collect(value: string, before: readonly string[] | false = []): readonly string[] {
  return before === false ? [value] : [...before, value];
}

export interface SecretOptions {
  readonly secretFile?: string;
  readonly tokenFile?: string;
}

/** No flag takes a secret itself: the shell's history and every process list would show it. */
export function addSecretOptions(command: Command): Command {
  return command
    .option(
      "--secret-file <path>",
      "read the signing secret from a file, - for standard input (default: ZOHO_WEBHOOK_SECRET)",
    )
    .option("--token-file <path>", "read the token from a file, - for standard input (default: ZOHO_WEBHOOK_TOKEN)");
}

export async function givenSecrets(context: Context, { secretFile, tokenFile }: SecretOptions): Promise<GivenSecrets> {
  if (secretFile === "-" && tokenFile === "-")
    throw usageError("--secret-file and --token-file cannot both read standard input", "write one of them to a file");
  const given: Partial<Record<Credential, Secret>> = {};
  if (secretFile !== undefined) given.secret = await readSecretFile(context, secretFile, "--secret-file");
  if (tokenFile !== undefined) given.token = await readSecretFile(context, tokenFile, "--token-file");
  return given;
}

/** Reads a secret from a file, or from standard input for `-`. */
export async function readSecretFile(context: Context, path: string, flag: string): Promise<Secret> {
  if (path === "") throw usageError(`${flag} names no file`, "give it a path, or - for standard input");
  const origin = path === "-" ? "standard input" : path;
  const bytes = path === "-" ? await context.stdin.read() : readUserFile(context.cwd, path);
  const value = bytes.toString("utf8").replace(/^\uFEFF|\r?\n$/g, "");
  // PowerShell may write UTF-16, and every signature would be wrong.
  if (value.includes("\0") || value.includes("\uFFFD"))
    throw usageError(`${flag}: ${origin} is not UTF-8 text`, "save it as UTF-8");
  if (value.trim() === "")
    throw usageError(`${flag}: ${origin} is empty`, `write the value to it, or leave ${flag} out`);
  context.knownSecrets.remember(value);
  return secret(value, origin);
}

/** Reads a file that the user named. */
export function readUserFile(cwd: string, path: string): Buffer {
  try {
    return readNamedFile(resolve(cwd, path));
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") throw usageError(`${path}: no such file`);
    if (code === "EISDIR") throw usageError(`${path} is a folder, not a file`);
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** `-H "name: value"`, repeatable. */
export function parseHeader(text: string): HeaderPair {
  const at = text.indexOf(":");
  const name = text.slice(0, at).trim();
  if (at === -1 || !HEADER_NAME.test(name)) {
    throw usageError(`-H ${JSON.stringify(text)} is not a header`, 'write it as -H "name: value"');
  }
  const value = text.slice(at + 1).trim();
  if (/[\r\n\0]/.test(value)) throw usageError(`-H ${name}: a header's value cannot contain a line break`);
  return [name, value];
}

/** `where`: the place of the name, unless it is an argument. */
export function requireProduct(products: readonly Product[], id: string, where?: string): Product {
  const product = findProduct(products, id);
  if (product !== undefined) return product;
  const near = nearestProduct(products, id);
  throw usageError(
    `${where === undefined ? "" : `${where}: `}there is no product ${JSON.stringify(id)}`,
    near !== undefined
      ? `did you mean ${near}?`
      : (eventHint(products, id) ?? `products: ${products.map((each) => each.id).join(", ")}`),
  );
}

/** For an event, `Leads.create` or `crm:Leads.create`, where a product is expected. */
function eventHint(products: readonly Product[], text: string): string | undefined {
  const [product, name] = text.includes(":") ? text.toLowerCase().split(":", 2) : [undefined, text.toLowerCase()];
  for (const { id, formats } of products) {
    if (product !== undefined && product !== id) continue;
    const event = formats.flatMap(eventNames).find((each) => each.toLowerCase() === name);
    if (event !== undefined) return `it is an event of ${id}: ${id} ${event}`;
  }
  return undefined;
}

export function requireFormat(product: Product, id: string): Format {
  const format = findFormat(product, id);
  if (format !== undefined) return format;
  throw usageError(
    `${product.id} has no format ${JSON.stringify(id)}`,
    `formats: ${defaultFirst(product)
      .map((each) => each.id)
      .join(", ")}`,
  );
}

/** The format of the flag; else the default one, or for an event that only others have one of those. */
export function chosenFormat(product: Product, flag: string | undefined, event?: string): Format {
  const format = flag === undefined ? formatFor(product, event) : requireFormat(product, flag);
  if (format === undefined) throw new Error(`${product.id} has no format`);
  return format;
}

export function requireEvent(product: Product, format: Format, name: string): EventMatch {
  const match = findEvent(format, name);
  if (match !== undefined) return match;
  const other = product.formats.find((each) => findEvent(each, name) !== undefined);
  const own = nearestNames(name, eventNames(format));
  if (other !== undefined) {
    const some = (own.length > 0 ? own : eventNames(format).slice(0, 3)).join(", ");
    throw usageError(
      `${name} is not an event of ${product.id}'s ${format.id} format`,
      `it has ${some}, …: see zoho-hooks products ${product.id}; or add --format ${other.id}`,
    );
  }
  const near = nearestNames(name, [...new Set([format, ...product.formats].flatMap(eventNames))]);
  throw usageError(
    `${product.id} has no event ${JSON.stringify(name)}`,
    near.length === 0 ? `run zoho-hooks products ${product.id} for its events` : `did you mean ${near.join(" or ")}?`,
  );
}

/** Rejects the name of a family, such as `<Module>.create`. */
export function requireOneEvent(product: Product, format: Format, name: string): EventMatch {
  const match = requireEvent(product, format, name);
  const example = familyExample(match);
  if (example === undefined) return match;
  throw usageError(`${match.name} stands for many events`, `name one of them, such as ${example}`);
}

/** For a mistyped name, or a part of one: `Completed` for `RequestCompleted`. */
function nearestNames(word: string, names: readonly string[]): readonly string[] {
  const near = nearest(word, names, 3);
  if (near.length > 0 || word.length < 4) return near;
  return names.filter((each) => each.toLowerCase().includes(word.toLowerCase())).slice(0, 3);
}

/** A known module in Zoho's spelling, which is case-sensitive. Unknown ones may be the user's, and stay as they are. */
export function moduleName(product: string, name: string): string {
  const found = findProduct(products, product);
  const format = found && findFormat(found, "wire");
  const event = format && findEvent(format, `${name}.create`);
  return event?.name.replace(/\.create$/, "") ?? name;
}

/** The events of a subscription, in Zoho's spelling. Throws a usage error for a malformed one. */
export function channelEvents(product: string, names: readonly string[]): readonly string[] {
  return normaliseEvents(names).map((event) => event.replace(/^[^.]+/, (module) => moduleName(product, module)));
}
