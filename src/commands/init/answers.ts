import { CREDENTIAL_VARIABLES, type Secret, secret } from "../../delivery/secrets.ts";
import { checkTarget } from "../../delivery/target.ts";
import { requireProduct } from "../../model/named.ts";
import { defaultFormat, type Product } from "../../model/product.ts";
import type { Prompts } from "../../process/prompts.ts";
import type { Context } from "../../project/context.ts";
import { CHOSEN_CREDENTIALS } from "../../project/secrets.ts";
import type { SettingsFile } from "../../project/settings-file.ts";
import { UserError, usageError } from "../../util/errors.ts";

export interface InitOptions {
  readonly products?: string;
  readonly target?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
}

/** The answers, complete and checked. */
export type Answers = Awaited<ReturnType<typeof collectAnswers>>;

/** What `.env` gets: a new secret, or one that the user has entered. */
interface SecretAnswer {
  readonly variable: string;
  /** Undefined for a new one. */
  readonly value?: Secret;
}

/** What is there already. */
interface Existing {
  /** Undefined where there is no config file. */
  readonly settings: SettingsFile | undefined;
  readonly products: readonly Product[];
  /** The variables that `.env.example` names. */
  readonly named: readonly string[];
  /** Whether a variable is set in `.env` or the environment, or names a file. */
  hasVariable(name: string): boolean;
}

/**
 * A new project is asked for its products and its target, and gets new secrets. One that has a config file, as in a clone, is asked
 * for the secrets that `.env` lacks: the team has them already.
 */
export async function collectAnswers(context: Context, options: InitOptions, existing: Existing) {
  const { settings, products } = existing;
  const prompts = options.yes === true ? undefined : await context.prompts();
  const isNew = settings === undefined;
  if (isNew && prompts === undefined && options.yes !== true) rejectMissing(options);
  const ids = await chooseProducts(isNew ? prompts : undefined, options, products);
  const target = await chooseTarget(isNew ? prompts : undefined, options);
  const chosen = ids ?? Object.keys(settings?.products ?? {});
  const needed = neededVariables(products, chosen, existing.named);
  const lacking = needed.filter((name) => !existing.hasVariable(name));
  const secrets = isNew
    ? lacking.filter(canGenerate).map((variable): SecretAnswer => ({ variable }))
    : await askSecrets(prompts, lacking);
  return {
    /** Undefined to leave the setting as it is; empty for all of them. */
    products: ids,
    /** Undefined to leave the setting as it is; `none` to remove it. */
    target,
    secrets,
    /** For `.env.example`. */
    needed,
    /** Variables that stay without a value. */
    unset: lacking.filter((name) => !secrets.some(({ variable }) => variable === name)),
    /** The products that are used: all if none is named. */
    used: products.filter(({ id }) => chosen.length === 0 || chosen.includes(id)),
  };
}

function rejectMissing({ products, target }: InitOptions): void {
  const missing = Object.entries({ products, target }).flatMap(([name, value]) =>
    value === undefined ? [`--${name}`] : [],
  );
  if (missing.length === 0) return;
  throw usageError(
    `there is no terminal to ask for ${missing.join(" and ")}`,
    "give each flag, or --yes for the defaults",
  );
}

/** Undefined to leave the setting as it is, or for all products where there is none. */
async function chooseProducts(
  prompts: Prompts | undefined,
  { products: text }: InitOptions,
  known: readonly Product[],
): Promise<readonly string[] | undefined> {
  if (text === undefined) {
    return prompts?.chooseMany({
      message: "Which products do you use? (none chosen: all)",
      choices: known.map(({ id, title }) => ({ value: id, label: title })),
      initial: [],
    });
  }
  const ids = text.split(",").flatMap((id) => id.trim() || []);
  if (ids.length === 0) throw usageError("--products is empty", "write it as --products crm,desk, or leave it out");
  if (ids.some((id) => id.toLowerCase() === "all")) return [];
  return ids.map((id) => requireProduct(known, id).id);
}

async function chooseTarget(prompts: Prompts | undefined, { target }: InitOptions): Promise<string | undefined> {
  if (target !== undefined) return readTarget(target, "--target");
  if (prompts === undefined) return undefined;
  return askText(prompts, {
    message: "Where does your app receive webhooks? (port, host:port/path, URL, or none)",
    initial: "none",
    read: (text) => readTarget(text, "the address"),
  });
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

/** The variables that verify deliveries of these products. Of all products only those that most of them share. */
function neededVariables(
  products: readonly Product[],
  ids: readonly string[],
  named: readonly string[],
): readonly string[] {
  const formats = products.flatMap((product) => (ids.includes(product.id) ? (defaultFormat(product) ?? []) : []));
  const credentials = formats.flatMap(({ proofs }) => proofs.map(({ credential }) => credential));
  // Mail sends its own in its first call.
  const own = ids.length === 0 ? CHOSEN_CREDENTIALS : credentials.filter((each) => each !== "hookSecret");
  return [...new Set([...own.map((each) => CREDENTIAL_VARIABLES[each]), ...named])];
}

/** Zoho makes the others. */
function canGenerate(variable: string): boolean {
  return CHOSEN_CREDENTIALS.some((each) => variable.startsWith(CREDENTIAL_VARIABLES[each]));
}

/** None without a terminal: a new secret would be another one than the team's. */
async function askSecrets(prompts: Prompts | undefined, lacking: readonly string[]): Promise<readonly SecretAnswer[]> {
  if (prompts === undefined) return [];
  const answers: SecretAnswer[] = [];
  for (const variable of lacking) {
    const answer = await askSecret(prompts, variable);
    if (answer !== undefined) answers.push(answer);
  }
  return answers;
}

/** Undefined to go without. */
async function askSecret(prompts: Prompts, variable: string): Promise<SecretAnswer | undefined> {
  const how = await prompts.choose({
    message: `${variable} is not in .env:`,
    choices: [
      { value: "enter", label: "I enter it: my team, my app or Zoho has it" },
      ...(canGenerate(variable) ? [{ value: "generate", label: "generate a new one" }] : []),
      { value: "none", label: "none: nothing is verified with it" },
    ],
    initial: "enter",
  });
  if (how === "generate") return { variable };
  if (how !== "enter") return undefined;
  const value = await prompts.secret({ message: variable });
  if (value.trim() === "") throw usageError(`${variable}: the value is empty`, "choose none to go without");
  return { variable, value: secret(value, variable) };
}
