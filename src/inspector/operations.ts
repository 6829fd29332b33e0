import { existsSync } from "node:fs";
import { join } from "node:path";
import { CHANNELS_FILE } from "../channels/channels-file.ts";
import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { maskSetting } from "../delivery/mask.ts";
import { type AppPaths, appPaths, webhookPath } from "../delivery/paths.ts";
import { CREDENTIAL_VARIABLES, type Secrets } from "../delivery/secrets.ts";
import { checkTarget, originOf, portOf, targetName } from "../delivery/target.ts";
import { isListening } from "../forward/app-health.ts";
import { createRoutes } from "../forward/routes.ts";
import { entryEvent, hiddenSecrets } from "../history/entry.ts";
import { type FilterOptions, readFilter } from "../history/filter.ts";
import { lockOwner } from "../history/running-listener.ts";
import type { LockOwner, LogEntry, LogFilter, LogListOptions, LogRow, WaitingCount } from "../log/log.ts";
import { rowOf } from "../log/row-of.ts";
import { eventNames, parseRoute } from "../model/event-names.ts";
import { defaultFirst, defaultFormat, type Format, type Product } from "../model/product.ts";
import { type Operation, operations } from "../operations/index.ts";
import type { Outcome } from "../operations/outcome.ts";
import { perform } from "../operations/perform.ts";
import type { Door } from "../operations/workspace.ts";
import { projectProducts } from "../own-products/project-products.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import type { Settings } from "../project/settings.ts";
import { findReceiver } from "../receiver/routes.ts";
import { failureTexts } from "../reports/failure.ts";
import { isSignature, signingOf } from "../samples/prepare.ts";
import { usageError } from "../util/errors.ts";
import { isLocalUrl } from "../util/hosts.ts";
import { cachedFor } from "../util/timing.ts";
import { readActivity } from "./activity.ts";
import {
  type EventDetails,
  type EventPage,
  type EventRow,
  type Failure,
  type Fault,
  type ProductEntry,
  type ReplayRequest,
  type SendRequest,
  SPANS,
  type Span,
  type State,
} from "./api.ts";
import { editedBody } from "./edited-body.ts";
import { eventDetails, eventRow } from "./rows.ts";
import type { SharedLog } from "./shared-log.ts";
import type { EventSource } from "./stream.ts";
import { type ApiCall, errorWithMembers, withMembers } from "./v1.ts";

interface OperationsOptions {
  readonly config: Config;
  /** Taken before all other settings. */
  readonly flags: Readonly<Partial<Settings>>;
  readonly log: SharedLog;
  readonly showSecrets: boolean;
  /** Number of the newest delivery when the `listen` of this inspector began; undefined outside of one. */
  readonly startedAfter?: number | undefined;
}

/** A page of the list, newest first: the events before a number, filtered as by `events list`. */
export interface EventQuery extends FilterOptions {
  readonly before?: number;
  readonly limit: number;
}

export type Operations = ReturnType<typeof createOperations>;

/** The calls of the inspector. Each reads the settings anew: they may change while it runs. */
export function createOperations(context: Context, options: OperationsOptions) {
  const { log, flags, showSecrets, startedAfter } = options;
  const clock = () => performance.now();
  // Counting a week of 100,000 events takes half a second: as often as a bar grows visibly.
  const activityOf = (span: Span) =>
    cachedFor(Math.max(2000, SPANS[span].periodMs / 60), clock, () => readActivity(log, span, context.now()));
  const activities = { "1h": activityOf("1h"), "1d": activityOf("1d"), "7d": activityOf("7d") };
  // Folders of products may change while the inspector runs. Read as often as a person could notice.
  const products = cachedFor(1000, clock, async () =>
    projectProducts(loadConfig(context, { flags }), { schemas: false }),
  );
  const toRows = async (): Promise<(row: LogRow) => EventRow> => {
    // The list is shown even where the settings cannot be read.
    const known = await products().catch(() => []);
    return (row) => eventRow(known, row, showSecrets);
  };
  const entryOf = (n: number) => log.use((open) => open.get(n), undefined);
  // Tips are shown once, as on a terminal.
  const own = overrideContext(context, { json: false });
  // `replayInputs` checks the target that the page names. Others are the project's own.
  const door: Door = { showSecrets, flags };
  const run = <Input>(operation: Operation<Input>, input: Input): Promise<Outcome> =>
    perform(own, operation, input, door);
  const hidden = hiddenSecrets(context, { showSecrets });
  /** Whoever has the token sends only to this machine and to the targets of the project. */
  const doorOfPrograms: Door = {
    ...door,
    runDeliveries: startedAfter === undefined ? undefined : { startedAfter, removedUpTo: 0 },
    requireReachable(url) {
      const origins = configuredTargets(loadConfig(context, { flags }))
        .filter((target) => URL.canParse(target))
        .map(originOf);
      if (isLocalUrl(url) || origins.includes(originOf(url))) return;
      throw usageError(
        `${originOf(url)} is neither this machine nor a target of this project`,
        "the API sends nowhere else: use zoho-hooks send or replay with --to, or set forwardTo in the settings",
      );
    },
  };
  const eventSource: EventSource = {
    log,
    toRows: async (rows) => rows.map(await toRows()),
    state: () => readState(context, options),
  };
  return {
    source: eventSource,
    async list({ before, limit, ...filter }: EventQuery, signal: AbortSignal): Promise<EventPage> {
      const wanted = { ...readFilter(filter, context.now(), await products()), before };
      const rows = await listRows(log, await toRows(), wanted, { limit: limit + 1, signal });
      return { events: rows.slice(0, limit), more: rows.length > limit };
    },
    activity: (span: Span) => activities[span](),
    /** Undefined for an event that has been pruned or never existed. */
    async details(n: number): Promise<EventDetails | undefined> {
      const entry = await entryOf(n);
      const row = await rowOf(log, n);
      if (entry === undefined || row === undefined) return undefined;
      const known = await products();
      return eventDetails(known, entry, eventRow(known, row, showSecrets), hidden);
    },
    async body(n: number) {
      const entry = await entryOf(n);
      if (entry === undefined) return undefined;
      const { body, logged } = entryEvent(await products(), entry, hidden);
      const name = `event-${n}${logged.cutTo === undefined ? "" : "-cut"}${logged.masked ? "-masked" : ""}.bin`;
      return { name, bytes: body };
    },
    async products(): Promise<readonly ProductEntry[]> {
      const { secrets, settings } = loadConfig(context, { flags, onFault() {} });
      return (await products()).map((product) => productEntry(product, secrets, appPaths(settings.paths)));
    },
    /** An operation that reads, with its input as its schema has read it. */
    run,
    /** The answer to a program, which ends with the signal. Errors and notes name members of the call, never flags. */
    async answer(call: ApiCall, input: unknown, ended: AbortSignal): Promise<Outcome> {
      const signal = AbortSignal.any([context.signal, ended]);
      try {
        const outcome = await perform(overrideContext(own, { signal }), call.operation, input, doorOfPrograms);
        return { ...outcome, notes: outcome.notes.map((note) => withMembers(call, note)) };
      } catch (error) {
        throw errorWithMembers(call, error);
      }
    },
    async replay(request: ReplayRequest): Promise<Outcome> {
      const outcomes: Outcome[] = [];
      for (const input of await replayInputs(context, options, request))
        outcomes.push(await run(operations.replay, input));
      return {
        ok: outcomes.every(({ ok }) => ok),
        lines: outcomes.flatMap(({ lines }) => lines),
        notes: outcomes.flatMap(({ notes }) => notes),
      };
    },
    send: (request: SendRequest) => run(operations.send, sendInput(request)),
    /** An error as the user reads it. */
    failure(error: unknown): Failure {
      const { message, hint = null } = failureTexts(error, context);
      return { error: message, hint };
    },
  };
}

function productEntry(product: Product, secrets: Secrets, paths: AppPaths): ProductEntry {
  const credentials = new Set(defaultFormat(product)?.proofs.map(({ credential }) => credential));
  return {
    id: product.id,
    name: product.title,
    path: webhookPath(product.id, paths),
    secrets: Array.from(credentials, (credential) => ({
      name: CREDENTIAL_VARIABLES[credential],
      set: secrets.for(credential, product.id).length > 0,
    })),
    formats: defaultFirst(product).map((format) => ({
      id: format.id,
      source: format.source,
      signing: signingOf(format, product.id, secrets),
      fault: faultOf(format),
      events: eventNames(format),
    })),
  };
}

function faultOf({ proofs }: Format): Fault | null {
  if (proofs.some(isSignature)) return "badSignature";
  return proofs.length > 0 ? "badToken" : null;
}

async function listRows<T>(
  log: SharedLog,
  toRow: (row: LogRow) => T,
  filter: LogFilter,
  list: LogListOptions,
): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const row of log.rows(filter, { ...list, onDamaged() {} })) found.push(toRow(row));
  return found;
}

/** One for each target, or one for all. The page knows target and body with their secrets masked: they get them back. */
async function replayInputs(
  context: Context,
  { log, flags, showSecrets }: OperationsOptions,
  { n, to, body, failed }: ReplayRequest,
) {
  const entry = await log.use((open) => open.get(n), undefined);
  if (entry === undefined) throw usageError(`there is no event #${n}`, "it may have been pruned");
  const edited = body === undefined ? undefined : editedBody(entry, body, hiddenSecrets(context, { showSecrets }));
  const config = loadConfig(context, { flags });
  const targets: (string | undefined)[] = to === undefined ? [] : [allowedTarget(context, config, to, entry)];
  if (to === undefined && failed) {
    const { failedTargets } = await import("../send/replay.ts");
    targets.push(...failedTargets(entry));
  }
  if (targets.length === 0) targets.push(undefined);
  return targets.map((target) => ({ n, to: target, body: edited }));
}

/** A page sends only to this machine and to what the settings, the flags of `listen` or the log name. */
function allowedTarget({ knownSecrets }: Context, config: Config, to: string, entry: LogEntry): string {
  const { product, event, url, forwards, attempts } = entry;
  // The page knows targets with their secrets masked, and those of the log without.
  const isIt = (target: string): boolean =>
    [target, knownSecrets.mask(maskSetting(target)), targetName(target)].includes(to);
  const configured = configuredTargets(config).find(isIt);
  const logged = [...forwards, ...attempts].map(({ target }) => target).find(isIt);
  const target = configured ?? logged ?? to;
  checkTarget(target, "to");
  const remote = createRoutes({ forwardTo: [target], routes: [], paths: [] })
    .targetsOf(product, event, url)
    .filter((each) => !isLocalUrl(each));
  if (remote.length === 0 || (configured ?? logged) !== undefined) return target;
  throw usageError(
    `${remote.map(maskSetting).join(", ")} is neither this machine nor a target of this project`,
    `the inspector sends nowhere else: use zoho-hooks replay ${entry.n} --to, or set forwardTo in the settings`,
  );
}

/** As they are written in the settings. */
function configuredTargets({ settings: { forwardTo, routes } }: Config): readonly string[] {
  return [...new Set([...forwardTo, ...routes.map((text) => parseRoute(text, "routes").target)])];
}

function sendInput({ product, event, format, fault, preview }: SendRequest) {
  return {
    product,
    event,
    format,
    bad_signature: fault === "badSignature",
    bad_token: fault === "badToken",
    dry_run: preview,
  };
}

async function readState(
  context: Context,
  { config: start, flags, log, showSecrets }: OperationsOptions,
): Promise<State> {
  const config = loadConfig(context, { flags, onFault() {} });
  await rememberChannelTokens(context, config);
  // Of the log that is shown, whatever the settings name by now.
  const owner = await lockOwner(start).catch(() => undefined);
  const url = owner?.url;
  const waiting = await log.use((open) => open.queue.waiting(), []);
  const failed = await listRows(log, (row) => row, { only: ["failed"] }, { limit: MAX_FAILED });
  return {
    project: config.root,
    receiver: url === undefined ? null : { url, public_url: url.startsWith("https:") ? url : null },
    targets: configuredTargets(config).map(maskSetting),
    apps: await localApps(config, owner, waiting),
    waiting: waiting.reduce((sum, each) => sum + each.waiting, 0),
    failed: failed.length,
    channels: await activeChannels(context, config, url),
    show_secrets: showSecrets,
    invocation: context.invocation,
  };
}

/** More are not worth the time to count them. */
const MAX_FAILED = 100;

/** An app elsewhere is not called every few seconds for as long as a page is open. */
async function localApps(
  { settings }: Config,
  owner: LockOwner | undefined,
  waiting: readonly WaitingCount[],
): Promise<State["apps"]> {
  const { url = "" } = owner ?? {};
  // A `listen` in another terminal may have been given its target there.
  const running = isLocalUrl(url) ? await findReceiver(new URL(url).hostname, portOf(url)) : undefined;
  const configured = createRoutes(settings).all([]).keys();
  const targets = [...configured, ...(running?.targets ?? []), ...waiting.map(({ target }) => target)];
  const origins = [...new Set(targets.filter(isLocalUrl).map(originOf))];
  return Promise.all(origins.map(async (origin) => ({ origin, up: await isListening(origin) })));
}

/** The channels of this project's listeners, and those that post to where it receives. Loaded only where there are any. */
async function activeChannels(
  context: Context,
  { root, settings }: Config,
  url: string | undefined,
): Promise<State["channels"]> {
  const folder = context.userFolder;
  if (!existsSync(join(folder, CHANNELS_FILE))) return [];
  const { allRemembered, isActive } = await import("../channels/memory.ts");
  const { isOrphaned } = await import("../channels/orphaned-channels.ts");
  const { contractEvents } = await import("../channels/events.ts");
  const now = context.now();
  const origins = [url, settings.publicUrl].flatMap((each) => (each === undefined ? [] : originOf(each)));
  const own = (await allRemembered(folder).catch(() => [])).filter(({ ofListener, project, notifyUrl }) =>
    ofListener ? project === root : origins.includes(originOf(notifyUrl)),
  );
  return Promise.all(
    own
      .filter((each) => isActive(each, now))
      .map(async (each) => ({
        id: each.id,
        events: contractEvents(each.events),
        expires_at: each.expiresAt?.toISOString() ?? null,
        orphaned: await isOrphaned(each, folder, now),
      })),
  );
}
