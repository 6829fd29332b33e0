import { existsSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { geteuid, version } from "node:process";
import { isDatabaseAddress } from "../../log/open-log.ts";
import { loadEngine } from "../../log/sqlite/engine.ts";
import { ENV_FILE, readEnvFile } from "../../project/environment.ts";
import { isTrackedByGit } from "../../project/git.ts";
import { KEYS_FOLDER, STORED_SECRETS_FILE } from "../../project/secrets.ts";
import { errorText, UserError } from "../../util/errors.ts";
import { parseJsonFile, readText } from "../../util/files.ts";
import { shellQuoted } from "../../util/text.ts";

import { type CheckedProject, type Finding, failed, passed, skipped, warning } from "./finding.ts";

/** Node, this package, and whether there is SQLite for the log. */
export async function nodeFindings({ context, config }: CheckedProject): Promise<readonly Finding[]> {
  const { packageVersion, needs } = ownPackage(context.packageRoot);
  const versions = `${version}, zoho-hooks ${packageVersion}`;
  if (isOlder(version, needs))
    return [failed("node", `${versions}: too old`, `install Node ${needs} or later: https://nodejs.org`)];
  const { store, forwardTo, routes } = config.settings;
  if (isDatabaseAddress(String(store))) return [passed("node", versions, { package: context.packageRoot })];
  try {
    const { id } = await loadEngine();
    return [passed("node", versions, { SQLite: id, package: context.packageRoot })];
  } catch (error) {
    const remedy = error instanceof UserError ? error.hint : undefined;
    // Without a log `listen` saves nothing, and cannot forward.
    const isNeeded = forwardTo.length > 0 || routes.length > 0;
    if (store === false && !isNeeded) return [passed("node", versions)];
    return [(isNeeded ? failed : warning)("node", `${versions}: ${errorText(error)}`, remedy)];
  }
}

function ownPackage(root: string): { readonly packageVersion: string; readonly needs: string } {
  const path = join(root, "package.json");
  const { version: packageVersion, engines } = parseJsonFile(readText(path) ?? "{}", path) as {
    readonly version: string;
    readonly engines: { readonly node: string };
  };
  return { packageVersion, needs: engines.node.replace(/^>=/, "") };
}

function isOlder(current: string, needed: string): boolean {
  const parts = (text: string): readonly number[] => text.replace(/^v/, "").split(".").map(Number);
  const wanted = parts(needed);
  const difference =
    parts(current)
      .map((part, i) => part - (wanted[i] ?? 0))
      .find((each) => each !== 0) ?? 0;
  return difference < 0;
}

/** Files with secrets or deliveries that others may read, and a `.env` that Git publishes. */
export async function permissionFindings({ context, config }: CheckedProject): Promise<readonly Finding[]> {
  const { root, settings } = config;
  const env = join(root, ENV_FILE);
  const isFile = settings.store !== false && !isDatabaseAddress(settings.store);
  const log = isFile ? resolve(root, String(settings.store)) : undefined;
  const files = [hasSecrets(env) ? env : undefined, log].filter((each) => each !== undefined && existsSync(each));
  const found = files as readonly string[];
  const kept = [STORED_SECRETS_FILE, join(KEYS_FOLDER, "private.pem")].map((path) => join(root, path));
  const secrets = [...(hasSecrets(env) ? [env] : []), ...kept.filter((path) => existsSync(path))];
  const named = (path: string): string => relative(root, path) || path;
  const loose = geteuid === undefined ? [] : found.filter(isLoose);
  const findings = [
    ...loose.map((path) =>
      warning("permissions", `other users can read ${named(path)}`, `chmod 600 ${shellQuoted(named(path))}`),
    ),
    ...secrets
      .filter((path) => isTrackedByGit(context, path))
      .map((path) =>
        warning(
          "permissions",
          `Git tracks ${named(path)}, so everyone with the repository has its secrets`,
          `git rm --cached ${shellQuoted(named(path))}, add it to .gitignore, and replace its secrets`,
        ),
      ),
  ];
  if (findings.length > 0) return findings;
  if (geteuid === undefined) return [skipped("permissions", "not checked: Windows has no modes")];
  if (found.length === 0) return [passed("permissions", "no file with secrets or deliveries yet")];
  return [passed("permissions", `${found.map(named).join(", ")}: yours alone`)];
}

function hasSecrets(path: string): boolean {
  try {
    return Object.keys(readEnvFile(path)).some((name) => /^(?:ZOHO|NGROK)_/.test(name));
  } catch {
    // The settings report why it cannot be read.
    return false;
  }
}

/** Windows drives that are mounted under Linux show 0777 for every file. */
function isLoose(path: string): boolean {
  const mode = statSync(path).mode & 0o777;
  return (mode & 0o077) !== 0 && mode !== 0o777;
}
