import { readers } from "../../config/readers.ts";
import { CHOSEN_CREDENTIALS, CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import { defaults, type SettingsFile } from "../../config/settings.ts";
import type { Context, Prompts } from "../../context.ts";
import { UserError, usageError } from "../../core/errors.ts";
import type { Product } from "../../core/product.ts";
import { checkTarget } from "../../core/target-url.ts";
import { requireProduct } from "../options.ts";
import { askCredential, type CredentialAnswer, carries, givenCredential } from "./credentials.ts";
import {
  askFormats,
  type Formats,
  formatsBefore,
  meantProducts,
  namedProducts,
  readFormats,
  withChoice,
} from "./formats.ts";

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
