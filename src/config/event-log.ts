import { isAbsolute, relative, resolve, sep } from "node:path";
import type { Context } from "../context.ts";
import { usageError } from "../util/errors.ts";
import { findLink } from "../util/files.ts";
import { shellQuoted } from "../util/text.ts";
import type { Config } from "./load.ts";
import { settingName } from "./readers.ts";

/** The log and what SQLite and the lock write beside it. */
const SUFFIXES = ["", "-wal", "-shm", "-journal", "-lock"];

/**
 * Throws a usage error where the project, which may be a stranger's clone, chooses a log that may be another project's. A
 * flag, the environment and the user's own config file may name any.
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

/** What the log is pruned to. `keep` and `maxLog` of a project are for its own log: of another one they would delete deliveries. */
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

/** Why the log is not the project's own; undefined where it is. */
function foreignReason({ root, settings: { store } }: Config): string | undefined {
  if (store === false) return undefined;
  const path = resolve(root, store);
  const way = relative(root, path);
  if (isAbsolute(way) || way.split(sep)[0] === "..") return `${path} is outside the project`;
  const link = SUFFIXES.map((suffix) => findLink(root, path + suffix)).find((each) => each !== undefined);
  return link === undefined ? undefined : `${link} is a link`;
}
