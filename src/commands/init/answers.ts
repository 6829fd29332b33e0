import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Secret, secret } from "../../body/secret.ts";
import { checkTarget } from "../../body/target-url.ts";
import { readers } from "../../config/readers.ts";
import { CHOSEN_CREDENTIALS, CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import { defaults, type SettingsFile } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import { findFormat } from "../../core/event-names.ts";
import type { Product } from "../../core/product.ts";
import type { Prompts } from "../../reports/prompts.ts";
import { errorCode, UserError, usageError } from "../../util/errors.ts";
import { requireFormat, requireProduct } from "../helpers/options.ts";

export interface InitOptions {
  readonly products?: string;
  readonly format?: string;
  readonly port?: string;
  readonly target?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  /** `--secret`, `--token`: how to come by a credential. */
  readonly [credential: string]: string | boolean | undefined;
}

/** What `init` sets up. */
export interface Answers {
  /** Empty: all of them. */
  readonly products: readonly string[];
  /** Of those products whose format was asked for or given, or is set up already. */
  readonly formats: Formats;
  readonly port: number;
  readonly target: string | undefined;
  readonly credentials: readonly CredentialAnswer[];
}

/**
 * Answers from flags, else from a person, else with `--yes` from what is set up already or the defaults.
 * Without any of these it is a usage error that names every missing flag.
 */
export async function collectAnswers(
  context: Context,
  options: InitOptions,
  existing: SettingsFile,
  products: readonly Product[],
  isSet: (variable: string) => boolean,
): Promise<Answers> {
  const prompts = options.yes === true ? undefined : await context.prompts();
  const missing: string[] = [];
  const answer = async <T>(flag: string, given: T | undefined, ask: (prompts: Prompts) => Promise<T>, usual: T) => {
    if (given !== undefined) return given;
    if (prompts !== undefined) return ask(prompts);
    if (options.yes !== true) missing.push(flag);
    return usual;
  };
  const productsBefore = Object.keys(existing.products ?? {});
  const chosen = await answer(
    "--products",
    options.products === undefined ? undefined : readProducts(options.products, products),
    (to) => askProducts(to, productsBefore, products),
    productsBefore,
  );
  const meant = meantProducts(products, chosen);
  const before = formatsBefore(meant, existing);
  // Without a choice there is nothing to ask; a flag is checked all the same.
  const isAsked = options.format !== undefined || withChoice(meant).length > 0;
  const formats = isAsked
    ? await answer(
        "--format",
        options.format === undefined ? undefined : readFormats(options.format, meant, products),
        (to) => askFormats(to, meant, before),
        before,
      )
    : before;
  const port = await answer(
    "--port",
    options.port === undefined ? undefined : readPort(options.port, "--port"),
    (to) => askPort(to, existing.port),
    existing.port ?? defaults.port,
  );
  // Several targets are written by hand; init knows of one.
  const targetBefore = [existing.forwardTo ?? []].flat().map(String)[0];
  const target = await answer<string | "none">(
    "--target",
    options.target === undefined ? undefined : readTarget(options.target, "--target"),
    (to) => askTarget(to, targetBefore),
    targetBefore ?? "none",
  );
  const credentials: CredentialAnswer[] = [];
  for (const credential of CHOSEN_CREDENTIALS) {
    const variable = CREDENTIAL_VARIABLES[credential];
    const how = options[credential];
    const flag = `--${credential}`;
    const wanted = typeof how === "string" || (carries(meant, credential) && !isSet(variable));
    if (!wanted) continue;
    credentials.push(
      await answer(
        flag,
        typeof how === "string" ? await givenCredential(context, variable, how, flag) : undefined,
        (to) => askCredential(to, variable),
        { variable, how: "generate" },
      ),
    );
  }
  if (missing.length > 0) {
    throw usageError(
      `init has no terminal to ask on, and no ${missing.join(", ")}`,
      "give each flag, or --yes for the defaults",
    );
  }
  return {
    products: namedProducts(chosen, products, formats, before),
    formats,
    port,
    target: target === "none" ? undefined : target,
    credentials,
  };
}

function readProducts(text: string, products: readonly Product[]): readonly string[] {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.some((id) => id.toLowerCase() === "all")) return [];
  const named = ids.filter((id) => id !== "");
  if (named.length === 0) throw usageError("--products names none", "write it as --products crm,desk, or leave it out");
  return named.map((id) => requireProduct(products, id).id);
}

function askProducts(
  prompts: Prompts,
  initial: readonly string[],
  products: readonly Product[],
): Promise<readonly string[]> {
  return prompts.chooseMany({
    message: "Which products do you use? (none chosen: all)",
    choices: products.map(({ id, title }) => ({ value: id, label: title })),
    initial,
  });
}

function readPort(text: string, what: string): number {
  const port = readers.port?.(text, what);
  if (port === undefined) throw new Error("the port is no setting");
  return port;
}

async function askPort(prompts: Prompts, initial = defaults.port): Promise<number> {
  const text = await prompts.text({
    message: "Which port shall listen use?",
    initial: String(initial),
    validate: (value) => verdict(() => readPort(value, "the port")),
  });
  return readPort(text, "the port");
}

/** `none`, or what `forwardTo` takes. A path alone is refused: it would be one of the receiver's own. */
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
    // An address with a password in it is refused with a message that does not repeat it.
    if (!(error instanceof UserError) || error.message.includes("password")) throw error;
    throw malformed;
  }
  return target;
}

async function askTarget(prompts: Prompts, initial = "none"): Promise<string> {
  const text = await prompts.text({
    message: "Where does your own app take webhooks? (port, host:port/path or URL; none to go without)",
    initial,
    validate: (value) => verdict(() => readTarget(value, "the address")),
  });
  return readTarget(text, "the address");
}

function verdict(read: () => unknown): true | string {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.hint === undefined ? error.message : `${error.message}: ${error.hint}`;
  }
}

/** The format of a product, by the product's id. */
type Formats = Readonly<Record<string, string>>;

/** The chosen products; none chosen stands for all. */
function meantProducts(products: readonly Product[], chosen: readonly string[]): readonly Product[] {
  return products.filter(({ id }) => chosen.length === 0 || chosen.includes(id));
}

/** Those that can be used in more than one way. */
function withChoice(meant: readonly Product[]): readonly Product[] {
  return meant.filter(({ formats }) => formats.length > 1);
}

/** Those of these products that are set up already. */
function formatsBefore(meant: readonly Product[], { products = {} }: SettingsFile): Formats {
  return Object.fromEntries(
    meant.flatMap(({ id }) => {
      const format = products[id]?.format;
      return format === undefined ? [] : [[id, format]];
    }),
  );
}

/** `wire`: of every product that has it; `crm=wire,desk=guide`: of one each. */
function readFormats(text: string, meant: readonly Product[], products: readonly Product[]): Formats {
  const parts = text.split(",").map((part) => part.trim());
  return Object.assign({}, ...parts.map((part) => readPart(part, meant, products)));
}

function readPart(part: string, meant: readonly Product[], products: readonly Product[]): Formats {
  const [name = "", own] = part.split(/=(.*)/s, 2).map((each) => each.trim());
  if (own !== undefined) {
    const product = requireProduct(products, name);
    if (!meant.includes(product)) {
      const ids = [...meant, product].map(({ id }) => id).join(",");
      throw usageError(
        `--format names ${product.id}, which is none of the products that you use`,
        `name it there, too: --products ${ids}`,
      );
    }
    return { [product.id]: requireFormat(product, own).id };
  }
  if (meant.some((product) => findFormat(product, name) !== undefined)) return everywhere(name, meant);
  const ids = [...new Set(meant.flatMap(({ formats }) => formats.map(({ id }) => id)))];
  throw usageError(
    `--format: none of the products that you use has a format ${JSON.stringify(name)}`,
    `formats: ${ids.join(", ")}; for one product alone: ${meant[0]?.id ?? "crm"}=${ids[0] ?? "wire"}`,
  );
}

/** A product that has not got the format stays as it is. */
function everywhere(id: string, meant: readonly Product[]): Formats {
  return Object.fromEntries(
    withChoice(meant).flatMap((product) => {
      const format = findFormat(product, id);
      return format === undefined ? [] : [[product.id, format.id]];
    }),
  );
}

const LABELS: Readonly<Record<string, string>> = {
  guide: "the guide's envelopes",
  wire: "what Zoho itself posts",
  workflow: "a workflow's webhook of your own design",
};

const KEEP = "as it is set up";

async function askFormats(prompts: Prompts, meant: readonly Product[], before: Formats): Promise<Formats> {
  const asked = withChoice(meant);
  const ids = [...new Set(asked.flatMap(({ formats }) => formats.map(({ id }) => id)))];
  const kept = Object.entries(before).map(([product, format]) => `${product} ${format}`);
  const answer = await prompts.choose({
    message: "What will send it?",
    choices: [
      ...(kept.length === 0 ? [] : [{ value: KEEP, label: `${KEEP}: ${kept.join(", ")}` }]),
      ...ids.map((id) => ({ value: id, label: `${LABELS[id] ?? "another of its own"} (${id}${onlyOf(id, asked)})` })),
    ],
    initial: kept.length === 0 ? (ids[0] ?? "") : KEEP,
  });
  return answer === KEEP ? before : everywhere(answer, meant);
}

function onlyOf(id: string, asked: readonly Product[]): string {
  const having = asked.filter((product) => findFormat(product, id) !== undefined);
  return having.length === asked.length ? "" : `, of ${having.map((product) => product.id).join(", ")}`;
}

/** With none chosen no product is named in the file, unless a format is to be kept there: then all are. */
function namedProducts(
  chosen: readonly string[],
  products: readonly Product[],
  formats: Formats,
  before: Formats,
): readonly string[] {
  if (chosen.length > 0) return chosen;
  const isUsual = products.every(({ id, formats: [first] }) => (formats[id] ?? first?.id) === first?.id);
  return isUsual && Object.keys(before).length === 0 ? [] : products.map(({ id }) => id);
}

/** How to come by the value of a variable. */
type CredentialAnswer =
  | { readonly variable: string; readonly how: "generate" | "none" }
  | { readonly variable: string; readonly how: "given"; readonly value: Secret };

/** Whether a delivery of these products can carry a proof that this credential checks. */
function carries(meant: readonly Product[], credential: string): boolean {
  return meant.some((product) =>
    product.formats.some((format) => format.proofs.some((proof) => proof.credential === credential)),
  );
}

/** `generate`, `none`, a file that holds it, or `-` for standard input. What is given is never repeated in an error. */
async function givenCredential(
  context: Context,
  variable: string,
  how: string,
  flag: string,
): Promise<CredentialAnswer> {
  if (how === "generate" || how === "none") return { variable, how };
  const value = (how === "-" ? await context.stdin.read() : readFile(context.cwd, how, flag)).toString("utf8");
  return given(variable, value.replace(/\r?\n$/, ""), flag);
}

async function askCredential(prompts: Prompts, variable: string): Promise<CredentialAnswer> {
  const how = await prompts.choose({
    message: `${variable}, which deliveries are checked with?`,
    choices: [
      { value: "generate", label: "generate a new one" },
      { value: "enter", label: "enter the one that is set up in Zoho" },
      { value: "none", label: "go without: nothing is checked" },
    ],
    initial: "generate",
  });
  if (how !== "enter") return { variable, how: how === "generate" ? "generate" : "none" };
  return given(variable, await prompts.secret({ message: variable }), variable);
}

function given(variable: string, value: string, what: string): CredentialAnswer {
  if (value.trim() === "") throw usageError(`${what}: the value is empty`, "say none to go without");
  return { variable, how: "given", value: secret(value, variable) };
}

function readFile(cwd: string, path: string, flag: string): Buffer {
  try {
    return readFileSync(resolve(cwd, path));
  } catch (error) {
    throw usageError(
      `${flag}: the file that it names cannot be read (${errorCode(error) ?? "unreadable"}); the name is not shown, since it may be the value itself`,
      `${flag} takes generate, none, the name of a file, or - for standard input`,
    );
  }
}
