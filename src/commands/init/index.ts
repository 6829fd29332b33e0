import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import { CREDENTIAL_VARIABLES } from "../../delivery/secrets.ts";
import { projectProducts } from "../../own-products/project-products.ts";
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
import { FILE_SUFFIX } from "../../project/secret-variables.ts";
import { CONFIG_FILE, environmentName } from "../../project/settings.ts";
import { parseSettingsFile, type SettingsFile } from "../../project/settings-file.ts";
import { trust } from "../../project/trust.ts";
import { canAllowUnsigned } from "../../recognition/unsigned.ts";
import type { FileLine } from "../../samples/fixtures.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { readText, writeFileAtomically } from "../../util/files.ts";
import { isLink, rejectLinks } from "../../util/links.ts";
import type { Define } from "../command.ts";
import { type Answers, collectAnswers, type InitOptions } from "./answers.ts";

export const define: Define = (command, act) => {
  command
    .option("--products <products>", "the products that you use, such as crm,desk, or all")
    .option("--target <target>", "your own app: 3000, host:3000/path, a URL, or none")
    .option("--yes", "ask nothing: keep existing settings, and use the defaults for the rest")
    .option("--force", "change an existing config file without asking")
    .addHelpText(
      "before",
      examples("zoho-hooks init", "zoho-hooks init --yes", "zoho-hooks init --yes --products crm,desk --target 3000"),
    )
    .addHelpText("after", HELP)
    .action(act(init));
};

const HELP = `
Asks for your products and your app, unless flags name them, then writes these files in the current folder:
  zoho-hooks.config.json   settings, no secrets
  .env                     new secrets, added at the end; existing ones stay
  .env.example             the names of the secrets that the project uses, for those who clone it
  .gitignore               lines that keep .env and the log out of Git
  AGENTS.md                a paragraph for coding agents, if the file exists

Where there is a config file already, as in a clone, it asks only for the secrets that .env lacks.`;

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
  const settings = await orNone<SettingsFile | undefined>(
    () => (text === undefined ? undefined : parseSettingsFile(text, path)),
    () => undefined,
  );
  const env = readEnvFile(join(cwd, ENV_FILE));
  const hasVariable = (name: string): boolean =>
    [name, name + FILE_SUFFIX].some((each) => [env[each], context.env[each]].some((value) => value?.trim()));
  const named = Object.keys(readEnvFile(join(cwd, EXAMPLE_FILE))).filter((name) => name.startsWith("ZOHO_WEBHOOK_"));
  // Including the user's own.
  const products = await orNone(
    () => knownProducts(context, settings ?? {}),
    () => knownProducts(context, {}),
  );
  const answers = await collectAnswers(context, options, { settings, products, named, hasVariable });
  const config = configChange(path, answers, { exists: text !== undefined, settings });
  // .gitignore before the secret.
  const envChanges = envChange(cwd, answers);
  const changes = [agentsChange(cwd), ignoreChange(cwd), exampleChange(cwd, answers), envChanges, config];
  for (const { path: file, content } of changes) if (content !== undefined) rejectLinks(cwd, file);
  if (config.action === "changed") await confirmOverwrite(context, config, options);
  for (const { path: file, content, mode } of changes) {
    if (content !== undefined) writeFileAtomically(file, content, { mode, keepMode: mode === undefined });
  }
  await trustWritten(context, answers, config);
  reportChanges(context, changes);
  const forwardTo = environmentName("forwardTo");
  if (answers.target !== undefined && env[forwardTo]?.trim()) {
    const message = `${forwardTo} in .env overrides the setting in ${CONFIG_FILE}`;
    context.report({ type: "warning", message, hint: "delete its line to use the config file" });
  }
  if (envChanges.entries.length > 0 || answers.needed.some((name) => env[name]?.trim()))
    warnIfTracked(context, cwd, ENV_FILE);
  reportNextSteps(context, answers, settings ?? {});
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
  if (!entries.includes("forwardTo") || target === undefined || target === "none") return;
  const place = { root: context.cwd, userStore: undefined };
  const decisions = settingDecisions({ forwardTo: [target] }, CONFIG_FILE, place);
  // If it cannot be kept, the next command asks.
  if (decisions.length > 0) await trust(context, context.cwd, decisions).catch(() => undefined);
}

function reportChanges(context: Context, changes: readonly FileChange[]): void {
  const shown = changes
    .flatMap(({ action, path, entries }) => (action === "absent" ? [] : { action, path, entries }))
    .toReversed();
  context.report({
    type: "table",
    columns: ["", "file", "entries"],
    rows: shown.map(({ action, path, entries }) => [action, basename(path), entries.join(", ")]),
    json: shown.map(({ action, path, entries }) => ({ type: "file", action, path, entries }) satisfies FileLine),
  });
}

function reportNextSteps(context: Context, { secrets, unset, used }: Answers, settings: SettingsFile): void {
  const notice = (message: string): void => context.report({ type: "notice", message });
  const generated = secrets.filter(({ value }) => value === undefined).map(({ variable }) => variable);
  if (generated.length > 0)
    notice(`${generated.join(" and ")}: generated in .env. Use the same value wherever your deliveries are signed.`);
  if (unset.length > 0) {
    const message = `not set: ${unset.join(", ")}, so deliveries that need it are accepted unverified`;
    context.report({ type: "warning", message, hint: `add it to .env, as your team, your app or Zoho has it` });
  }
  const custom = used.filter(canAllowUnsigned);
  const isTokenSet = !unset.includes(CREDENTIAL_VARIABLES.token);
  if (custom.length > 0 && isTokenSet && settings.allowUnsigned === undefined) {
    const titles = custom.map(({ title }) => title.replace(/^Zoho /, "")).join(" and ");
    const ids = JSON.stringify(custom.map(({ id }) => id));
    notice(
      `Zoho never signs webhooks of ${titles} whose body you design, so listen rejects them. To accept them: "allowUnsigned": ${ids} in ${CONFIG_FILE}.`,
    );
  }
  const product = used.length === 1 || settings.products !== undefined ? used[0]?.id : undefined;
  notice(
    `Next: ${context.invocation} listen, and in a second terminal ${context.invocation} send ${product ?? "crm"} --all`,
  );
}

interface FileChange {
  readonly path: string;
  /** Undefined to leave the file alone. */
  readonly content: Buffer | undefined;
  /** `absent`: it does not exist, and is not needed. */
  readonly action: "created" | "changed" | "unchanged" | "absent";
  /** The settings, variables or lines that are added. */
  readonly entries: readonly string[];
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
  return { path, action, ...change } as const;
}

/** Settings that `init` does not ask for stay as they are. */
function configChange(
  path: string,
  { products: ids, target }: Answers,
  { exists, settings }: { exists: boolean; settings: SettingsFile | undefined },
): FileChange {
  const old = settings ?? {};
  // The user's own products are only defined here, so they always stay.
  const own = Object.entries(old.products ?? {}).flatMap(([id, { path: folder }]) => (folder === undefined ? [] : id));
  const all = ids === undefined ? Object.keys(old.products ?? {}) : [...new Set([...ids, ...own])];
  const products = Object.fromEntries(all.map((id) => [id, old.products?.[id] ?? {}]));
  // Keep a list that begins with the answer.
  const isKept = target === undefined || [old.forwardTo].flat()[0] === target;
  const next: SettingsFile = {
    ...old,
    ...(all.length > 0 || old.products !== undefined ? { products } : {}),
    forwardTo: isKept ? old.forwardTo : target === "none" ? undefined : target,
  };
  const entries = ["products", "forwardTo"].filter((key) => JSON.stringify(next[key]) !== JSON.stringify(old[key]));
  const content = Buffer.from(`${JSON.stringify(next, undefined, 2)}\n`);
  return fileChange(path, exists, {
    content: settings === undefined || entries.length > 0 ? content : undefined,
    entries,
  });
}

/** Twice as many hexadecimal digits; the finance products accept at most 50 characters. */
const SECRET_BYTES = 24;

/** Adds the variables at the end of `.env`. Existing ones stay, unless they are empty. */
function envChange(root: string, { secrets }: Answers): FileChange {
  const path = join(root, ENV_FILE);
  const file = readLineFile(path);
  const values = readEnvFile(path);
  const lines = secrets.map(({ variable, value }) =>
    envEntry(variable, value?.reveal() ?? randomBytes(SECRET_BYTES).toString("hex")),
  );
  const empty = secrets.flatMap(({ variable }) => (values[variable] === undefined ? [] : [variable]));
  const content = lines.length === 0 ? undefined : appendLines(withoutEmptyEntries(file, empty), lines);
  // A quote left open in the file would take the new lines into its value.
  if (content !== undefined) parseEnvFile(content.toString("utf8"), path);
  return fileChange(path, file.bytes !== undefined, {
    content,
    entries: secrets.map(({ variable }) => variable),
    mode: 0o600,
  });
}

const EXAMPLE_FILE = ".env.example";

/** Names the variables that the project uses, without values: Git has this file, and not `.env`. */
function exampleChange(root: string, { needed }: Answers): FileChange {
  const path = join(root, EXAMPLE_FILE);
  const file = readLineFile(path);
  const known = readEnvFile(path);
  const entries = needed.filter((name) => known[name] === undefined);
  const head = "# Secrets of zoho-hooks: `zoho-hooks init` asks for them, and writes them to .env.";
  const lines = [...(linesOf(file).includes(head) ? [] : [head]), ...entries.map((name) => `${name}=`)];
  const content = entries.length === 0 ? undefined : appendLines(file, lines);
  return fileChange(path, file.bytes !== undefined, { content, entries });
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

/** Only where there is such a file, which does not name this tool, and is no link to a file of another name. */
function agentsChange(root: string): FileChange {
  const path = join(root, AGENTS_FILE);
  const text = readText(path);
  const isWanted = text !== undefined && !isLink(path) && !text.includes("zoho-hooks");
  const separator = text === "" ? [] : [""];
  const content = isWanted ? appendLines(readLineFile(path), [...separator, ...AGENTS_PARAGRAPH]) : undefined;
  return fileChange(path, text !== undefined, { content, entries: isWanted ? ["Zoho webhooks"] : [] });
}
