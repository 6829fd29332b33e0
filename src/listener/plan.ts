import { LoopFinder, loopText } from "../forward/loops.ts";
import type { Role } from "../log/log.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import { eventPatterns } from "../model/event-names.ts";
import { projectProducts, warnOfUnknownVariables } from "../own-products/project-products.ts";
import { loadConfig } from "../project/load.ts";
import { flagSettings, type SettingOptions, type Settings, settingName } from "../project/settings.ts";
import { addressList } from "../receiver/evaluate.ts";
import type { TunnelChoice } from "../tunnel/open-tunnel.ts";
import { usageError } from "../util/errors.ts";
import { parseRunTime } from "../util/units.ts";
import { localKeySet } from "../zoho-api/key-sets.ts";
import { usesLocalZoho } from "../zoho-api/session.ts";
import type { ListenContext } from "./lines.ts";
import { checkNamedEvents } from "./named-events.ts";
import { readRegistrations } from "./registrations.ts";
import { createTally, openDrift, parseExpectation } from "./tally.ts";
import { type RunRoutes, runRoutes } from "./targets.ts";
import { chooseRunTunnel } from "./tunnel-part.ts";

export interface ListenOptions extends SettingOptions {
  readonly channel?: readonly string[];
  readonly expand?: boolean;
  readonly route?: readonly string[];
  readonly expect?: readonly string[];
  readonly timeout?: string;
  readonly exec?: string;
  readonly onFailed?: string;
  readonly showSecrets?: boolean;
  readonly ui?: boolean;
  readonly keys?: boolean;
  readonly role?: string;
  readonly admin?: string;
  readonly junit?: string;
}

export type Plan = Awaited<ReturnType<typeof readPlan>>;

/** Reads and checks the flags and settings, before anything is opened. */
export async function readPlan(context: ListenContext, target: string | undefined, options: ListenOptions) {
  const flags = flagSettings(options, target);
  const config = loadConfig(context, { flags, needsSecrets: true });
  const { settings } = config;
  const role = readRole(options);
  const tally = createTally((options.expect ?? []).map(parseExpectation));
  if (options.ui === true && settings.store === false) throw noLog();
  if (options.exec?.trim() === "")
    throw usageError("--exec is empty", "name a command line, such as --exec 'npm test'");
  if (options.onFailed?.trim() === "")
    throw usageError("--on-failed is empty", "name a command line, such as --on-failed ./alert.sh");
  if (options.junit !== undefined && options.expect === undefined && options.exec === undefined)
    throw usageError("--junit has no results to write without --expect or --exec");
  const products = await projectProducts(config);
  const unknownNames = warnOfUnknownVariables(context, config, products);
  const shown = eventPatterns(settings.events);
  const registerName = settingName("register", config.origins.register);
  const registrations =
    role === "deliver"
      ? []
      : readRegistrations(context, products, [
          { name: registerName, texts: settings.register },
          { name: "--channel", texts: options.channel ?? [], product: "crm" },
        ]);
  checkNamedEvents(context, config, products, { expect: options.expect, registrations });
  const drift = openDrift(context, config, products);
  const usesDefault = options.timeout === undefined && options.expect !== undefined && options.exec === undefined;
  const timeout = usesDefault ? EXPECT_TIMEOUT : options.timeout;
  const allowed = settings.allowIp.length === 0 ? undefined : addressList(settings.allowIp);
  const keySet = localKeySet(config.secrets, products);
  const isZohoLocal = await usesLocalZoho(context, config);
  const choice: TunnelChoice =
    role === "deliver" ? { kind: "none", wanted: false } : await chooseRunTunnel(context, config, isZohoLocal);
  if (registrations.length > 0 && choice.kind === "none" && !isZohoLocal)
    throw noPublicUrl(options.channel === undefined ? registerName : "--channel");
  const routes = runRoutes(config, shown, products);
  checkRole(role, settings, routes);
  if (options.onFailed !== undefined && (routes.empty || role === "receive"))
    throw usageError(
      "--on-failed has nothing to report: this run forwards nothing",
      "name your app: a port, host:port or URL",
    );
  return {
    options,
    role,
    /** Other processes may use the log, too. */
    isShared: isDatabaseAddress(String(settings.store)),
    flags,
    config,
    products,
    unknownNames,
    shown,
    tally,
    drift,
    loops: new LoopFinder((loop) => {
      context.report({ type: "warning", message: loopText(loop), hint: `${context.invocation} help loops` });
    }),
    timeoutMs: timeout === undefined ? undefined : parseRunTime(timeout, "--timeout"),
    timeoutNote: usesDefault ? `Without --timeout, --expect waits ${EXPECT_TIMEOUT}.` : undefined,
    allowed,
    keySet,
    choice,
    registrations,
    isZohoLocal,
    routes,
    limits: { keepMs: settings.keep, maxBytes: settings.maxLog },
  };
}

/** A misspelt event would otherwise make a CI job wait forever. With --exec it counts from the end of the program. */
export const EXPECT_TIMEOUT = "60s";

function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
}

/** Flags of the receiver, and of what Zoho posts to it: they have no effect without one. */
const OF_RECEIVER: readonly (keyof ListenOptions)[] = [
  "port",
  "host",
  "publicUrl",
  "tunnel",
  "domain",
  "register",
  "channel",
  "expand",
  "expect",
  "exec",
  "junit",
  "respond",
];

function readRole(options: ListenOptions): Role {
  const { role = "both" } = options;
  if (role !== "receive" && role !== "deliver" && role !== "both")
    throw usageError(`--role: ${JSON.stringify(role)} is not one of receive, deliver, both`);
  const useless = OF_RECEIVER.find((key) => options[key] !== undefined);
  if (role === "deliver" && useless !== undefined)
    throw usageError(`${flagOf(useless)} does nothing with --role deliver, which opens no receiver`);
  return role;
}

/** Throws a usage error for a role that these settings leave without a purpose. */
function checkRole(role: Role, { store, respond }: Settings, routes: RunRoutes): void {
  if (role === "both") return;
  if (role === "receive") {
    if (respond === "mirror" && !routes.empty)
      throw usageError("--respond mirror needs your app's answer, and --role receive sends it nothing");
    if (store === false && !routes.empty)
      throw usageError("--role receive leaves deliveries in the event log for others, and --no-store keeps none");
    return;
  }
  if (!isDatabaseAddress(String(store)))
    throw usageError(
      "--role deliver needs an event log that several processes share: only one writes a SQLite log",
      "name a shared one with --store postgres://…, or leave --role out",
    );
  if (routes.empty)
    throw usageError("--role deliver needs a target", "name your app: a port, host:port or URL, or --forward-to");
}

function noPublicUrl(name: string): Error {
  return usageError(
    `${name} needs a public URL for Zoho to post to, and this run has none`,
    "use --tunnel cloudflared, which needs no account, set NGROK_AUTHTOKEN for one of ngrok, or use your own: --public-url https://…",
  );
}

export function noLog(): Error {
  return usageError("the inspector shows the event log, and this run has none", "start listen without --no-store");
}
