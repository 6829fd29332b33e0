import { createHash } from "node:crypto";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readDatabaseAddress, serverText } from "../body/database-address.ts";
import type { Secret } from "../body/secret.ts";
import { type Destination, type Source, sendingOf, USER } from "../body/source.ts";
import { portOf, targetUrl } from "../body/target-url.ts";
import type { Context } from "../context.ts";
import { parseRoute } from "../core/event-names.ts";
import { maskSetting } from "../core/mask.ts";
import type { Product } from "../core/product.ts";
import type { ImportModule } from "../runtime.ts";
import { usageError } from "../util/errors.ts";
import { isLocalUrl, isSafeWithoutTls } from "../util/hosts.ts";
import { findLink, isAbove, isOutside } from "../util/links.ts";
import { oneLine } from "../util/text.ts";
import {
  approve,
  approveSending,
  askOnce,
  hasAnswer,
  hasApproved,
  type Needed,
  reportOnce,
  requireYes,
} from "./approvals.ts";
import { ENV_FILE } from "./environment.ts";
import { type Config, clonedPlace, foreignPlace, isProjectLog, isStoreInProject, loadConfig, logName } from "./load.ts";
import { settingName } from "./readers.ts";
import { describe, flagOf, wayToSet } from "./setting-texts.ts";
import { CONFIG_FILE, type Settings } from "./settings.ts";

/**
 * A project may be a stranger's clone, so its config file and `.env` decide only some things by themselves. Each command
 * names the settings that it uses. A flag, the environment and the user's own config file may set anything.
 */
type Decision = "allowed" | "reported" | NeedsUser;

interface NeedsUser {
  /** What the value would do, for the question and the error. */
  readonly effect: string;
  /** What the user's answer holds for, besides the value. */
  readonly scope?: unknown;
}

/** How a command uses the settings. */
interface Use {
  /** The absolute URLs that it sends to. */
  readonly targets?: readonly string[];
  /** The absolute URLs that it sends to at the receiver's own address, without listening there. */
  readonly atReceiver?: readonly string[];
  /** For Zoho to post to the public URL: what the project has set of the sign-in, as the yes to one account is none to another. */
  readonly registers?: readonly unknown[];
  /** Of its tunnel. */
  readonly authtoken?: Secret;
}

type Rule<K extends keyof Settings> = (value: Settings[K], config: Config, use: Use) => Decision;

const allowed = (): Decision => "allowed";
const reportedIf = (isReported: boolean): Decision => (isReported ? "reported" : "allowed");
/** By default of deliveries, which are the user's. */
const sending = (needed: NeedsUser, to: Destination, value: Source = USER): Decision =>
  sendingOf(value, to) === "needsUser" ? needed : "allowed";

const RULES: { readonly [K in keyof Settings]: Rule<K> } = {
  products: productsDecision,
  port: allowed,
  host: (host, _, { atReceiver }) => {
    if (atReceiver !== undefined)
      return atReceiver.every(isLocalUrl) ? "allowed" : { effect: leaves(atReceiver), scope: serversOf(atReceiver) };
    return host === "::1" || isSafeWithoutTls(host) ? "allowed" : { effect: "other machines could reach the receiver" };
  },
  maxBody: allowed,
  schema: (schema) => reportedIf(schema === "off"),
  onInvalid: (onInvalid) => reportedIf(onInvalid === "warn"),
  tolerance: allowed,
  events: allowed,
  allowIp: allowed,
  allowZohoIps: reportedIf,
  allowUnsigned: (ids) => reportedIf(ids.length > 0),
  forwardTo: (targets, { sourceOf }) => targetsDecision(targets, sourceOf("forwardTo")),
  routes: (routes, { sourceOf }) =>
    targetsDecision(
      routes.map((text) => parseRoute(text, "routes").target),
      sourceOf("routes"),
    ),
  respond(respond, { settings: { forwardTo, routes } }, { authtoken }) {
    if (respond !== "mirror" || authtoken === undefined) return "allowed";
    const effect = `your app's answers would go to a tunnel whose owner, by ${authtoken.origin}, sees the traffic`;
    return sending({ effect, scope: [authtoken.reveal(), forwardTo, routes] }, authtoken);
  },
  retries: allowed,
  retryBase: allowed,
  concurrency: allowed,
  ordered: allowed,
  forwardTimeout: allowed,
  insecure: isInsecureAllowed,
  store: (_, config) => storeDecision(config),
  keep: (_, config) => pruneDecision(config),
  maxLog: (_, config) => pruneDecision(config),
  tunnel: () => "reported",
  domain: () => "reported",
  publicUrl: (_, { sourceOf }, { registers: scope }) =>
    scope === undefined
      ? "reported"
      : sending({ effect: "Zoho would post your records to it", scope }, { source: sourceOf("publicUrl") }),
  tunnelTimeout: () => "reported",
  ngrokServerAddr: (_, config) => ingressDecision(config, "ngrokServerAddr"),
  ngrokRootCas: (_, config) => ingressDecision(config, "ngrokRootCas"),
};

const DELIVERIES = "deliveries, with their tokens and signatures,";

/** Names the servers that are connected to: a URL can be written so that another host is read first. */
function leaves(urls: readonly string[]): string {
  return `${DELIVERIES} would leave this machine, to ${serversOf(urls)}`;
}

function serversOf(urls: readonly string[]): string {
  const servers = urls.map((url) => (URL.canParse(url) ? `${new URL(url).hostname}:${portOf(url)}` : maskSetting(url)));
  return [...new Set(servers)].join(", ");
}

/**
 * Reports or refuses the values of these settings that are the project's own. In a terminal it asks, and remembers a yes in
 * the user's folder. Throws a usage error without a terminal, and after a no.
 */
export async function checkProjectSettings(
  context: Context,
  config: Config,
  keys: readonly (keyof Settings)[],
  use: Use = {},
): Promise<void> {
  await requireApproval(context, config, keys, use);
  const reported: (keyof Settings)[] = [];
  for (const key of keys) {
    const isReported = decide(config, key, use) === "reported";
    if (isReported && !(await hasApproved(context, config.root, ownSetting(config, key)))) reported.push(key);
  }
  reportOwn(context, config, reported);
}

/** The same without the report, for commands that the reported values do not concern. */
export async function requireApproval(
  context: Context,
  config: Config,
  keys: readonly (keyof Settings)[],
  use: Use = {},
): Promise<void> {
  for (const key of keys) {
    if (key === "products") rejectForeignProducts(context, config);
    const decision = decide(config, key, use);
    if (typeof decision !== "string") await requireYes(context, config.root, needed(config, key, decision));
  }
}

/** Before something is sent to URLs that `to` stands for: without a host in it, they have that of the settings. */
export async function checkReceiverHost(
  context: Context,
  config: Config,
  to: string | undefined,
  atReceiver: readonly string[],
): Promise<void> {
  if (to === undefined || to.trim().startsWith("/")) await requireApproval(context, config, ["host"], { atReceiver });
}

/** The user has just written these with `init`: nothing is asked about them, or reported, until they change. */
export async function approveOwnSettings(context: Context, written: Partial<Settings>): Promise<void> {
  const config = loadConfig(context);
  for (const key of ["allowUnsigned", "forwardTo"] as const) {
    // A project's `.env` precedes its config file, and may have come with a clone.
    const isWritten = config.origins[key] === join(context.cwd, CONFIG_FILE);
    if (!isWritten || JSON.stringify(config.settings[key]) !== JSON.stringify(written[key])) continue;
    const decision = decide(config, key, {});
    if (decision === "allowed") continue;
    const approved = decision === "reported" ? ownSetting(config, key) : needed(config, key, decision);
    await approve(context, config.root, approved);
  }
}

function ownSetting({ settings }: Config, key: keyof Settings) {
  return { key: `set ${key}`, value: [settings[key]] };
}

/** Code of a project is reported when it is first run: once for each file. */
export function reportingImport(context: Context, { root, importModule }: Config): ImportModule {
  return async (url) => {
    const path = fileURLToPath(url);
    const message = `runs ${oneLine(path)}, which is code of this project`;
    await reportOnce(context, root, `code ${relative(root, path)}`, message);
    return importModule(url);
  };
}

/** What has no proof passes without a check. */
export function reportUnsignedFormats(
  { report }: Context,
  { sourceOf, origins, settings }: Config,
  products: readonly Product[],
): void {
  const chosen = Object.entries(sourceOf("products") === USER ? {} : settings.products).filter(([id, { format }]) =>
    products.some(
      (product) => product.id === id && product.formats.find((each) => each.id === format)?.proofs.length === 0,
    ),
  );
  if (chosen.length === 0) return;
  const texts = chosen.map(([id, { format }]) => `products.${id}.format is ${format}`);
  report({
    type: "notice",
    message: `set by this project: ${texts.join("; ")} in ${oneLine(origins.products)}, which is never signed`,
  });
}

/** Targets of a replay that only the log names, which may have come with the project. */
export async function checkLoggedTargets(context: Context, config: Config, targets: readonly string[]): Promise<void> {
  const log = logName(config);
  for (const target of targets) {
    const to = { source: isProjectLog(config) ? log : USER, isSafe: isLocalUrl(target) };
    await approveSending(context, config.root, USER, to, () => ({
      key: `target ${createHash("sha256").update(target).digest("hex").slice(0, 16)}`,
      value: [target],
      reason: `the event log ${log} names the target ${maskSetting(target)}: ${leaves([target])}`,
      way: "use --to",
    }));
  }
}

interface Limits {
  readonly keep?: number | undefined;
  readonly maxLog?: number | undefined;
}

/** The limits for pruning. Those of a project prune another log than its own only if the user has said so. */
export async function pruneLimits(context: Context, config: Config, flags: Limits = {}) {
  const limit = async (key: keyof Limits): Promise<number | undefined> => {
    const decision = decide(config, key, {});
    if (flags[key] !== undefined || typeof decision === "string") return flags[key] ?? config.settings[key];
    if (await askOnce(context, config.root, needed(config, key, decision))) return config.settings[key];
    const message = `${settingName(key, config.origins[key])} is not applied: ${decision.effect}`;
    context.report({ type: "warning", message, hint: `give ${flagOf(key)} yourself to prune this log` });
    return undefined;
  };
  return { keepMs: await limit("keep"), maxBytes: await limit("maxLog") };
}

/** Reports variables of these names that the project's `.env` sets in vain. */
export function reportIgnored({ report }: Pick<Context, "report">, config: Config, names: RegExp): void {
  const ignored = config.ignoredVariables.filter((name) => names.test(name));
  if (ignored.length === 0) return;
  const message = `${ignored.join(", ")} in ${join(config.root, ENV_FILE)}: ignored, since only the environment may set it`;
  report({ type: "notice", message });
}

export const PROXY_VARIABLES = /_proxy$/i;

function decide<K extends keyof Settings>(config: Config, key: K, use: Use): Decision {
  const { settings, sourceOf } = config;
  const isOwn = sourceOf(key) !== USER || (key === "store" && isStoreInProject(config));
  return isOwn ? RULES[key](settings[key], config, use) : "allowed";
}

type ProductsConfig = Pick<Config, "root"> & { readonly origins: Pick<Config["origins"], "products"> };

/** Schemas and product folders outside the project, or behind a link, may be code of anyone's. */
function productsDecision(products: Settings["products"], config: ProductsConfig): Decision {
  const outside = productPaths(products, config).filter((path) => isOutside(config.root, path));
  if (outside.length === 0) return reportedIf(Object.values(products).some(({ auth }) => auth !== undefined));
  return {
    effect: `${outside.map((path) => placeText(config, path)).join(", ")} would be used from outside the project`,
    scope: outside.map((path) => clonedPlace(config.root, path)),
  };
}

function productPaths(products: Settings["products"], { origins }: ProductsConfig): readonly string[] {
  const paths = Object.values(products).flatMap(({ path, schema }) => [path ?? [], schema ?? []].flat());
  return paths.map((path) => resolve(dirname(origins.products), path));
}

/** In a folder that others may write to, the product that the user's own config names may be theirs. */
function rejectForeignProducts(context: Context, config: Config): void {
  for (const path of productPaths(config.settings.products, config)) {
    const foreign = foreignPlace(context, config.root, path);
    if (foreign === undefined) continue;
    throw usageError(
      `${foreign} belongs to another user, so it is not used as a product or schema`,
      "if it is meant for you, change its owner to you (chown); or copy it into your own project folder",
    );
  }
}

/**
 * The products of a project, for what must not ask: without those outside it, unless the user has said yes to them. Until
 * there is an answer, nothing outside the project is touched: on Windows its path may be a server's.
 */
export async function approvedProducts(
  context: Context,
  products: Settings["products"],
  config: ProductsConfig,
): Promise<Settings["products"]> {
  const paths = (entry: Settings["products"][string]) => productPaths({ entry }, config);
  const own = Object.entries(products).filter(([, entry]) =>
    paths(entry).every((path) => foreignPlace(context, config.root, path) === undefined),
  );
  const inside = own.filter(([, entry]) => paths(entry).every((path) => !isOutside(config.root, path)));
  if (inside.length < own.length && (await hasAnswer(context, config.root, "products"))) {
    const decision = productsDecision(products, config);
    const scope = typeof decision === "string" ? undefined : decision.scope;
    if (await hasApproved(context, config.root, { key: "products", value: [products, scope] }))
      return Object.fromEntries(own);
  }
  return Object.fromEntries(inside);
}

/** By the text of the host: what a name resolves to may change at any time. */
function targetsDecision(targets: readonly string[], source: Source): Decision {
  const urls = targets.map((target) => targetUrl(target, "crm", { host: "localhost", port: 3000 }));
  const remote = urls.filter((url) => !isLocalUrl(url));
  return sending({ effect: leaves(remote) }, { source, isSafe: remote.length === 0 });
}

function isInsecureAllowed(insecure: boolean, _: Config, { targets = [] }: Use): Decision {
  const hosts = [...new Set(targets.filter((each) => !isLocalUrl(each)).map((each) => new URL(each).host))];
  if (!insecure || hosts.length === 0) return "allowed";
  return { effect: `any server could pass for ${hosts.join(", ")}, since certificates are not checked`, scope: hosts };
}

/** With a root certificate of a project's choice, any server passes for ngrok and receives the user's authtoken. */
function ingressDecision({ env, sourceOf }: Config, key: keyof Settings): Decision {
  const value = env.NGROK_AUTHTOKEN === undefined ? USER : sourceOf("NGROK_AUTHTOKEN");
  const effect = "it would send your ngrok authtoken to another server than ngrok's";
  return sending({ effect }, { source: sourceOf(key) }, value);
}

/** The files of a log: the database, the lock, and what SQLite has beside both. */
const LOG_SUFFIXES = ["", "-lock"].flatMap((file) => ["", "-wal", "-shm", "-journal"].map((own) => file + own));

function storeDecision(config: Config): Decision {
  const { settings, origins } = config;
  if (isOnServer(settings.store)) {
    const server = readDatabaseAddress(settings.store, settingName("store", origins.store));
    const password = server.password === "" ? "" : " and the password of the address,";
    const effect = `${DELIVERIES}${password} would go to the server ${oneLine(serverText(server))}`;
    return { effect, scope: serverText(server) };
  }
  const reason = foreignReason(config);
  if (reason === undefined) return "allowed";
  return { effect: `${reason}, so the event log may be another project's`, scope: logPlaces(config) };
}

function pruneDecision(config: Config): Decision {
  const effect = foreignReason(config);
  return effect === undefined ? "allowed" : { effect, scope: logPlaces(config) };
}

/** Why the log may belong to another project; undefined where it is the project's own. */
function foreignReason(config: Config): string | undefined {
  const { root, settings } = config;
  const { store } = settings;
  if (store === false) return undefined;
  if (isOnServer(store)) return "it is on a server";
  const path = resolve(root, store);
  const files = LOG_SUFFIXES.map((suffix) => path + suffix);
  if (isAbove(root, path)) {
    const linked = files.find((file) => clonedPlace(root, file) !== file);
    return `${placeText(config, linked ?? path)} is outside the project`;
  }
  const link = files.map((file) => findLink(root, file)).find((each) => each !== undefined);
  return link === undefined ? undefined : `${link} is a link to ${oneLine(clonedPlace(root, link))}`;
}

/** A path, and where links of the clone lead it. */
function placeText({ root }: Pick<Config, "root">, path: string): string {
  const place = clonedPlace(root, path);
  return oneLine(place === path ? path : `${path} (a link leads to ${place})`);
}

const isOnServer = (store: string | false): store is string => /^[a-z][a-z0-9+.-]+:\/\//i.test(String(store));

/** Where the files of the log really are: a yes does not hold for another target of the same link. */
function logPlaces({ root, settings: { store } }: Config): readonly string[] {
  return LOG_SUFFIXES.map((suffix) => clonedPlace(root, resolve(root, String(store)) + suffix));
}

function needed(config: Config, key: keyof Settings, { effect, scope }: NeedsUser): Needed {
  const { settings } = config;
  // The real path: one through a link in the project would be refused again.
  const store = isOnServer(settings.store) ? settings.store : (logPlaces(config)[0] ?? settings.store);
  const reason = `${describe(config, key)}: ${effect}`;
  return { key, value: [settings[key], scope], reason, way: wayToSet({ ...settings, store }, key) };
}

function reportOwn({ report }: Context, config: Config, keys: readonly (keyof Settings)[]): void {
  if (keys.length === 0) return;
  const message = `set by this project: ${keys.map((key) => describe(config, key)).join("; ")}`;
  report({ type: "notice", message });
}
