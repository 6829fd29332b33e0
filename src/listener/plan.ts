import { eventNames, eventPattern, eventPatterns, isNamed, nearest, patternParts } from "../contract/event-names.ts";
import type { Format, Product } from "../contract/product.ts";
import {
  patternProducts,
  projectProducts,
  warnOfMistypedModules,
  warnOfUnknownVariables,
} from "../custom/project-products.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import type { Context } from "../project/context.ts";
import { givenSecrets } from "../project/given-secrets.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { flagSettings, type Settings } from "../project/settings.ts";
import { type AddressList, addressList, GUIDE_RANGES } from "../receiver/evaluate.ts";
import type { TunnelChoice } from "../tunnel/open-tunnel.ts";
import { usageError } from "../util/errors.ts";
import { parseRunTime } from "../util/units.ts";
import { localKeySet } from "../zoho-api/key-sets.ts";
import { runRoutes } from "./forwarding.ts";
import type { ListenOptions, ZohoFlags } from "./options.ts";
import { checkRole, readRole } from "./role.ts";
import { createTally, openDrift, parseExpectation } from "./tally.ts";
import { chooseRunTunnel } from "./tunnel.ts";

export type Plan = Awaited<ReturnType<typeof readPlan>>;

/** Reads and checks the flags and settings, before anything is opened. */
export async function readPlan(context: Context, target: string | undefined, options: ListenOptions) {
  const flags = flagSettings(options, target);
  const given = await givenSecrets(context, options);
  const config = loadConfig(context, { flags, secrets: given });
  const { settings } = config;
  const role = readRole(options);
  const tally = createTally((options.expect ?? []).map(parseExpectation));
  if (options.ui === true && settings.store === false) throw noLog();
  if (options.exec?.trim() === "")
    throw usageError("--exec is empty", "name a command line, such as --exec 'npm test'");
  const products = await projectProducts(context, { config });
  const unknownNames = warnOfUnknownVariables(context, config, products);
  const shown = eventPatterns(settings.events);
  const named = namedEvents(config, options);
  warnOfUnknownEvents(context, products, named);
  warnOfMistypedModules(context, products, [...named.map(({ text }) => text), ...channelPatterns(options)]);
  const drift = openDrift(context, config, products);
  const usesDefault = options.timeout === undefined && options.expect !== undefined && options.exec === undefined;
  const timeout = usesDefault ? EXPECT_TIMEOUT : options.timeout;
  const allowed = allowedAddresses(settings);
  const keySet = options.serveJwks === true ? localKeySet(config.secrets, products) : undefined;
  const choice: TunnelChoice =
    role === "deliver" ? { kind: "none", wanted: false } : await chooseRunTunnel(context, config);
  const usesZoho = needsZoho(options, choice);
  const routes = runRoutes(config, shown, products);
  checkRole(role, config, routes);
  const isShared = isDatabaseAddress(String(settings.store));
  const limits = { keepMs: settings.keep, maxBytes: settings.maxLog };
  return {
    options,
    role,
    /** Other processes may use the log, too. */
    isShared,
    flags,
    /** Those that were named with flags. */
    givenSecrets: given,
    config,
    products,
    unknownNames,
    shown,
    tally,
    drift,
    timeoutMs: timeout === undefined ? undefined : parseRunTime(timeout, "--timeout"),
    timeoutNote: usesDefault ? `Without --timeout, --expect waits ${EXPECT_TIMEOUT}.` : undefined,
    allowed,
    keySet,
    choice,
    usesZoho,
    routes,
    limits,
  };
}

/** A misspelt event would otherwise make a CI job wait for ever. With --exec it counts from the end of the program. */
export const EXPECT_TIMEOUT = "60s";

/** An event or a pattern of events that the user has written. */
interface NamedEvents {
  readonly text: string;
  /** The flag, or the setting and where it is set. */
  readonly where: string;
  /** The consequence if there is no such event; undefined where that is an error. */
  readonly effect: string | undefined;
}

/** The events that flags and settings name. */
function namedEvents({ settings, origins }: Config, { expect = [] }: ListenOptions): readonly NamedEvents[] {
  const named = (where: string, texts: readonly string[], effect?: string): readonly NamedEvents[] =>
    texts.map((text) => ({ where, text: text.replace(/=.*$/s, ""), effect }));
  const source = (flag: string, key: "events" | "routes"): string =>
    origins[key] === "flag" ? flag : `${key} in ${origins[key]}`;
  const { routes, events } = settings;
  return [
    ...named("--expect", expect),
    ...named(source("--route", "routes"), routes, "the route applies only if an event of that name arrives"),
    ...named(source("--events", "events"), listed(events), "--events shows and forwards only events of that name"),
  ];
}

function channelPatterns({ channel = [], product = "crm" }: ListenOptions): readonly string[] {
  return listed(channel).map((text) => `${product}:${text}`);
}

function listed(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(",")).map((text) => text.trim());
}

/**
 * A mistyped event would never arrive. An unknown product is an error; an unknown event may be the user's own, except where
 * a run waits for it.
 */
function warnOfUnknownEvents(context: Context, products: readonly Product[], patterns: readonly NamedEvents[]): void {
  for (const { text, where, effect } of patterns) {
    const named = patternProducts(products, text, where);
    const { product: id, event: name } = patternParts(text);
    const formats = named.flatMap((each) => each.formats);
    const isGlob = /[*?]/.test(text);
    if (formats.some((format) => (isGlob ? mayMatch(format, name) : isNamed(format, name, id === undefined)))) continue;
    if (isGlob) {
      context.report({ type: "warning", message: `no known event matches ${name}; an unknown event still could` });
      continue;
    }
    const [near] = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
    if (effect === undefined)
      throw usageError(
        `${where} ${text}: there is no event ${name}`,
        near === undefined
          ? `zoho-hooks products lists the events; to wait for one that it does not list, use a pattern: '${text}*'`
          : `did you mean ${near}?`,
      );
    context.report({
      type: "warning",
      message: `there is no known event ${name}: ${effect}`,
      ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    });
  }
}

/** Whether a pattern matches an event of a format, or could match one of a family such as `<Module>.create`. */
function mayMatch(format: Format, pattern: string): boolean {
  const { matches } = eventPattern(pattern);
  if (eventNames(format).some((name) => matches(undefined, name))) return true;
  const [first = ""] = pattern.toLowerCase().split(/[*?]/, 1);
  const last = pattern.toLowerCase().split(/[*?]/).at(-1) ?? "";
  return format.events.some(({ name }) => {
    const [before = "", after] = name.toLowerCase().split(/<[a-z]+>/);
    if (after === undefined) return false;
    const begins = before.startsWith(first) || first.startsWith(before);
    return begins && (after.endsWith(last) || last.endsWith(after));
  });
}

function allowedAddresses({ allowIp, allowZohoIps }: Settings): AddressList | undefined {
  const ranges = [...allowIp, ...(allowZohoIps ? GUIDE_RANGES : [])];
  return ranges.length === 0 ? undefined : addressList(ranges);
}

/** Whether a run needs Zoho's API. Decided before anything is opened, so that contradictory flags cost no port. */
function needsZoho({ channel, expand, ...rest }: ZohoFlags, choice: TunnelChoice): boolean {
  if (channel !== undefined && choice.kind === "none") {
    throw usageError(
      "--channel needs a public URL for Zoho to post to, and this run has none",
      "set NGROK_AUTHTOKEN for a tunnel, or use your own: --public-url https://…",
    );
  }
  if (channel !== undefined || expand === true) return true;
  const useless = { "--profile": rest.profile, "--product": rest.product };
  const [flag] = Object.entries(useless).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw usageError(`${flag} does nothing without --channel or --expand`);
  return false;
}

export function noLog(): Error {
  return usageError("the inspector shows the event log, and this run has none", "start listen without --no-store");
}
