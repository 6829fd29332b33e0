import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import {
  appendLines,
  ENV_FILE,
  envEntry,
  type LineFile,
  linesOf,
  readEnvFile,
  readLineFile,
  withoutEmptyEntries,
} from "../../config/environment.ts";
import { CHOSEN_CREDENTIALS, CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import { CONFIG_FILE, type SettingsFile } from "../../config/settings.ts";
import { parseSettingsFile } from "../../config/settings-file.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { readText, rejectLinks, writeFileAtomically } from "../../util/files.ts";
import type { Define } from "../command.ts";
import { configuredProducts } from "../helpers/products.ts";
import { type Answers, collectAnswers, type InitOptions } from "./answers.ts";

export const define: Define = (command, act) => {
  command
    .option("--products <products>", "the products that you use, such as crm,desk, or all")
    .option(
      "--format <formats>",
      "their format: guide, wire (what Zoho itself posts) or workflow; or one each: crm=wire,desk=guide",
    )
    .option("--port <port>", "the port for listen")
    .option("--target <target>", "your own app: 3000, host:3000/path, a URL, or none");
  for (const credential of CHOSEN_CREDENTIALS) {
    command.option(
      `--${credential} <generate|none|file>`,
      `${CREDENTIAL_VARIABLES[credential]}: a new one, none, or the one in a file (- for standard input)`,
    );
  }
  command
    .option("--yes", "ask nothing: keep what is set up, and use the defaults for the rest")
    .option("--force", "change an existing config file without asking")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks init",
        "zoho-hooks init --yes",
        "zoho-hooks init --yes --products crm,desk --format wire --target 3000 --token none",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(init));
};

const HELP = `
Asks for everything that you do not give with a flag. Then it writes these files in the current folder:
  zoho-hooks.config.json   settings, no secrets
  .env                     secrets, added at the end; existing ones stay
  .gitignore               lines that keep .env and the log out of git
`;

/** Asks everything first, then writes: an answer that is missing or a no leaves every file as it was. */
async function init(context: Context, options: InitOptions): Promise<ExitCode> {
  const path = join(context.cwd, CONFIG_FILE);
  const text = readText(path);
  const existing = readExisting(text, path, options);
  const inFile = readEnvFile(join(context.cwd, ENV_FILE));
  const isSet = (name: string): boolean => [inFile[name], context.env[name]].some((value) => value?.trim());
  const products = await knownProducts(context, path, existing, options);
  const answers = await collectAnswers(context, options, existing, products, isSet);
  // The lines that keep a secret out of git come before the secret.
  const changes = [
    ignoreChange(context.cwd),
    envChange(context.cwd, answers),
    configChange(context.cwd, answers, text, existing),
  ];
  for (const { path: file, content } of changes) if (content !== undefined) rejectLinks(context.cwd, file);
  await confirmOverwrites(context, changes, options);
  for (const { path: file, content, mode } of changes) {
    if (content !== undefined) writeFileAtomically(file, content, { mode });
  }
  reportChanges(context, changes);
  reportWhatIsNext(context, answers, changes);
  return ExitCode.ok;
}

/** What is set up already; with `--force` a file that is broken counts as none. */
function readExisting(text: string | undefined, path: string, { force }: InitOptions): SettingsFile {
  if (text === undefined) return {};
  try {
    return parseSettingsFile(text, path);
  } catch (error) {
    if (force !== true) throw error;
    return {};
  }
}

/** With the user's own that are set up already. */
async function knownProducts(
  { cwd, importModule }: Context,
  path: string,
  { products = {} }: SettingsFile,
  { force }: InitOptions,
): Promise<readonly Product[]> {
  const known = (entries: SettingsFile["products"] = {}) =>
    configuredProducts(
      { root: cwd, importModule, settings: { products: entries }, origins: { products: path } },
      { schemas: false },
    );
  try {
    return await known(products);
  } catch (error) {
    if (force !== true || !(error instanceof UserError)) throw error;
    return known();
  }
}

async function confirmOverwrites(
  context: Context,
  changes: readonly FileChange[],
  options: InitOptions,
): Promise<void> {
  const prompts = options.yes === true ? undefined : await context.prompts();
  for (const { path, entries } of changes.filter((change) => change.overwrites)) {
    if (options.force === true) continue;
    const what = `${entries.join(", ")} in ${basename(path)}`;
    if (prompts === undefined) {
      throw usageError(`${what} would be changed; nothing was written`, "--force changes the file");
    }
    if (!(await prompts.confirm({ message: `Change ${what}?` }))) throw usageError("nothing was written");
  }
}

function reportChanges(context: Context, changes: readonly FileChange[]): void {
  const note = ({ entries, kept }: FileChange): string =>
    [...entries, ...(kept.length > 0 ? [`${kept.join(", ")} left as it was`] : [])].join(", ");
  const shown = changes.filter(({ action }) => action !== "absent").toReversed();
  context.report({
    type: "table",
    columns: ["", "file", "entries"],
    rows: shown.map((change) => [change.action, basename(change.path), note(change)]),
    json: shown.map(({ action, path, entries, kept }) => ({ type: "file", action, path, entries, kept })),
  });
}

/** Whoever asked for none is told of one that is in use all the same. */
function tellOfKept(context: Context, variable: string, inFile: boolean): void {
  const inEnvironment = (context.env[variable] ?? "").trim() !== "";
  if (!inFile && !inEnvironment) return;
  context.report({
    type: "warning",
    message: `${variable} is set in ${inFile ? ".env" : "the environment"}, and stays in use: init takes no secret away`,
    hint: inFile ? "delete its line there to go without" : `unset ${variable} to go without`,
  });
}

function reportWhatIsNext(context: Context, answers: Answers, changes: readonly FileChange[]): void {
  const say = (message: string): void => context.report({ type: "notice", message });
  const kept = changes.flatMap((change) => change.kept);
  for (const { variable, how } of answers.credentials) {
    if (how === "none") {
      tellOfKept(context, variable, kept.includes(variable));
    } else if (context.env[variable] !== undefined) {
      const message = `${variable} is set in the environment too, which goes before .env`;
      context.report({ type: "warning", message, hint: `unset ${variable} to use the one in .env` });
    }
  }
  for (const { variable } of answers.credentials.filter(
    ({ variable: each, how }) => how !== "none" && kept.includes(each),
  ))
    say(`${variable} in .env is as it was: what signs with it would no longer fit. Delete its line to have a new one.`);
  const added = changes.flatMap(({ entries }) => entries);
  const generated = answers.credentials.filter(({ variable, how }) => how === "generate" && added.includes(variable));
  if (generated.length > 0) {
    const names = generated.map(({ variable }) => variable).join(" and ");
    say(`${names}: new, in .env. Use the same wherever your deliveries are signed.`);
  }
  const [product = "crm"] = answers.products;
  say(`Next: ${context.invocation} listen, and in a second terminal ${context.invocation} send ${product} --all`);
}

/** One file that `init` looks after. `content` is undefined where nothing is to be done. */
interface FileChange {
  readonly path: string;
  readonly content: Buffer | undefined;
  /** `absent`: it is not there, and need not be. */
  readonly action: "created" | "changed" | "unchanged" | "absent";
  /** The settings, variables or lines that are put in. */
  readonly entries: readonly string[];
  /** Those that are there already and left alone. */
  readonly kept: readonly string[];
  /** Of a file that is created. */
  readonly mode?: number;
  /** The change replaces something of the user's. */
  readonly overwrites: boolean;
}

/** The config file with the answers in it; settings that `init` does not ask for stay as they are. */
function configChange(root: string, answers: Answers, text: string | undefined, old: SettingsFile): FileChange {
  // A product of the user's own is more than a choice among those that are known: it stays.
  const own = Object.entries(old.products ?? {}).flatMap(([id, { path }]) => (path === undefined ? [] : [id]));
  const ids = new Set([...answers.products, ...own]);
  const products = Object.fromEntries(
    [...ids].map((id) => {
      const format = answers.formats[id];
      return [id, { ...old.products?.[id], ...(format === undefined ? {} : { format }) }];
    }),
  );
  const next = {
    ...old,
    ...(ids.size > 0 || old.products !== undefined ? { products } : {}),
    port: answers.port,
    // A list of targets that begins with the answer is the user's own, longer one.
    forwardTo: [old.forwardTo].flat()[0] === answers.target ? old.forwardTo : answers.target,
  };
  const changedKeys = (["products", "port", "forwardTo"] as const).filter(
    (key) => JSON.stringify(next[key]) !== JSON.stringify(old[key]),
  );
  // A format that was another one before is named, so that a yes to it is meant.
  const replaced = Object.entries(answers.formats)
    .filter(([id, format]) => (old.products?.[id]?.format ?? format) !== format)
    .map(([id]) => `products.${id}.format`);
  const entries = changedKeys.flatMap((key) => (key === "products" ? [key, ...replaced] : [key]));
  const changed = text === undefined || entries.length > 0;
  return {
    path: join(root, CONFIG_FILE),
    content: changed ? Buffer.from(`${JSON.stringify(next, undefined, 2)}\n`) : undefined,
    action: text === undefined ? "created" : changed ? "changed" : "unchanged",
    entries,
    kept: [],
    overwrites: text !== undefined && changed,
  };
}

/** As hexadecimal digits few enough for every product: the finance ones take 50 letters and digits at most. */
const SECRET_BYTES = 24;

/** The variables put at the end of `.env`. One that is there already stays as it is, but for one that is empty. */
function envChange(root: string, { credentials }: Answers): FileChange {
  const path = join(root, ENV_FILE);
  const file = readLineFile(path);
  const values = readEnvFile(path);
  const wanted = credentials.filter(({ how }) => how !== "none");
  // Also where none was asked for: whoever wants to be rid of a secret deletes it, and not a command on the way.
  const kept = credentials.filter(({ variable }) => (values[variable] ?? "").trim() !== "");
  const added = wanted.filter((answer) => !kept.includes(answer));
  const lines = added.map((answer) =>
    envEntry(
      answer.variable,
      answer.how === "given" ? answer.value.reveal() : randomBytes(SECRET_BYTES).toString("hex"),
    ),
  );
  const empty = added.filter(({ variable }) => values[variable] !== undefined).map(({ variable }) => variable);
  return {
    ...addition(file, lines.length === 0 ? undefined : appendLines(withoutEmptyEntries(file, empty), lines)),
    entries: added.map(({ variable }) => variable),
    kept: kept.map(({ variable }) => variable),
    mode: 0o600,
  };
}

/** Keeps secrets and the log out of git; samples that were copied into the project are there to be shared. */
const IGNORED: readonly { readonly lines: readonly string[]; readonly unless: RegExp }[] = [
  { lines: [".env"], unless: /^\/?(\.env\*?|\*\.env)$/ },
  { lines: [".zoho-hooks/*", "!.zoho-hooks/fixtures/"], unless: /^\/?\.zoho-hooks(\/\*{0,2})?$/ },
];

function ignoreChange(root: string): FileChange {
  const path = join(root, ".gitignore");
  const file = readLineFile(path);
  const there = linesOf(file).map((line) => line.trim());
  const missing = IGNORED.filter(({ unless }) => !there.some((line) => unless.test(line)));
  const entries = missing.flatMap(({ lines }) => lines);
  return { ...addition(file, entries.length === 0 ? undefined : appendLines(file, entries)), entries, kept: [] };
}

function addition({ path, bytes }: LineFile, content: Buffer | undefined) {
  const isThere = bytes !== undefined;
  const action = content === undefined ? (isThere ? "unchanged" : "absent") : isThere ? "changed" : "created";
  return { path, content, action, overwrites: false } as const;
}
