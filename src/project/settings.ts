import { z } from "zod";
import { MAX_BODY_BYTES } from "../delivery/delivery.ts";
import { maskRoute, maskSetting } from "../delivery/mask.ts";
import { PATHS_HINT } from "../delivery/paths.ts";
import { checkTarget } from "../delivery/target.ts";
import { parseRoute, productId } from "../model/event-names.ts";
import { formatSettings } from "../model/format-settings.ts";
import { isSafeWithoutTls } from "../util/hosts.ts";
import { parseDuration, parseTimeout } from "../util/units.ts";
import { logsElsewhere, outside, type Place, prunesElsewhere, remoteOrigins } from "./needs-trust.ts";
import {
  appPaths,
  bodySize,
  checkEach,
  duration,
  host,
  integer,
  type Kind,
  list,
  logPlace,
  oneOf,
  onOff,
  optional,
  path,
  pemFile,
  routes,
  size,
  targets,
  text,
} from "./setting-kinds.ts";

export const CONFIG_FILE = "zoho-hooks.config.json";
/** The log, samples and keys of a project. */
export const PROJECT_FOLDER = ".zoho-hooks";

interface Row<T> {
  /** Its flag of `listen`, to which the placeholder of its kind is added, and the flag's help, in which `{}` is the default. */
  readonly flag?: readonly [flag: string, help: string];
  /** Its place in a config file, if that is not its own key. */
  readonly path?: readonly string[];
  /** How to write it in a config file, for who has written something else. */
  readonly hint?: string;
  /** Returns the parts of a value that need the user's trust in the folder. */
  reach(value: NonNullable<T>, place: Place): readonly string[];
}

function setting<T>(kind: Kind<T>, fallback: T, row: Row<T>) {
  return { ...kind, ...row, default: fallback };
}

/** A setting without an effect beyond this machine and folder. */
function local<T>(kind: Kind<T>, fallback: T, row: Omit<Row<T>, "reach">) {
  return setting(kind, fallback, { ...row, reach: () => [] });
}

export const TUNNELS = ["ngrok", "cloudflared", "none"] as const;

const WITH_UNIT = 'write it as text with its unit, such as "30s" or "7d"';

/**
 * Every setting, in the order of `config show`. Its variable, its flag (placed by commands/listen/flags.ts), the check of config
 * files, `config show` and the question about trust follow from its row.
 */
const TABLE = {
  products: setting<Readonly<Record<string, ProductEntry>>>(
    { json: () => z.record(z.string(), productSettings()).transform(byProductId) },
    {},
    {
      hint: 'write it as "products": { "crm": {}, "desk": { "format": "wire" } }',
      reach: (products, { root }) =>
        Object.values(products).flatMap(({ path: folder, schema }) =>
          [folder ?? [], schema ?? []].flat().flatMap((each) => outside(root, each)),
        ),
    },
  ),
  port: local(integer(0, 65_535), 4460, {
    flag: ["-p, --port <port>", "port to listen on, 0 for any (default: {}, or the next free one)"],
  }),
  host: setting(host, "127.0.0.1", {
    flag: ["--host <address>", "address to listen on (default: {})"],
    reach: (address) => (address === "::1" || isSafeWithoutTls(address) ? [] : [address]),
  }),
  /** 64 MiB at most. */
  maxBody: local(bodySize, MAX_BODY_BYTES, {}),
  schema: local(oneOf("warn", "enforce", "off"), "warn", {
    flag: [
      "--schema",
      "warn of a body that does not match its schema, or refuse it (default: {}); enforce accepts an unknown event if its envelope is complete, since Zoho adds events",
    ],
  }),
  onInvalid: local(oneOf("reject", "warn"), "reject", {
    flag: ["--on-invalid", "what to do with a delivery whose signature or token is wrong (default: {})"],
  }),
  /** How old a timestamped signature may be. */
  tolerance: local(duration(parseDuration), 300_000, {}),
  events: local(list, [], {
    flag: ["-e, --events <pattern>", "show and forward only these, such as 'crm:Leads.*' (repeatable)"],
  }),
  /** What Zoho is to post here while listen runs: `desk:Ticket_Add,sign:*`. */
  register: setting(list, [], {
    flag: ["--register <events>", "have Zoho post these here, such as desk:Ticket_Add,sign:* (repeatable)"],
    reach: (texts) => texts.flatMap((text) => text.split(",")).flatMap((each) => each.trim() || []),
  }),
  allowIp: local(list, [], {
    flag: ["--allow-ip <range>", "accept only from this address or CIDR range (repeatable)"],
  }),
  allowUnsigned: local(list, [], {
    flag: [
      "--allow-unsigned <products>",
      "accept custom bodies, which these products never sign: crm, recruit (repeatable)",
    ],
  }),
  forwardTo: setting(targets, [], {
    flag: ["-f, --forward-to <target>", "your app: a port, /path or URL (repeatable)"],
    hint: 'write it as "forwardTo": "3000", or a list of such targets',
    reach: remoteOrigins,
  }),
  routes: setting(routes, [], {
    flag: ["--route <event=target>", "a target for some events, such as 'crm:Leads.*=3000/leads' (repeatable)"],
    hint: 'write it as "routes": { "crm:Leads.*": "http://localhost:3000/leads" }',
    reach: (texts) => remoteOrigins(texts.map((each) => parseRoute(each, "routes").target)),
  }),
  paths: local(appPaths, [], { hint: PATHS_HINT }),
  respond: local(oneOf("ack", "mirror"), "ack", {
    flag: ["--respond", "ack: answer at once; mirror: give the sender your app's answer (default: {})"],
  }),
  retries: local(integer(0, 100), 3, { flag: ["--retries", "how often to retry a failed delivery (default: {})"] }),
  /** Pause before the first retry; each later one is twice as long. */
  retryBase: local(duration(parseTimeout), 2000, { hint: WITH_UNIT }),
  /** How many deliveries are sent to the app at the same time. */
  concurrency: local(integer(1, 1000), 16, {}),
  /** How long to wait for the app's answer. */
  forwardTimeout: local(duration(parseTimeout), 30_000, { hint: WITH_UNIT }),
  insecure: setting(onOff, false, {
    flag: ["--insecure", "accept a self-signed certificate from your app"],
    reach: (isInsecure) => (isInsecure ? ["true"] : []),
  }),
  store: setting(logPlace, `${PROJECT_FOLDER}/events.db`, {
    flag: ["--store <path>", "event log: a file, or postgres://user@host/database (default: {} in the project)"],
    reach: logsElsewhere,
  }),
  keep: setting(duration(parseDuration), 7 * 86_400_000, {
    hint: WITH_UNIT,
    reach: (keepMs, place) => (prunesElsewhere(place) ? [`${keepMs} ms`] : []),
  }),
  maxLog: setting(size, 500_000_000, {
    reach: (bytes, place) => (prunesElsewhere(place) ? [`${bytes} bytes`] : []),
  }),
  // ngrok opens with the user's own account, cloudflared without one.
  tunnel: setting(optional(oneOf(...TUNNELS)), undefined, {
    path: ["tunnel", "use"],
    flag: ["--tunnel <tunnel>", "ngrok, cloudflared or none (default: ngrok if it has an authtoken)"],
    reach: (use) => (use === "cloudflared" ? [use] : []),
  }),
  // It is of the account whose token is used.
  domain: local(optional(text), undefined, {
    path: ["tunnel", "domain"],
    flag: ["--domain <name>", "the ngrok domain to use"],
  }),
  publicUrl: setting(optional(text), undefined, {
    path: ["tunnel", "publicUrl"],
    flag: ["--public-url <url>", "the URL of a tunnel that you run yourself"],
    reach: (url) => [url],
  }),
  tunnelTimeout: local(duration(parseTimeout), 300_000, { path: ["tunnel", "timeout"], hint: WITH_UNIT }),
  // The address of a custom ingress of ngrok, and a PEM file of its authorities.
  ngrokServerAddr: setting(optional(text), undefined, {
    path: ["tunnel", "serverAddr"],
    reach: (address) => [address],
  }),
  ngrokRootCas: setting(optional(pemFile), undefined, { path: ["tunnel", "rootCas"], reach: (file) => [file] }),
};

type Table = typeof TABLE;
export type Settings = { readonly [Key in keyof Table]: Table[Key]["default"] };
export type TunnelName = NonNullable<Settings["tunnel"]>;

/** The settings of one product. */
export function productSettings() {
  return formatSettings().extend({
    /** The default format, which `send` writes. */
    format: z.string().optional(),
    /** The folder of a user-defined product, relative to the config file. */
    path: path().optional(),
    /** A file with a JSON Schema or a zod schema for user-defined bodies, relative to the config file. */
    schema: path().optional(),
  });
}

type ProductEntry = Readonly<z.infer<ReturnType<typeof productSettings>>>;

/** A row of the table, with the names by which users know the setting. */
export interface Setting extends Kind<unknown>, Row<unknown> {
  readonly key: keyof Settings;
  readonly default: unknown;
  readonly path: readonly string[];
  /** `ZOHO_HOOKS_MAX_BODY`; undefined for a setting that only a config file has. */
  readonly variable: `ZOHO_HOOKS_${string}` | undefined;
}

export const SETTINGS: readonly Setting[] = Object.entries(TABLE).map(([key, row]) => ({
  path: [key],
  ...row,
  key: key as keyof Settings,
  variable: row.read && environmentName(key),
}));

export const defaults = Object.fromEntries(SETTINGS.map(({ key, default: value }) => [key, value])) as Settings;

/** The row of a setting; undefined for another name, such as that of a secret. */
export function settingOf(key: string): Setting | undefined {
  return SETTINGS.find((each) => each.key === key);
}

/** Options of a command that are settings, by the names of their flags. */
export type SettingOptions = Readonly<Partial<Record<keyof Settings | "route", string | readonly string[] | boolean>>>;

/** The flags that are given, as settings; `target` is one more `--forward-to`. */
export function flagSettings(options: SettingOptions, target?: string): Partial<Settings> {
  const found: Record<string, unknown> = {};
  for (const { key, flag = [""], read, check } of SETTINGS) {
    const name = /--\S+/.exec(flag[0])?.[0] ?? "";
    const value = options[key === "routes" ? "route" : key];
    // Commander sets a flag that has a `--no-` twin to true when neither is given.
    if (value === undefined || (key === "store" && value === true)) continue;
    if (typeof value === "string") found[key] = read?.(value, name);
    else found[key] = typeof value === "object" ? checkEach(check, value, name) : value;
  }
  if (target === undefined) return found;
  const { forwardTo = [] }: Partial<Settings> = found;
  return { ...found, forwardTo: [...checkEach(checkTarget, [target], "listen"), ...forwardTo] };
}

/** `ZOHO_HOOKS_MAX_BODY` for `maxBody`. */
export function environmentName(key: string): `ZOHO_HOOKS_${string}` {
  return `ZOHO_HOOKS_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
}

/** The name of a setting in a config file: `tunnel.domain`. Other names stay as they are. */
export function fileName(key: string): string {
  return settingOf(key)?.path.join(".") ?? key;
}

/** A setting by the name that it was set with: `--domain`, `ZOHO_HOOKS_DOMAIN (environment)`, `tunnel.domain in <file>`. */
export function settingName(key: string, origin: string): string {
  if (origin === "flag") return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
  return origin.startsWith(environmentName(key)) ? origin : `${fileName(key)} in ${origin}`;
}

/** The values for people, with secrets in URLs masked; none for what is only on or off, or has many parts. */
export function settingTexts({ routes: all, ...settings }: Settings, key: keyof Settings): readonly string[] {
  if (key === "routes") return all.map(maskRoute);
  const value = settings[key];
  if (Array.isArray(value)) return value.map((each) => maskSetting(String(each)));
  return typeof value === "string" ? [maskSetting(value)] : [];
}

/** A setting as a user would write it: `7d` and `1mib`, not milliseconds and bytes. */
export function settingText(key: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return settingOf(key)?.show?.(value) ?? String(value);
  const isEmpty = value === undefined || (typeof value === "object" && value && Object.keys(value).length === 0);
  return isEmpty ? "(not set)" : JSON.stringify(value);
}

/** With the ids of products that are given by another name. */
function byProductId(entries: Readonly<Record<string, ProductEntry>>, context: z.RefinementCtx) {
  const renamed: Record<string, ProductEntry> = {};
  for (const [name, entry] of Object.entries(entries)) {
    const id = productId(name);
    if (id !== name && Object.hasOwn(entries, id))
      context.addIssue({
        code: "custom",
        path: [name],
        message: `is the same product as ${id}: leave one of them out`,
      });
    renamed[id] = entry;
  }
  return renamed;
}
