import { join } from "node:path";
import { Option } from "commander";
import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { hiddenSecrets, type MaskOptions } from "../history/entry.ts";
import { createOperations } from "../inspector/operations.ts";
import { type Inspector, openInspector } from "../inspector/server.ts";
import { SharedLog } from "../inspector/shared-log.ts";
import { type InspectorMessage, openPage, type StartMessage } from "../inspector/start.ts";
import type { Context } from "../project/context.ts";
import { type Access, addressOf, apiAt, newToken, openAccesses } from "../project/inspector-access.ts";
import { loadConfig } from "../project/load.ts";
import type { Settings } from "../project/settings.ts";
import { failureTexts } from "../reports/failure.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, errorCode, UserError, usageError } from "../util/errors.ts";
import { onAbort } from "../util/timing.ts";
import { parseInteger } from "../util/units.ts";
import type { Define } from "./command.ts";
import { addStoreFlag, SHOW_SECRETS_FLAG } from "./flags/log.ts";

interface UiOptions extends MaskOptions {
  readonly store?: string;
  readonly port?: string;
  readonly open?: boolean;
  readonly forListen?: boolean;
}

export const define: Define = (command, act) => {
  command
    .option("-p, --port <port>", "port of the page (default: 4470, or the next free one; the same again next time)")
    .option("--open", "open the page in the browser")
    .addOption(new Option("--for-listen").hideHelp());
  addStoreFlag(command)
    .option(...SHOW_SECRETS_FLAG)
    .addHelpText("before", examples("zoho-hooks ui", "zoho-hooks listen 3000 --ui"))
    .addHelpText("after", HELP)
    .action(act(ui));
};

const HELP = `
The page shows the event log of this project, whether or not listen runs. Its address contains a token: whoever knows it
can read and replay the deliveries, so keep it to yourself. Only this machine reaches the page, and secrets are masked in it
unless --show-secrets is given here. It replays only to this machine and to the targets of the settings and of listen.`;

const FIRST_PORT = 4470;
const PORT_COUNT = 30;

async function ui(context: Context, options: UiOptions): Promise<ExitCode> {
  if (options.forListen === true) return serveForListen(context);
  const port = options.port === undefined ? undefined : parseInteger(options.port, "--port", 0, 65_535);
  const flags = options.store === undefined ? {} : { store: options.store };
  const { signal } = context;
  const started = await start(context, {
    flags,
    showSecrets: options.showSecrets === true,
    port,
    onTrouble: (message) => context.report({ type: "warning", message: `the inspector: ${message}` }),
  });
  const { address, isOther } = started;
  context.report({
    type: "text",
    text: `${address}\n`,
    json: { type: "inspector", url: address, api: apiAt(address), already_running: isOther },
  });
  if (isOther && (options.showSecrets === true || port !== undefined)) {
    const message = "the inspector of this project is already running, with its own flags";
    context.report({ type: "warning", message, hint: "stop it first to start it with others" });
  }
  if (options.open === true) openPage(context, address);
  if (isOther) return ExitCode.ok;
  context.report({ type: "notice", message: "the inspector runs until you press Ctrl-C; do not share its address" });
  await new Promise<void>((resolve) => void onAbort(signal, resolve));
  await started.stop();
  return ExitCode.ok;
}

/** The inspector in the process that `listen` has started, which it ends with. */
async function serveForListen(context: Context): Promise<ExitCode> {
  const { parent, signal } = context;
  if (parent === undefined) throw usageError("--for-listen is used by listen --ui alone", "run zoho-hooks ui");
  const message = new Promise<StartMessage>((resolve) => parent.onMessage((each) => resolve(each as StartMessage)));
  // Ctrl-C reaches both processes, and it is listen that decides when it ends.
  const terminated = new Promise<void>((resolve) => {
    onAbort(signal, () => signal.reason === "SIGTERM" && resolve());
  });
  const ended = Promise.race([parent.closed, terminated]);
  const given = await Promise.race([message, ended]);
  if (given === undefined) return ExitCode.ok;
  const answer = (reply: InspectorMessage): void => parent.send(reply);
  try {
    // The output is that of listen.
    const options = { ...given, port: undefined, onTrouble() {}, waitMs: RESTART_MS };
    const { address, isOther, stop } = await start(context, options);
    answer({ type: "ready", address, isOther });
    if (isOther) return ExitCode.ok;
    await ended;
    await stop();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    answer({ type: "failed", ...failureTexts(error, context) });
  }
  return ExitCode.ok;
}

interface StartOptions {
  /** Taken before all other settings. */
  readonly flags: Readonly<Partial<Settings>>;
  readonly showSecrets: boolean;
  /** That of the `listen` that has started it. */
  readonly startedAfter?: number | undefined;
  /** Undefined for the same as last time, or the next free one. */
  readonly port: number | undefined;
  /** Called when the log cannot be read. */
  onTrouble(message: string): void;
  /** How long another inspector of the log may take to end. */
  readonly waitMs?: number;
}

/** An earlier `listen` that was killed takes its inspector with it a moment later. */
const RESTART_MS = 1500;
const LOCK_POLL_MS = 50;

interface Started {
  readonly address: string;
  /** It is another process's. */
  readonly isOther: boolean;
  stop(): Promise<void>;
}

/** Opens the inspector of the project's log, or finds the one that runs. */
async function start(
  context: Context,
  { flags, showSecrets, startedAfter, port, onTrouble, waitMs = 0 }: StartOptions,
): Promise<Started> {
  const config = loadConfig(context, { flags, needsSecrets: true });
  const { store } = config.settings;
  if (store === false) {
    throw usageError(
      `there is no event log to show: the setting store is false (${config.origins.store})`,
      "set store to a path, so that listen writes a log",
    );
  }
  const accesses = openAccesses(context, config);
  let lock = await accesses.lock();
  for (let waited = 0; lock === undefined && waited < waitMs; waited += LOCK_POLL_MS) {
    await context.sleep(LOCK_POLL_MS, context.signal);
    lock = await accesses.lock();
  }
  const own = await accesses.own();
  if (lock === undefined) {
    if (own !== undefined) return { address: addressOf(own), isOther: true, stop: async () => {} };
    throw usageError("another inspector of this project is just starting", "run zoho-hooks ui again");
  }
  const held = lock;
  await rememberChannelTokens(context, config);
  const log = new SharedLog(context, config);
  const stop = async (inspector?: Inspector): Promise<void> => {
    await inspector?.close();
    await log.close();
    await held.release();
  };
  try {
    const operations = createOperations(context, { config, flags, log, showSecrets, startedAfter });
    const open = (access: Access) =>
      openInspector({
        ...access,
        pageFolder: join(context.packageRoot, "dist/inspector"),
        operations,
        mask: (json) => hiddenSecrets(context, { showSecrets })?.maskJson(json) ?? json,
        now: context.now,
        onTrouble,
      });
    const { inspector, token } = await openAtFreePort(open, await candidates(port, own, accesses), own);
    const access = { port: inspector.port, token };
    await accesses.remember(access);
    return { address: addressOf(access), isOther: false, stop: () => stop(inspector) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ports to try: that of the last time, then those that no other inspector had, then any. */
async function candidates(
  port: number | undefined,
  own: Access | undefined,
  accesses: ReturnType<typeof openAccesses>,
): Promise<readonly number[]> {
  if (port !== undefined) return [port];
  const others = await accesses.otherPorts();
  const all = Array.from({ length: PORT_COUNT }, (_, i) => FIRST_PORT + i);
  const free = all.filter((each) => !others.includes(each));
  return [...new Set([...(own === undefined ? [] : [own.port]), ...free, ...all])];
}

/**
 * The token stays as long as the port does: whatever program has the old port now gets the old token from a page that is still
 * open.
 */
async function openAtFreePort(
  open: (access: Access) => Promise<Inspector>,
  ports: readonly number[],
  own: Access | undefined,
): Promise<{ readonly inspector: Inspector; readonly token: string }> {
  let busy: unknown;
  for (const port of ports) {
    const token = own?.port === port ? own.token : newToken();
    try {
      return { inspector: await open({ port, token }), token };
    } catch (error) {
      if (!(error instanceof UserError) || errorCode(error.cause) !== "EADDRINUSE") throw error;
      busy ??= error;
    }
  }
  throw busy;
}
