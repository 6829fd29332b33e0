import { resolve } from "node:path";
import { maskUrl } from "../delivery/mask.ts";
import type { LockOwner, Role, WaitingCount } from "../log/log.ts";
import { createStore, isDatabaseAddress, lockOwnerAt, openLogAt, readStoreStatus } from "../log/open-log.ts";
import { logBytes } from "../log/sqlite/health.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig, logPlace } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import type { Time } from "../util/json-line.ts";
import { timeOf } from "../util/json-line.ts";
import { formatAge, formatBytes } from "../util/units.ts";
import type { Define } from "./command.ts";
import { addStoreFlag } from "./flags/log.ts";

/** The event log. @printedBy store status */
export interface StoreLine {
  readonly type: "store";
  /** Its address without the password, or its path. */
  readonly log: string;
  /** Null for a SQLite file. */
  readonly server_version: string | null;
  readonly bytes: number;
  readonly receivers: readonly ReceiverMembers[];
  readonly waiting: readonly WaitingMembers[];
}

interface ReceiverMembers {
  readonly pid: number;
  readonly host: string | null;
  readonly role: Role;
  readonly url: string | null;
  readonly since: Time;
}

interface WaitingMembers {
  readonly target: string;
  readonly count: number;
  readonly oldest_at: Time | null;
}

/** The tables of a shared log were created. @printedBy store init */
export interface StoreInitLine {
  readonly type: "store_init";
  /** Its address without the password. */
  readonly log: string;
  /** False: it existed. */
  readonly created: boolean;
}

interface StoreOptions {
  readonly store?: string;
}

export const define: Define = (command, act) => {
  const example = (name: string) => examples(`zoho-hooks store ${name} --store postgres://zoho@db.example.com/hooks`);
  command.addHelpText("before", example("status")).addHelpText("after", HELP);
  const child = (name: string, description: string) =>
    addStoreFlag(command.command(name)).description(description).addHelpText("before", example(name));
  child("init", "Create the event log in a PostgreSQL database, or upgrade an older one.").action(act(init));
  child("status", "Show the server, who receives and delivers, what waits, and the size.").action(act(status));
};

const HELP = `
listen creates the log itself if its database user may. Otherwise, have the owner of the database run init once, and
again when a new version has another log format: receivers and workers only need to read and write the tables.`;

async function init(context: Context, options: StoreOptions): Promise<ExitCode> {
  const { config, store } = await openConfig(context, options);
  if (!isDatabaseAddress(store))
    throw usageError(
      `${resolve(config.root, store)} is a file: listen creates it by itself`,
      "to use a shared log: --store postgres://host/database",
    );
  const { path, done } = await createStore(logPlace(config));
  const json: StoreInitLine = { type: "store_init", log: path, created: done === "created" };
  context.report({ type: "text", text: `The event log ${path} ${DONE[done]}.\n`, prose: true, json });
  return ExitCode.ok;
}

const DONE = {
  created: "was created",
  upgraded: "was upgraded to the format of this version",
  unchanged: "exists already",
};

async function status(context: Context, options: StoreOptions): Promise<ExitCode> {
  const { config, store } = await openConfig(context, options);
  const found = isDatabaseAddress(store)
    ? await readStoreStatus(logPlace(config), context.now)
    : await statusOfFile(context, config);
  const { path, serverVersion, bytes, receivers, waiting } = found;
  const nowMs = context.now().getTime();
  const server =
    serverVersion === undefined ? "none: a SQLite file, which one process writes" : `PostgreSQL ${serverVersion}`;
  const receiverTexts = receivers.map((each) => receiverText(each, nowMs));
  const waitingTexts = waiting.map((each) => waitingText(each, nowMs));
  const line: StoreLine = {
    type: "store",
    log: path,
    server_version: serverVersion ?? null,
    bytes,
    receivers: receivers.map(({ pid, host = null, role = "both", url = null, since }) => ({
      pid,
      host,
      role,
      url,
      since: since.toJSON(),
    })),
    waiting: waiting.map(({ target, waiting: count, oldestAt }) => ({
      target: maskUrl(target),
      count,
      oldest_at: timeOf(oldestAt),
    })),
  };
  context.report({
    type: "table",
    columns: ["event log", path],
    rows: [
      ["server", server],
      ["size", formatBytes(bytes)],
      ...list("receivers", receiverTexts),
      ...list("waiting", waitingTexts),
    ],
    json: [line],
  });
  return ExitCode.ok;
}

async function openConfig(context: Context, options: StoreOptions) {
  const config = loadConfig(context, { flags: { store: options.store } });
  const { store } = config.settings;
  if (store === false)
    throw usageError(`there is no event log here: the setting store is false (${config.origins.store})`);
  return { config, store };
}

/** Reads the state of a log in a file. */
async function statusOfFile({ now }: Context, config: Config) {
  const owner = await lockOwnerAt(logPlace(config));
  const log = await openLogAt(logPlace(config), { now, create: false });
  try {
    const waiting = await log.queue.waiting();
    const bytes = logBytes(log.path);
    const receivers = owner === undefined ? [] : [owner];
    return { path: log.path, serverVersion: undefined, bytes, receivers, waiting };
  } finally {
    await log.close();
  }
}

/** The first with its name, the others below it. */
function list(name: string, texts: readonly string[]): readonly (readonly string[])[] {
  return (texts.length === 0 ? ["none"] : texts).map((text, i) => [i === 0 ? name : "", text]);
}

function receiverText({ pid, host, role = "both", url, since }: LockOwner, nowMs: number): string {
  const place = host === undefined ? "" : ` on ${host}`;
  return `${role}: process ${pid}${place}${url === undefined ? "" : `, ${maskUrl(url)}`}, for ${formatAge(nowMs - since.getTime())}`;
}

function waitingText({ target, waiting, oldestAt }: WaitingCount, nowMs: number): string {
  const age = oldestAt === undefined ? "" : `, the oldest for ${formatAge(Math.max(0, nowMs - oldestAt.getTime()))}`;
  return `${waiting} for ${maskUrl(target)}${age}`;
}
