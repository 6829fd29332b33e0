import { resolve } from "node:path";
import { findFormat } from "../../contract/event-names.ts";
import { requireFormat, requireProduct } from "../../contract/named.ts";
import { defaultFirst, type Product } from "../../contract/product.ts";
import { CREDENTIAL_VARIABLES, type Secret, secret } from "../../delivery/secrets.ts";
import { checkTarget } from "../../delivery/target.ts";
import type { Prompts } from "../../process/prompts.ts";
import type { Context } from "../../project/context.ts";
import { CHOSEN_CREDENTIALS } from "../../project/secrets.ts";
import { defaults } from "../../project/settings.ts";
import type { SettingsFile } from "../../project/settings-file.ts";
import { canAllowUnsigned, unsignedCustomFormat } from "../../recognition/hints.ts";
import { errorCode, UserError, usageError } from "../../util/errors.ts";
import { readNamedFile } from "../../util/files.ts";
import { parseInteger } from "../../util/units.ts";

export interface InitOptions {
  readonly yes?: boolean;
  readonly force?: boolean;
  /** The flags that answer a question: `products`, `format`, `port`, `target`, and each credential. */
  readonly [question: string]: string | boolean | undefined;
}

/** The answers, complete and checked. */
export type Answers = Awaited<ReturnType<typeof collectAnswers>>;

/** Format ids by product id. */
type Formats = Readonly<Record<string, string>>;

interface CredentialAnswer {
  readonly variable: string;
  readonly how: "generate" | "none" | "given";
  /** Value, where it is given. */
  readonly value?: Secret;
}

interface Question<T> {
  /** Reads the flag's value. */
  read(text: string): T | Promise<T>;
  ask(prompts: Prompts): Promise<T>;
  /** The answer of `--yes`: the existing setting, else the default. */
  readonly fallback: T;
}

interface TextQuestion<T> {
  readonly message: string;
  /** The answer, in an error about it. */
  readonly what: string;
  read(text: string, what: string): T;
  readonly fallback: T;
}

/** The existing settings, products and variables of the project. */
interface Existing {
  readonly settings: SettingsFile;
  readonly products: readonly Product[];
  /** Whether AGENTS.md exists; undefined where it names this tool already, or is a link. */
  readonly hasAgentsFile: boolean | undefined;
  hasVariable(name: string): boolean;
}

/** Each answer is the flag's, else the user's, else with `--yes` the fallback; otherwise the usage error names the flag. */
export async function collectAnswers(
  context: Context,
  options: InitOptions,
  { settings, products, hasAgentsFile, hasVariable }: Existing,
) {
  const prompts = options.yes === true ? undefined : await context.prompts();
  const missing: string[] = [];
  const answer = async <T>(name: string, { read, ask, fallback }: Question<T>): Promise<T> => {
    const text = options[name];
    if (typeof text === "string") return read(text);
    if (prompts !== undefined) return ask(prompts);
    if (options.yes !== true) missing.push(`--${name}`);
    return fallback;
  };
  const answerText = <T>(name: string, { message, what, read, fallback }: TextQuestion<T>): Promise<T> =>
    answer(name, {
      read: (text) => read(text, `--${name}`),
      ask: (to) => askText(to, { message, initial: String(fallback), read: (text) => read(text, what) }),
      fallback,
    });

  const oldProducts = Object.keys(settings.products ?? {});
  const ids = await answer<readonly string[]>("products", {
    read: (text) => readProducts(text, products),
    ask: (to) => askProducts(to, oldProducts, products),
    fallback: oldProducts,
  });
  const selected = products.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const oldFormats = formatsIn(settings, selected);
  const hasQuestion = typeof options.format === "string" || withGuide(selected).length > 0;
  const formats = !hasQuestion
    ? oldFormats
    : await answer("format", {
        read: (text) => readFormats(text, selected, products),
        ask: (to) => askGuide(to, selected, oldFormats),
        fallback: oldFormats,
      });
  const allowUnsigned = await askUnsigned(prompts, selected, formats, settings);
  const port = await answerText("port", {
    message: "Which port should listen use?",
    what: "the port",
    read: (text, what) => parseInteger(text, what, 0, 65_535),
    fallback: settings.port ?? defaults.port,
  });
  const target = await answerText("target", {
    message: "Where does your app receive webhooks? (port, host:port/path, URL, or none)",
    what: "the address",
    read: readTarget,
    // A hand-written file may have several targets: use the first.
    fallback: String([settings.forwardTo ?? []].flat()[0] ?? "none"),
  });
  const credentials: CredentialAnswer[] = [];
  for (const credential of CHOSEN_CREDENTIALS) {
    const variable = CREDENTIAL_VARIABLES[credential];
    const isUseful = carries(selected, credential) && !hasVariable(variable);
    if (typeof options[credential] !== "string" && !isUseful) continue;
    credentials.push(
      await answer<CredentialAnswer>(credential, {
        read: (how) => readCredential(context, how, { variable, flag: `--${credential}` }),
        ask: (to) => askCredential(to, variable),
        fallback: { variable, how: "generate" },
      }),
    );
  }
  const agents = await askAgents(prompts, hasAgentsFile);
  if (missing.length > 0) {
    throw usageError(
      `there is no terminal to ask for ${missing.join(", ")}`,
      "give each flag, or --yes for the defaults",
    );
  }
  return {
    /** Empty: all of them. */
    products: ids.length > 0 ? ids : namedProducts(products, formats, oldFormats),
    /** For the products whose format was chosen, now or in an earlier run. */
    formats,
    /** Undefined to leave the setting as it is. */
    allowUnsigned,
    /** Undefined to let listen choose: a fixed default would make a second project fail. */
    port: port === defaults.port && settings.port === undefined && options.port === undefined ? undefined : port,
    target: target === "none" ? undefined : target,
    credentials,
    /** Whether AGENTS.md gets a paragraph. */
    agents,
  };
}

function readProducts(text: string, products: readonly Product[]): readonly string[] {
  const ids = text.split(",").flatMap((id) => id.trim() || []);
  if (ids.length === 0) throw usageError("--products is empty", "write it as --products crm,desk, or leave it out");
  if (ids.some((id) => id.toLowerCase() === "all")) return [];
  return ids.map((id) => requireProduct(products, id).id);
}

function askProducts(prompts: Prompts, initial: readonly string[], products: readonly Product[]) {
  return prompts.chooseMany({
    message: "Which products do you use? (none chosen: all)",
    choices: products.map(({ id, title }) => ({ value: id, label: title })),
    initial,
  });
}

function formatsIn(settings: SettingsFile, products: readonly Product[]): Formats {
  const entries = products.map(({ id }) => [id, settings.products?.[id]?.format] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** `wire` applies to every chosen product that has it, `crm=wire,desk=guide` to one product each. */
function readFormats(text: string, selected: readonly Product[], products: readonly Product[]): Formats {
  const formats: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [name = "", ofProduct] = part.split(/=(.*)/s, 2).map((each) => each.trim());
    if (ofProduct === undefined) {
      Object.assign(formats, everywhere(name, selected));
      continue;
    }
    const product = requireProduct(products, name);
    if (!selected.includes(product)) {
      const ids = [...selected, product].map(({ id }) => id).join(",");
      throw usageError(`--format names ${product.id}, which --products does not`, `add it: --products ${ids}`);
    }
    formats[product.id] = requireFormat(product, ofProduct).id;
  }
  return formats;
}

/** Products without this format keep their default. */
function everywhere(name: string, selected: readonly Product[]): Formats {
  const having = selected.filter((product) => findFormat(product, name) !== undefined);
  if (having.length === 0) {
    const ids = [...new Set(selected.flatMap((product) => defaultFirst(product).map(({ id }) => id)))];
    throw usageError(
      `--format: none of the products that you use has a format ${JSON.stringify(name)}`,
      `formats: ${ids.join(", ")}; for one product only: ${selected[0]?.id ?? "crm"}=${ids[0] ?? "wire"}`,
    );
  }
  const choosing = having.filter(({ formats }) => formats.length > 1);
  return Object.fromEntries(choosing.map((product) => [product.id, findFormat(product, name)?.id ?? name]));
}

/** Enter leaves the formats as they are. */
async function askGuide(prompts: Prompts, selected: readonly Product[], old: Formats): Promise<Formats> {
  const asked = withGuide(selected);
  const initial = asked.some(({ id }) => old[id] === "guide");
  const message = "Was your handler written after the Webhooks Guide for Zoho APIs?";
  const answer = await prompts.confirm({ message, initial });
  if (answer === initial) return old;
  const changed = asked.filter(({ id }) => answer || old[id] === "guide");
  const format = answer ? "guide" : "wire";
  return { ...old, ...Object.fromEntries(changed.map(({ id }) => [id, format])) };
}

function withGuide(products: readonly Product[]): readonly Product[] {
  return products.filter((product) => findFormat(product, "guide") !== undefined);
}

/** Only where nothing is set yet, and for products whose own format does not accept such bodies anyway. */
async function askUnsigned(
  prompts: Prompts | undefined,
  selected: readonly Product[],
  formats: Formats,
  settings: SettingsFile,
): Promise<readonly string[] | undefined> {
  const ids = selected.flatMap((product) => {
    const format = formats[product.id] ?? product.formats[0]?.id;
    return canAllowUnsigned(product) && unsignedCustomFormat(product)?.id !== format ? [product.id] : [];
  });
  if (settings.allowUnsigned !== undefined || ids.length === 0) return undefined;
  // Without questions, existing settings stay.
  if (prompts === undefined) return Object.keys(settings).length === 0 ? ids : undefined;
  const message = `Zoho never signs webhooks whose body you design (${ids.join(", ")}). Accept them unsigned?`;
  return (await prompts.confirm({ message, initial: true })) ? ids : [];
}

/** Without questions the answer is that of Enter. */
async function askAgents(prompts: Prompts | undefined, hasFile: boolean | undefined): Promise<boolean> {
  if (hasFile === undefined) return false;
  const message = "Tell coding agents about zoho-hooks in AGENTS.md?";
  return (await prompts?.confirm({ message, initial: hasFile })) ?? hasFile;
}

/** `none`, or a value of `forwardTo`. A path alone would be a path of the receiver itself. */
function readTarget(text: string, what: string): string {
  const target = text.trim();
  if (target === "" || target === "none") return "none";
  const malformed = usageError(
    `${what}: ${JSON.stringify(target)} is not a target`,
    "write it as 3000, host:3000/path or https://host/path, or none",
  );
  if (target.startsWith("/")) throw malformed;
  try {
    checkTarget(target, what);
  } catch (error) {
    // The message about a password does not repeat it, as `malformed` would.
    if (!(error instanceof UserError) || error.message.includes("password")) throw error;
    throw malformed;
  }
  return target;
}

async function askText<T>(
  prompts: Prompts,
  { read, ...question }: { readonly message: string; readonly initial: string; read(text: string): T },
): Promise<T> {
  const validate = (text: string): true | string => {
    try {
      read(text);
      return true;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return error.hint === undefined ? error.message : `${error.message}: ${error.hint}`;
    }
  };
  return read(await prompts.text({ ...question, validate }));
}

/** Whether a delivery of these products can have a proof that needs this credential. */
function carries(products: readonly Product[], credential: string): boolean {
  const proofs = products.flatMap(({ formats }) => formats.flatMap((format) => format.proofs));
  return proofs.some((proof) => proof.credential === credential);
}

/** `generate`, `none`, a file with the value, or `-` for standard input. */
async function readCredential(
  context: Context,
  how: string,
  { variable, flag }: { variable: string; flag: string },
): Promise<CredentialAnswer> {
  if (how === "generate" || how === "none") return { variable, how };
  const bytes = how === "-" ? await context.stdin.read() : readValueFile(context.cwd, how, flag);
  return given(variable, bytes.toString("utf8").replace(/\r?\n$/, ""), flag);
}

function readValueFile(cwd: string, path: string, flag: string): Buffer {
  try {
    return readNamedFile(resolve(cwd, path));
  } catch (error) {
    throw usageError(
      `${flag}: the file cannot be read (${errorCode(error) ?? "unreadable"}); its name is not shown, since it may be the value itself`,
      `${flag} takes generate, none, the name of a file, or - for standard input`,
    );
  }
}

async function askCredential(prompts: Prompts, variable: string): Promise<CredentialAnswer> {
  const how = await prompts.choose({
    message: `${variable}, which verifies deliveries:`,
    choices: [
      { value: "generate", label: "generate a new one" },
      { value: "enter", label: "enter the one that is set up in Zoho" },
      { value: "none", label: "none: nothing is verified" },
    ],
    initial: "generate",
  });
  if (how !== "enter") return { variable, how: how === "generate" ? "generate" : "none" };
  return given(variable, await prompts.secret({ message: variable }), variable);
}

function given(variable: string, value: string, what: string): CredentialAnswer {
  if (value.trim() === "") throw usageError(`${what}: the value is empty`, "choose none to go without");
  return { variable, how: "given", value: secret(value, variable) };
}

/** With none chosen the file names no product, unless it has to store a format: then it names all. */
function namedProducts(products: readonly Product[], formats: Formats, old: Formats): readonly string[] {
  const isDefault = products.every(({ id }) => (formats[id] ?? "wire") === "wire");
  return isDefault && Object.keys(old).length === 0 ? [] : products.map(({ id }) => id);
}
