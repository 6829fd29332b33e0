import { isAbsolute, relative, resolve, sep } from "node:path";
import type { Context } from "../context.ts";
import { usageError } from "../util/errors.ts";
import { findLink } from "../util/files.ts";
import { shellQuoted } from "../util/text.ts";
import type { Config } from "./load.ts";
import { settingName } from "./readers.ts";

/** The files of a log: the database, SQLite's own and the lock. */
const SUFFIXES = ["", "-wal", "-shm", "-journal", "-lock"];

/**
 * Throws a usage error where the project's own config, which may have come with a clone, names a log outside the project. A
 * flag, the environment and the user's config file may name any log.
 */
export function rejectForeignLog({ invocation }: Pick<Context, "invocation">, config: Config): void {
  const { settings, origins, isFromProject } = config;
  if (origins.store !== "default" && !isFromProject("store")) return;
  const reason = foreignReason(config);
  if (reason === undefined) return;
  const source = isFromProject("store") ? ` (${settingName("store", origins.store)})` : "";
  throw usageError(
    `${reason}, so the event log may be another project's${source}`,
    `to use it, name it yourself: ${invocation} listen --store ${shellQuoted(String(settings.store))} (also a flag of events, replay, verify and types; for other commands set ZOHO_HOOKS_STORE)`,
  );
}

interface Limits {
  readonly keep?: number | undefined;
  readonly maxLog?: number | undefined;
}

/** The limits for pruning. A project's own `keep` and `maxLog` never delete deliveries from the log of another project. */
export function pruneLimits({ report }: Pick<Context, "report">, config: Config, flags: Limits = {}) {
  const { settings, origins, isFromProject } = config;
  const reason = foreignReason(config);
  const limit = (key: keyof Limits, flag: string): number | undefined => {
    if (flags[key] !== undefined || reason === undefined || !isFromProject(key)) return flags[key] ?? settings[key];
    const message = `${settingName(key, origins[key])} is not applied: ${reason}`;
    report({ type: "warning", message, hint: `give ${flag} yourself to prune this log` });
    return undefined;
  };
  return { keepMs: limit("keep", "--keep"), maxBytes: limit("maxLog", "--max-log") };
}

/** Why the log may belong to another project; undefined where it is the project's own. */
function foreignReason({ root, settings: { store } }: Config): string | undefined {
  if (store === false) return undefined;
  const path = resolve(root, store);
  const fromRoot = relative(root, path);
  if (isAbsolute(fromRoot) || fromRoot.split(sep)[0] === "..") return `${path} is outside the project`;
  const link = SUFFIXES.map((suffix) => findLink(root, path + suffix)).find((each) => each !== undefined);
  return link === undefined ? undefined : `${link} is a link`;
}
