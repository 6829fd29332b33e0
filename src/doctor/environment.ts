import { existsSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { geteuid, version } from "node:process";
import { type Found, failed, passed, skipped, warned } from "../checks/finding.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import { loadEngine } from "../log/sqlite/engine.ts";
import { ENV_FILE, readEnvFile } from "../project/environment.ts";
import { isTrackedByGit } from "../project/git.ts";
import { KEYS_FOLDER, STORED_SECRETS_FILE } from "../project/secrets.ts";
import { errorText, UserError } from "../util/errors.ts";
import { parseJsonFile, readText } from "../util/files.ts";
import { shellQuoted } from "../util/text.ts";
import type { CheckedProject } from "./project.ts";

/** Node, this package, and whether there is SQLite for the log. An older Node than it needs starts no command. */
export async function checkNode({ context: { packageRoot }, config }: CheckedProject): Promise<Found> {
  const manifest = join(packageRoot, "package.json");
  const own = parseJsonFile(readText(manifest) ?? "{}", manifest) as { readonly version: string };
  const versions = `${version}, zoho-hooks ${own.version}`;
  const { store, forwardTo, routes } = config.settings;
  if (isDatabaseAddress(String(store))) return passed(versions, { package: packageRoot });
  try {
    return passed(versions, { SQLite: (await loadEngine()).id, package: packageRoot });
  } catch (error) {
    // Without a log `listen` saves nothing, and cannot forward.
    const isNeeded = forwardTo.length > 0 || routes.length > 0;
    if (store === false && !isNeeded) return passed(versions);
    const remedy = error instanceof UserError ? error.hint : undefined;
    return (isNeeded ? failed : warned)(`${versions}: ${errorText(error)}`, remedy);
  }
}

/** Files with secrets or deliveries that others may read, and a `.env` that Git publishes. */
export async function checkPermissions({ context, config }: CheckedProject): Promise<readonly Found[]> {
  const { root, settings } = config;
  const store = String(settings.store);
  const env = hasSecrets(join(root, ENV_FILE)) ? [join(root, ENV_FILE)] : [];
  const log = settings.store === false || isDatabaseAddress(store) ? [] : [resolve(root, store)];
  const stored = [STORED_SECRETS_FILE, join(KEYS_FOLDER, "private.pem")].map((path) => join(root, path));
  const named = (path: string): string => relative(root, path) || path;
  const found = [...env, ...log].filter((path) => existsSync(path));
  const findings = [
    ...found
      .filter(isLoose)
      .map((path) => warned(`other users can read ${named(path)}`, `chmod 600 ${shellQuoted(named(path))}`)),
    ...[...env, ...stored.filter((path) => existsSync(path))]
      .filter((path) => isTrackedByGit(context, path))
      .map((path) =>
        warned(
          `Git tracks ${named(path)}, so everyone with the repository has its secrets`,
          `git rm --cached ${shellQuoted(named(path))}, add it to .gitignore, and replace its secrets`,
        ),
      ),
  ];
  if (findings.length > 0) return findings;
  if (geteuid === undefined) return [skipped("not checked: Windows has no modes")];
  if (found.length === 0) return [passed("no file with secrets or deliveries yet")];
  return [passed(`${found.map(named).join(", ")}: yours alone`)];
}

function hasSecrets(path: string): boolean {
  try {
    return Object.keys(readEnvFile(path)).some((name) => /^(?:ZOHO|NGROK)_/.test(name));
  } catch {
    // The settings report why it cannot be read.
    return false;
  }
}

/** Windows has no modes, and its drives show 0777 for every file where they are mounted under Linux. */
function isLoose(path: string): boolean {
  const mode = statSync(path).mode & 0o777;
  return geteuid !== undefined && (mode & 0o077) !== 0 && mode !== 0o777;
}
