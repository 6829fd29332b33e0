import { accessSync, constants, existsSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { maskSetting } from "../../delivery/mask.ts";
import { originOf } from "../../delivery/target-url.ts";
import { isDatabaseAddress, readStoreStatus } from "../../log/open-log.ts";
import { type LogHealth, readHealth } from "../../log/sqlite/health.ts";
import { logPlace } from "../../project/load.ts";
import { STORE_KEY } from "../../project/variables.ts";
import { UserError } from "../../util/errors.ts";
import { shellQuoted } from "../../util/text.ts";
import { counted, formatAge, formatBytes } from "../../util/units.ts";
import { type CheckedProject, type Finding, failed, fromError, passed, skipped, warning } from "./finding.ts";

/** The event log: readable, undamaged, small enough, and with a target for all that waits in it. */
export async function logFindings(
  project: CheckedProject,
  hasTarget: (target: string) => boolean,
): Promise<readonly Finding[]> {
  const { context, config } = project;
  const { root, settings } = config;
  if (settings.store === false) return [passed("log.health", `off: store is false (${config.origins.store})`)];
  if (isDatabaseAddress(settings.store)) return serverFindings(project, hasTarget);
  const path = resolve(root, settings.store);
  const name = relative(root, path).startsWith("..") ? path : relative(root, path);
  if (!existsSync(path)) return [missingFinding(path, name)];
  let health: LogHealth;
  try {
    health = await readHealth(path);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.code === "log-missing") return [passed("log.health", `${name} is empty: listen will write to it`)];
    // Without SQLite there is no log, which the line about Node says.
    if (error.code === "log-unavailable") return [skipped("log.health", "not read: there is no SQLite")];
    return [fromError("log.health", error, error.code === "log-locked" ? "warning" : "failed")];
  }
  return [sizeFinding(project, name, health), ...strandedFindings(context.invocation, health.waiting, hasTarget)];
}

/** A log on a server, and whether what its receivers share can be read here. */
async function serverFindings(
  { context, config }: CheckedProject,
  hasTarget: (target: string) => boolean,
): Promise<readonly Finding[]> {
  try {
    const { path, serverVersion, bytes, receivers, waiting } = await readStoreStatus(logPlace(config), context.now);
    const key = context.env[STORE_KEY] === undefined ? "not set: Mail's webhooks and --channel need it" : "set";
    const running = counted(receivers.length, "process receives or delivers", "processes receive or deliver");
    const text = `PostgreSQL ${serverVersion}, ${formatBytes(bytes)}; ${running}`;
    const counts = waiting.map((each) => ({ target: each.target, count: each.waiting }));
    return [
      passed("log.health", text, { log: path, [STORE_KEY]: key }),
      ...strandedFindings(context.invocation, counts, hasTarget),
    ];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [fromError("log.health", error)];
  }
}

function missingFinding(path: string, name: string): Finding {
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return passed("log.health", `none yet: listen creates ${name}`);
  } catch {
    return failed(
      "log.health",
      `${name} cannot be created: ${folder} is not writable`,
      "make it writable, or use another log with --store",
    );
  }
}

function sizeFinding({ context, config }: CheckedProject, name: string, health: LogHealth): Finding {
  const { bytes, deliveries, lastAt, isChecked } = health;
  const { maxLog } = config.settings;
  const size = `${formatBytes(bytes)} of ${formatBytes(maxLog)}`;
  // listen prunes it to the limit, and its journal comes on top.
  if (bytes > maxLog * 1.2)
    return warning("log.health", `${size}: it is larger than maxLog`, `${context.invocation} events prune`);
  const age =
    lastAt === undefined ? "" : `, the last ${formatAge(Math.max(0, context.now().getTime() - lastAt.getTime()))} ago`;
  return passed("log.health", `${counted(deliveries, "delivery", "deliveries")}${age}; ${size}`, {
    file: name,
    ...(isChecked ? {} : { checked: "not each page, since it is large" }),
  });
}

/** What no run will send: it waits for a target that the settings no longer have. */
function strandedFindings(
  invocation: string,
  waiting: LogHealth["waiting"],
  hasTarget: (target: string) => boolean,
): readonly Finding[] {
  return waiting
    .filter(({ target }) => !hasTarget(target))
    .map(({ target, count }) => {
      const origin = shellQuoted(originOf(target));
      const wait = counted(count, "delivery waits", "deliveries wait");
      return warning(
        "log.waiting",
        `${wait} for ${maskSetting(target)}, which no setting names`,
        `${invocation} listen --forward-to ${shellQuoted(maskSetting(target))}, or ${invocation} events prune --give-up ${origin}`,
      );
    });
}
