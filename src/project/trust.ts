import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { errorText, orUndefined, type UserError, usageError } from "../util/errors.ts";
import { withFileLock } from "../util/file-lock.ts";
import { FileError, MAX_SETTINGS_BYTES, readPrivateJson, readText, writePrivateJson } from "../util/files.ts";
import { isAbove, realPlace } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import type { Context } from "./context.ts";
import { codeOf, type Decision, decisionsOf, decisionText, storedFiles } from "./decisions.ts";
import { type Project, readProject, settingsOf } from "./project.ts";
import { type Env, TRUST_ALL } from "./variables.ts";

/**
 * The gate before every command that uses a folder: reads the project, and returns it if the user trusts its files with what
 * they decide beyond this machine and folder. A folder may be a stranger's. In a terminal it asks once; elsewhere, and after
 * a no, it throws a usage error with all decisions.
 */
export async function requireTrust(context: Context): Promise<Project> {
  const project = readProject(context);
  const { open, isKnown, trusted } = await checkTrust(context, project);
  if (open.length === 0) return trusted;
  const prompts = await context.prompts();
  if (prompts === undefined) throw notTrusted(context, project, open);
  const folder = oneLine(project.root);
  context.report({
    type: "decisions",
    message: isKnown
      ? `The files of ${folder} now also decide:`
      : `${folder} is not trusted yet, and its files would decide:`,
    decisions: open,
  });
  if (!(await prompts.confirm({ message: "Trust the files of this folder from now on?" })))
    throw notTrusted(context, project, open);
  await trust(context, project.root, open).catch((error: unknown) => {
    const message = `your answer could not be kept, so the next command asks again: ${errorText(error)}`;
    context.report({ type: "warning", message });
  });
  return { ...project, code: codeOf(project) };
}

/** The error where nobody can be asked, or the answer was no. */
export function notTrusted({ invocation }: Context, { root }: Project, open: readonly Decision[]): UserError {
  return usageError(
    `${oneLine(root)} is not trusted, and its files decide: ${open.map(decisionText).join("; ")}`,
    `if you trust who wrote them: ${invocation} trust. In a container or a script: ZOHO_HOOKS_TRUST=1 in the environment`,
  );
}

/**
 * `open`: what the files of a folder decide without being trusted to. `isKnown`: they are trusted with something already.
 * `trusted`: the project, without its files if anything is open.
 */
export async function checkTrust(context: Context, project: Project) {
  const decisions = decisionsOf(project, userStore(context, project));
  const trusts = (code: readonly string[] | typeof ALL) => ({ open: [], isKnown: true, trusted: { ...project, code } });
  if (decisions.length === 0) return trusts([]);
  // The process environment alone, which no `.env` changes. Who runs a repository's code in CI trusts it already.
  if (/^(?:1|true)$/i.test(context.env[TRUST_ALL] || context.env.CI || "")) return trusts(ALL);
  const folders = await readTrusted(context).catch((): TrustedFolders => ({}));
  const place = trustPlace(project.root);
  if (folderAround(folders, place) !== undefined) return trusts(ALL);
  const accepted = folders[place];
  const open = decisions.filter((each) => accepted?.includes(decisionText(each)) !== true);
  if (open.length === 0) return trusts(codeOf(project));
  return { open, isKnown: accepted !== undefined, trusted: { ...project, variables: {}, settings: {} } };
}

/** The log that the user's own settings name: a path, perhaps in the folder, or an address. */
export function userStore({ env }: Context, { userSettings }: Project): string | undefined {
  // What cannot be read is reported where it is used.
  const store = settingsOf(env as Env, () => undefined).store ?? orUndefined(userSettings)?.store;
  return store === false ? undefined : store;
}

/** Trusts a folder with decisions, beside what it is trusted with already. `ALL`: everything, and all folders below it. */
export async function trust(
  context: Context,
  root: string,
  decisions: readonly Decision[] | typeof ALL,
): Promise<void> {
  const place = trustPlace(root);
  await change(context, (folders) => {
    const before = folders[place] ?? [];
    if (decisions === ALL || before === ALL) return { ...folders, [place]: ALL };
    return { ...folders, [place]: [...new Set([...before, ...decisions.map(decisionText)])] };
  });
}

/** Resolves to whether the folder was trusted. */
export async function distrust(context: Context, root: string): Promise<boolean> {
  const place = trustPlace(root);
  let was = false;
  await change(context, ({ [place]: removed, ...others }) => {
    was = removed !== undefined;
    return others;
  });
  return was;
}

/**
 * Before a command creates the log or the keys of a folder, at this path: they are the user's from then on. Without effect
 * where they are there already, and where nothing can be kept.
 */
export async function trustOwn(context: Context, path: string): Promise<void> {
  const project = context.project ?? readProject(context);
  const file = storedFiles(project, userStore(context, project)).find((each) => each.path === path);
  if (file !== undefined && !file.isThere) await trust(context, project.root, [file.decision]).catch(() => undefined);
}

/** A folder that is trusted with everything, and includes this one. */
export function folderAround(folders: TrustedFolders, root: string): string | undefined {
  return Object.keys(folders).find((folder) => folders[folder] === ALL && !isAbove(folder, realPlace(root)));
}

/** Everything that the folder and those below it decide. */
export const ALL = "all";

/** The decisions that each folder is trusted with. */
export type TrustedFolders = Readonly<Record<string, readonly string[] | typeof ALL>>;

/** Throws a UserError for a file that is damaged or cannot be read: nothing is trusted then. */
export async function readTrusted(context: Context): Promise<TrustedFolders> {
  const path = trustFile(context);
  const schema = z.record(z.string(), z.union([z.array(z.string()), z.literal(ALL)]));
  const content = await readPrivateJson(path).catch((error: unknown) => {
    if (error instanceof FileError) throw error;
    return "no JSON";
  });
  const parsed = schema.safeParse(content ?? {});
  if (parsed.success) return parsed.data;
  throw usageError(`${path} is damaged`, `run ${context.invocation} trust, which moves it aside`);
}

/** Changes the list under a lock, since two processes may do so at once. */
async function change(context: Context, edit: (folders: TrustedFolders) => TrustedFolders): Promise<void> {
  const path = trustFile(context);
  await withFileLock(`${path}.lock`, { waitMs: 5000, signal: context.signal }, async () => {
    const folders = await readTrusted(context).catch(async (error: unknown) => {
      const aside = path.replace(/\.json$/, ".damaged.json");
      await rename(path, aside).catch(() => {
        throw error;
      });
      context.report({ type: "warning", message: `${path} was damaged: it is ${aside} now, and no folder is trusted` });
      return {};
    });
    await writePrivateJson(path, edit(folders));
  });
}

function trustFile(context: Context): string {
  return join(context.userFolder, "trusted-folders.json");
}

/** The key of a folder in the list: its real path, in a worktree of Git that of the same folder in the main checkout. */
function trustPlace(root: string): string {
  const place = realPlace(root);
  for (let folder = place; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return resolve(mainCheckout(folder) ?? folder, relative(folder, place));
    if (dirname(folder) === folder) return place;
  }
}

/**
 * The main checkout of a worktree, where both name the other: a `.git` file alone would be the folder deciding about itself.
 * https://git-scm.com/docs/gitrepository-layout (worktrees/<id>/gitdir)
 */
function mainCheckout(worktree: string): string | undefined {
  const named = lineOf(join(worktree, ".git"))?.match(/^gitdir: (.+)$/)?.[1];
  if (named === undefined) return undefined;
  const entry = realPlace(resolve(worktree, named));
  const [, main] = /^(.+)[\\/]\.git[\\/]worktrees[\\/][^\\/]+$/.exec(entry) ?? [];
  const back = lineOf(join(entry, "gitdir"));
  // By its folder: the file of another one may be a link to that of a worktree.
  return back !== undefined && realPlace(dirname(resolve(entry, back))) === worktree ? main : undefined;
}

/** Undefined where there is no such file, as where `.git` is a folder. */
function lineOf(path: string): string | undefined {
  return orUndefined(() => readText(path, MAX_SETTINGS_BYTES)?.trimEnd());
}
