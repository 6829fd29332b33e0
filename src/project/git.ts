import { spawnSync } from "node:child_process";
import { basename, dirname, join } from "node:path";
import type { Context } from "./context.ts";

/**
 * Whether the index of its repository has a file. False where there is no Git or no repository. A repository's own settings
 * run no program: it may be a stranger's.
 */
export function isTrackedByGit({ env, packageRoot: cwd }: Pick<Context, "env" | "packageRoot">, path: string): boolean {
  const settings = ["-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit"];
  // Unlike `protocol.allow`, no setting of the repository precedes it: a missing object would be fetched by any program.
  const withoutFetching = { ...env, GIT_ALLOW_PROTOCOL: "none" };
  const argv = ["-C", dirname(path), ...settings, "ls-files", "--error-unmatch", "--", basename(path)];
  // Windows looks for a program in the working folder first, where a clone may have its own.
  return spawnSync("git", argv, { cwd, env: withoutFetching, stdio: "ignore", timeout: 5000 }).status === 0;
}

/** Git ignores no file that it already tracks, as one that came with a clone. `file`: a file with secrets, in a folder. */
export function warnIfTracked(context: Context, folder: string, file: string): void {
  if (!isTrackedByGit(context, join(folder, file))) return;
  const message = `Git tracks ${file}, so your next commit could contain the secrets in it`;
  const hint = `run git rm --cached ${file}, which leaves the file on your disk`;
  context.report({ type: "warning", message, hint });
}
