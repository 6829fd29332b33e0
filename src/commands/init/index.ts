import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import type { Product } from "../../contract/product.ts";
import { projectProducts } from "../../custom/project-products.ts";
import { CREDENTIAL_VARIABLES } from "../../delivery/secrets.ts";
import type { Context } from "../../project/context.ts";
import { settingDecisions } from "../../project/decisions.ts";
import {
  appendLines,
  ENV_FILE,
  envEntry,
  linesOf,
  parseEnvFile,
  readEnvFile,
  readLineFile,
  withoutEmptyEntries,
} from "../../project/environment.ts";
import { warnIfTracked } from "../../project/git.ts";
import { CHOSEN_CREDENTIALS } from "../../project/secrets.ts";
import { CONFIG_FILE, environmentName } from "../../project/settings.ts";
import { parseSettingsFile, type SettingsFile } from "../../project/settings-file.ts";
import { trust } from "../../project/trust.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { readText, writeFileAtomically } from "../../util/files.ts";
import { isLink, rejectLinks } from "../../util/links.ts";
import type { Define } from "../command.ts";
import { type Answers, collectAnswers, type InitOptions } from "./answers.ts";

export const define: Define = (command, act) => {
  command
    .option("--products <products>", "the products that you use, such as crm,desk, or all")
    .option(
      "--format <formats>",
      "their format: wire (what Zoho posts, the default), guide or workflow; or one each: crm=guide,desk=wire",
    )
    .option("--port <port>", "the port for listen")
    .option("--target <target>", "your own app: 3000, host:3000/path, a URL, or none");
  for (const credential of CHOSEN_CREDENTIALS) {
    command.option(
      `--${credential} <generate|none|file>`,
      `${CREDENTIAL_VARIABLES[credential]}: a new one, none, or one from a file (- for standard input)`,
    );
  }
  command
    .option("--yes", "ask nothing: keep existing settings, and use the defaults for the rest")
    .option("--force", "change an existing config file without asking")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks init",
        "zoho-hooks init --yes",
        "zoho-hooks init --yes --products crm,desk --target 3000 --token none",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(init));
};

const HELP = `
Asks for everything that you do not give with a flag, then writes these files in the current folder:
  zoho-hooks.config.json   settings, no secrets
  .env                     secrets, added at the end; existing ones stay
  .gitignore               lines that keep .env and the log out of Git
  AGENTS.md                a paragraph for coding agents, if you want it or the file exists`;

/** Asks everything before it writes anything, so a missing answer leaves every file as it was. */
async function init(context: Context, options: InitOptions): Promise<ExitCode> {
  const { cwd } = context;
  const path = join(cwd, CONFIG_FILE);
  const text = readText(path);
  // With --force a broken file counts as missing.
  const orNone = async <T>(read: () => T | Promise<T>, none: () => T | Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (options.force !== true || !(error instanceof UserError)) throw error;
      return none();
    }
  };
  const none: SettingsFile = {};
  const settings =
    text === undefined
      ? none
      : await orNone(
          () => parseSettingsFile(text, path),
          () => none,
        );
  const env = readEnvFile(join(cwd, ENV_FILE));
  const hasVariable = (name: string): boolean => [env[name], context.env[name]].some((value) => value?.trim());
  // Including the user's own.
  const products = await orNone(
    () => knownProducts(context, settings),
    () => knownProducts(context, none),
  );
  const hasAgentsFile = offersAgents(cwd);
  const answers = await collectAnswers(context, options, { settings, products, hasAgentsFile, hasVariable });
  const config = configChange(path, answers, { text, settings });
  // .gitignore before the secret.
  const envChanges = envChange(cwd, answers);
  const changes = [agentsChange(cwd, answers), ignoreChange(cwd), envChanges, config];
  for (const { path: file, content } of changes) if (content !== undefined) rejectLinks(cwd, file);
  if (config.action === "changed") await confirmOverwrite(context, config, options);
  for (const { path: file, content, mode } of changes) {
    if (content !== undefined) writeFileAtomically(file, content, { mode, keepMode: mode === undefined });
  }
  await trustWritten(context, answers, config);
  reportChanges(context, changes);
  for (const name of ASKED_SETTINGS.map(environmentName).filter((each) => env[each]?.trim())) {
    const message = `${name} in .env overrides the setting in ${CONFIG_FILE}`;
    context.report({ type: "warning", message, hint: "delete its line to use the config file" });
  }
  if (envChanges.entries.length > 0 || CHOSEN_CREDENTIALS.some((each) => env[CREDENTIAL_VARIABLES[each]]?.trim()))
    warnIfTracked(context, cwd, ENV_FILE);
  reportNextSteps(context, answers, products, changes);
  return ExitCode.ok;
}

function knownProducts({ cwd: root, importModule }: Context, { products = {} }: SettingsFile) {
  const config = { root, importModule, settings: { products }, origins: { products: join(root, CONFIG_FILE) } };
  return projectProducts(config, { schemas: false });
}

async function confirmOverwrite(context: Context, { path, entries }: FileChange, options: InitOptions): Promise<void> {
  if (options.force === true) return;
  const prompts = options.yes === true ? undefined : await context.prompts();
  const what = `${entries.join(", ")} in ${basename(path)}`;
  if (prompts === undefined)
    throw usageError(`${what} would be changed; nothing was written`, "--force changes the file");
  if (!(await prompts.confirm({ message: `Change ${what}?` }))) throw usageError("nothing was written");
}

/** Trusts the target that the user has just typed, and nothing else in the files. */
async function trustWritten(context: Context, { target }: Answers, { entries }: FileChange): Promise<void> {
  if (!entries.includes("forwardTo") || target === undefined) return;
  const place = { root: context.cwd, userStore: undefined };
  const decisions = settingDecisions({ forwardTo: [target] }, CONFIG_FILE, place);
  // If it cannot be kept, the next command asks.
  if (decisions.length > 0) await trust(context, context.cwd, decisions).catch(() => undefined);
}

function reportChanges(context: Context, changes: readonly FileChange[]): void {
  const shown = changes.filter(({ action }) => action !== "absent").toReversed();
  context.report({
    type: "table",
    columns: ["", "file", "entries"],
    rows: shown.map(({ action, path, entries, kept }) => {
      const left = kept.length > 0 ? [`${kept.join(", ")} left as it was`] : [];
      return [action, basename(path), [...entries, ...left].join(", ")];
    }),
    json: shown.map(({ action, path, entries, kept }) => ({ type: "file", action, path, entries, kept })),
  });
}

function reportNextSteps(
  context: Context,
  { credentials, allowUnsigned = [], products: ids }: Answers,
  products: readonly Product[],
  changes: readonly FileChange[],
): void {
  const notice = (message: string): void => context.report({ type: "notice", message });
  const warn = (message: string, hint: string): void => context.report({ type: "warning", message, hint });
  const kept = changes.flatMap((change) => change.kept);
  for (const { variable, how } of credentials) {
    const value = context.env[variable];
    if (how !== "none" && value !== undefined)
      warn(`${variable} is also set in the environment, which overrides .env`, `unset ${variable} to use .env`);
    if (how !== "none" && kept.includes(variable))
      notice(`${variable} in .env was not changed, because its senders sign with it. For a new one, delete its line.`);
    if (how === "none" && kept.includes(variable))
      warn(`${variable} in .env stays in use: init removes no secrets`, "delete its line to turn the check off");
    else if (how === "none" && value?.trim())
      warn(`${variable} in the environment stays in use`, `unset ${variable} to turn the check off`);
  }
  const added = changes.flatMap(({ entries }) => entries);
  const generated = credentials.filter(({ variable, how }) => how === "generate" && added.includes(variable));
  if (generated.length > 0) {
    const names = generated.map(({ variable }) => variable).join(" and ");
    notice(`${names}: generated in .env. Use the same value wherever your deliveries are signed.`);
  }
  if (allowUnsigned.length > 0) {
    const titles = products
      .filter(({ id }) => allowUnsigned.includes(id))
      .map(({ title }) => title.replace(/^Zoho /, ""));
    const names = titles.join(", ").replace(/, ([^,]+)$/, " and $1");
    notice(
      `${names} workflow webhooks, which Zoho never signs, are accepted unsigned: see allowUnsigned in ${CONFIG_FILE}.`,
    );
  }
  const [product = "crm"] = ids;
  notice(`Next: ${context.invocation} listen, and in a second terminal ${context.invocation} send ${product} --all`);
}

interface FileChange {
  readonly path: string;
  /** Undefined to leave the file alone. */
  readonly content: Buffer | undefined;
  /** `absent`: it does not exist, and is not needed. */
  readonly action: "created" | "changed" | "unchanged" | "absent";
  /** The settings, variables or lines that are added. */
  readonly entries: readonly string[];
  /** Files that exist already and are not changed. */
  readonly kept: readonly string[];
  /** The mode of the file from now on; default: that of the umask, or of an existing file. */
  readonly mode?: number;
}

function fileChange(
  path: string,
  exists: boolean,
  change: Pick<FileChange, "content" | "entries"> & Partial<FileChange>,
) {
  const isChanged = change.content !== undefined;
  const action = isChanged ? (exists ? "changed" : "created") : exists ? "unchanged" : "absent";
  return { path, action, kept: [], ...change } as const;
}

/** The settings that `init` asks for and that a variable can override. */
const ASKED_SETTINGS = ["allowUnsigned", "port", "forwardTo"] as const;

/** Settings that `init` does not ask for stay as they are. */
function configChange(
  path: string,
  answers: Answers,
  { text, settings: old }: { text: string | undefined; settings: SettingsFile },
): FileChange {
  // The user's own products are only defined here, so they always stay.
  const custom = Object.entries(old.products ?? {}).flatMap(([id, { path: folder }]) =>
    folder === undefined ? [] : id,
  );
  const ids = [...new Set([...answers.products, ...custom])];
  const products = Object.fromEntries(
    ids.map((id) => [id, { ...old.products?.[id], format: answers.formats[id] ?? old.products?.[id]?.format }]),
  );
  const next: SettingsFile = {
    ...old,
    ...(ids.length > 0 || old.products !== undefined ? { products } : {}),
    allowUnsigned: answers.allowUnsigned ?? old.allowUnsigned,
    port: answers.port,
    // Keep a list that begins with the answer.
    forwardTo: [old.forwardTo].flat()[0] === answers.target ? old.forwardTo : answers.target,
  };
  const changedKeys = ["products", ...ASKED_SETTINGS].filter(
    (key) => JSON.stringify(next[key]) !== JSON.stringify(old[key]),
  );
  // Name the formats that change, so that the user confirms them knowingly.
  const replaced = Object.entries(answers.formats)
    .filter(([id, format]) => (old.products?.[id]?.format ?? format) !== format)
    .map(([id]) => `products.${id}.format`);
  const entries = changedKeys.flatMap((key) => (key === "products" ? [key, ...replaced] : [key]));
  const content = Buffer.from(`${JSON.stringify(next, undefined, 2)}\n`);
  return fileChange(path, text !== undefined, {
    content: text === undefined || entries.length > 0 ? content : undefined,
    entries,
  });
}

/** Twice as many hexadecimal digits; the finance products accept at most 50 characters. */
const SECRET_BYTES = 24;

/** Adds the variables at the end of `.env`. Existing ones stay, unless they are empty. */
function envChange(root: string, { credentials }: Answers): FileChange {
  const path = join(root, ENV_FILE);
  const file = readLineFile(path);
  const values = readEnvFile(path);
  // Even if the answer is "none": deleting a secret is up to the user.
  const kept = credentials.filter(({ variable }) => (values[variable] ?? "").trim() !== "");
  const added = credentials.filter((answer) => answer.how !== "none" && !kept.includes(answer));
  const lines = added.map(({ variable, value }) =>
    envEntry(variable, value?.reveal() ?? randomBytes(SECRET_BYTES).toString("hex")),
  );
  const empty = added.filter(({ variable }) => values[variable] !== undefined).map(({ variable }) => variable);
  const content = lines.length === 0 ? undefined : appendLines(withoutEmptyEntries(file, empty), lines);
  // A quote left open in the file would take the new lines into its value.
  if (content !== undefined) parseEnvFile(content.toString("utf8"), path);
  return fileChange(path, file.bytes !== undefined, {
    content,
    entries: added.map(({ variable }) => variable),
    kept: kept.map(({ variable }) => variable),
    mode: 0o600,
  });
}

/** Keeps secrets and the log out of Git. Fixtures are meant to be shared. */
const IGNORED: readonly { readonly lines: readonly string[]; readonly by: RegExp }[] = [
  { lines: [".env"], by: /^\/?\.env\*?$/ },
  { lines: [".zoho-hooks/*", "!.zoho-hooks/fixtures/"], by: /^\/?\.zoho-hooks(?:\/\*?)?$/ },
];

function ignoreChange(root: string): FileChange {
  const path = join(root, ".gitignore");
  // Also where nothing is to be added: Git reads none through a link, so it would not ignore the secrets.
  rejectLinks(root, path);
  const file = readLineFile(path);
  // Of blanks, only spaces at the end have no meaning.
  const existing = linesOf(file).map((line) => line.replace(/ +$/, ""));
  const entries = IGNORED.flatMap(({ lines, by }) => (existing.some((line) => by.test(line)) ? [] : lines));
  const content = entries.length === 0 ? undefined : appendLines(file, entries);
  return fileChange(path, file.bytes !== undefined, { content, entries });
}

const AGENTS_FILE = "AGENTS.md";
const AGENTS_PARAGRAPH = [
  "## Zoho webhooks",
  "",
  "Test them with `npx --no-install zoho-hooks`. Do not write Zoho's payloads or signatures from memory:",
  "`npx --no-install zoho-hooks skill` says how to get samples, send them signed, and find out why one fails.",
];

/** Whether AGENTS.md exists; undefined where nothing is to be added: it names this tool, or is a link to a file of another name. */
function offersAgents(root: string): boolean | undefined {
  const path = join(root, AGENTS_FILE);
  const text = readText(path);
  return isLink(path) || text?.includes("zoho-hooks") ? undefined : text !== undefined;
}

function agentsChange(root: string, { agents }: Answers): FileChange {
  const path = join(root, AGENTS_FILE);
  const file = readLineFile(path);
  const isEmpty = (file.bytes?.length ?? 0) === 0;
  const content = agents ? appendLines(file, [...(isEmpty ? [] : [""]), ...AGENTS_PARAGRAPH]) : undefined;
  return fileChange(path, file.bytes !== undefined, { content, entries: agents ? ["Zoho webhooks"] : [] });
}
