import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { type Found, failed, passed, skipped, warned } from "../checks/finding.ts";
import { maskSetting } from "../delivery/mask.ts";
import { originOf } from "../delivery/target.ts";
import { isDatabaseAddress, lockOwnerAt, readStoreStatus, tryStore } from "../log/open-log.ts";
import { rejectLinkedIgnore } from "../log/sqlite/database.ts";
import { loadEngine } from "../log/sqlite/engine.ts";
import { type LogHealth, readHealth } from "../log/sqlite/health.ts";
import { isLocked, isStillLocked } from "../log/sqlite/lock.ts";
import { logPlace } from "../project/load.ts";
import { storeKeyOf } from "../project/secret-variables.ts";
import { STORE_KEY } from "../project/variables.ts";
import { errorCode, UserError } from "../util/errors.ts";
import { isLink } from "../util/links.ts";
import { shellQuoted } from "../util/text.ts";
import { counted, formatAge, formatBytes } from "../util/units.ts";
import { type CheckedProject, fromError } from "./project.ts";

/** The event log: readable, undamaged, small enough, ready to be written, and with a target for all that waits in it. */
export async function checkLog(
  project: CheckedProject,
  hasTarget: (target: string) => boolean,
): Promise<readonly Found[]> {
  const { context, config, listener } = project;
  const { root, settings, origins } = config;
  if (settings.store === false) {
    // Deliveries wait for the app in a temporary log.
    const isNeeded = settings.forwardTo.length > 0 || settings.routes.length > 0;
    const fault = isNeeded ? writeFault(tmpdir(), "set TMPDIR to a folder that you can write to") : undefined;
    return [fault ?? passed(`off: store is false (${origins.store})`)];
  }
  if (isDatabaseAddress(settings.store)) return checkServer(project, hasTarget);
  const path = resolve(root, settings.store);
  const name = relative(root, path).startsWith("..") ? path : relative(root, path);
  if (!existsSync(path)) return [await checkMissing(project, path, name)];
  try {
    const health = await readHealth(path);
    await lockOwnerAt(logPlace(config));
    if (listener === undefined && isLocked(await loadEngine(), realpathSync(path)))
      return [failed(`another process has locked ${name}`, "stop that one, or use another log with ZOHO_HOOKS_STORE")];
    const fault = writeFault(dirname(realpathSync(path)));
    return [fault ?? checkSize(project, name, health), ...checkWaiting(context.invocation, health.waiting, hasTarget)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.code === "log-missing") return [passed(`${name} is empty: listen will write to it`)];
    // Without SQLite there is no log, which the line about Node says.
    if (error.code === "log-unavailable") return [skipped("not read: there is no SQLite")];
    return [fromError(error, error.code === "log-locked" && listener !== undefined ? "warning" : "failed")];
  }
}

/** Checks a log on a server, and whether what its receivers share can be read here. Changes neither. */
async function checkServer(
  { context, config }: CheckedProject,
  hasTarget: (target: string) => boolean,
): Promise<readonly Found[]> {
  const place = logPlace(config);
  const storeKey = storeKeyOf(config);
  const needsKey = await tryStore(place, context.now, storeKey).catch((error: unknown) => {
    if (errorCode(error) !== "log-missing") throw error;
    return undefined;
  });
  if (needsKey === undefined) return [passed(`none yet in ${maskSetting(place.store)}: listen will create it`)];
  const { path, serverVersion, bytes, receivers, waiting } = await readStoreStatus(place, context.now);
  const key = storeKey === "" ? "not set: Mail's webhooks and --channel need it" : "set";
  const running = counted(receivers.length, "process receives or delivers", "processes receive or deliver");
  const text = `PostgreSQL ${serverVersion}, ${formatBytes(bytes)}; ${running}`;
  const details = { log: path, [STORE_KEY]: key };
  const unread = `${text}; what receivers share cannot be read, so listen here accepts deliveries that others reject`;
  const counts = waiting.map((each) => ({ target: each.target, count: each.waiting }));
  return [
    needsKey
      ? warned(unread, `set the ${STORE_KEY} of the other receivers in the environment`, details)
      : passed(text, details),
    ...checkWaiting(context.invocation, counts, hasTarget),
  ];
}

async function checkMissing({ listener }: CheckedProject, path: string, name: string): Promise<Found> {
  const engine = await loadEngine().catch(() => undefined);
  // Its own lock keeps another listen from starting.
  if (engine !== undefined && isStillLocked(engine, path))
    return failed(`${name} was deleted under a process that still has it open`, "stop that process, then start listen");
  let folder = dirname(path);
  while (!existsSync(folder) && !isLink(folder)) folder = dirname(folder);
  rejectLinkedIgnore(dirname(path));
  const fault = writeFault(folder);
  if (fault !== undefined) return { ...fault, text: `${name} cannot be created: ${fault.text}` };
  // It may have another log, or none: the line about listen says whether it can record.
  return listener === undefined ? passed(`none yet: listen creates ${name}`) : skipped(`there is no ${name}`);
}

const PROBE_BYTES = 65_536;

/**
 * Why nothing can be written to a folder: a file is written there, and deleted. Neither a mode, which root ignores, nor the kind
 * of a file system would tell.
 */
function writeFault(
  folder: string,
  remedy = "make it writable, or use another log with ZOHO_HOOKS_STORE",
): Found | undefined {
  let probe: string | undefined;
  try {
    probe = mkdtempSync(join(folder, ".zoho-hooks-doctor-"));
    writeFileSync(join(probe, "probe"), Buffer.alloc(PROBE_BYTES));
    return undefined;
  } catch (error) {
    const isFull = errorCode(error) === "ENOSPC" || errorCode(error) === "EDQUOT";
    return isFull
      ? failed(`there is no room left in ${folder}`, "make room on that disk")
      : failed(`${folder} is not writable`, remedy);
  } finally {
    if (probe !== undefined) rmSync(probe, { recursive: true, force: true });
  }
}

function checkSize({ context, config }: CheckedProject, name: string, health: LogHealth): Found {
  const { bytes, deliveries, lastAt, isChecked } = health;
  const { maxLog } = config.settings;
  const size = `${formatBytes(bytes)} of ${formatBytes(maxLog)}`;
  // listen prunes it to the limit, and its journal comes on top.
  if (bytes > maxLog * 1.2) return warned(`${size}: it is larger than maxLog`, `${context.invocation} events prune`);
  const age =
    lastAt === undefined ? "" : `, the last ${formatAge(Math.max(0, context.now().getTime() - lastAt.getTime()))} ago`;
  const details = isChecked ? { file: name } : { file: name, checked: "not each page, since it is large" };
  return passed(`${counted(deliveries, "delivery", "deliveries")}${age}; ${size}`, details as Found["details"]);
}

/** Finds deliveries that no run will send: their target is no longer in the settings. */
function checkWaiting(
  invocation: string,
  waiting: LogHealth["waiting"],
  hasTarget: (target: string) => boolean,
): readonly Found[] {
  return waiting
    .filter(({ target }) => !hasTarget(target))
    .map(({ target, count }) => {
      const wait = counted(count, "delivery waits", "deliveries wait");
      const shown = maskSetting(target);
      const text = `${wait} for ${shown}, which no setting names`;
      const giveUp = `${invocation} events prune --give-up ${shellQuoted(originOf(target))}`;
      return {
        id: "log.waiting",
        ...warned(text, `${invocation} listen --forward-to ${shellQuoted(shown)}, or ${giveUp}`),
      };
    });
}
