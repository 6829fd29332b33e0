import { z } from "zod";
import { formatSettings } from "../contract/format-settings.ts";
import { MAX_BODY_BYTES, MAX_IN_FLIGHT_BYTES } from "../delivery/delivery.ts";

export const CONFIG_FILE = "zoho-hooks.config.json";
/** The log, samples and keys of a project. */
export const PROJECT_FOLDER = ".zoho-hooks";

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

/** The values of `--tunnel` and of `use` in the config file. */
export const tunnelNames = ["ngrok", "none"] as const;
export type TunnelName = (typeof tunnelNames)[number];

export function tunnelSettings() {
  return z.strictObject({
    use: z.enum(tunnelNames).optional(),
    domain: z.string().min(1).optional(),
    publicUrl: z.string().min(1).optional(),
    timeout: z.string().optional(),
    /** ngrok's options for a custom ingress: its address, and a PEM file of its authorities. */
    serverAddr: z.string().min(1).optional(),
    rootCas: path().optional(),
  });
}

/** The schema of a config file, in which a misspelt key is an error. Built only when there is a file to check. */
export function fileSchema() {
  return z.strictObject({
    $schema: z.string().optional(),
    products: z.record(z.string(), productSettings()).optional(),
    port: z.int().min(0).max(65_535).optional(),
    host: z
      .string()
      .regex(/^[^\s\p{Cc}]+$/u, "is not an address to listen on")
      .optional(),
    maxBody: z.union([z.int().positive().max(MAX_IN_FLIGHT_BYTES), z.string()]).optional(),
    schema: z.enum(["warn", "enforce", "off"]).optional(),
    onInvalid: z.enum(["reject", "warn"]).optional(),
    tolerance: z.string().optional(),
    events: z.array(z.string()).optional(),
    allowIp: z.array(z.string()).optional(),
    allowZohoIps: z.boolean().optional(),
    allowUnsigned: z.array(z.string()).optional(),
    forwardTo: z.union([z.string().min(1), port(), z.array(z.union([z.string().min(1), port()]))]).optional(),
    routes: z.record(z.string(), z.union([z.string().min(1), port()])).optional(),
    respond: z.enum(["ack", "mirror"]).optional(),
    retries: z.int().min(0).max(100).optional(),
    retryBase: z.string().optional(),
    concurrency: z.int().min(1).max(1000).optional(),
    ordered: z.boolean().optional(),
    forwardTimeout: z.string().optional(),
    insecure: z.boolean().optional(),
    store: z.union([path(), z.literal(false)]).optional(),
    keep: z.string().optional(),
    maxLog: z.string().optional(),
    tunnel: tunnelSettings().optional(),
  });
}

/** Node opens no file with a NUL in its name, and a line break would forge a line of output. */
function path() {
  return z
    .string()
    .min(1)
    .refine((text) => !/\p{Cc}/u.test(text));
}

/** The port of an app. */
function port() {
  return z.int().min(1).max(65_535);
}

export type SettingsFile = z.infer<ReturnType<typeof fileSchema>>;

export interface Settings {
  readonly products: Readonly<Record<string, ProductEntry>>;
  readonly port: number;
  readonly host: string;
  /** Bytes. */
  readonly maxBody: number;
  readonly schema: "warn" | "enforce" | "off";
  readonly onInvalid: "reject" | "warn";
  /** Milliseconds: how old a signature with a time in it may be. */
  readonly tolerance: number;
  readonly events: readonly string[];
  readonly allowIp: readonly string[];
  readonly allowZohoIps: boolean;
  /** Ids of products whose user-designed bodies, which Zoho never signs, are accepted without a signature. */
  readonly allowUnsigned: readonly string[];
  /** The developer's app: ports, ports with a path (`3000/hooks`) or URLs; empty to forward nothing. */
  readonly forwardTo: readonly string[];
  /** Targets of single events, as `pattern=target`. */
  readonly routes: readonly string[];
  /** `ack` answers at once and forwards afterwards; `mirror` passes the app's answer on to the sender. */
  readonly respond: "ack" | "mirror";
  readonly retries: number;
  /** Milliseconds. */
  readonly retryBase: number;
  readonly concurrency: number;
  readonly ordered: boolean;
  /** Milliseconds. */
  readonly forwardTimeout: number;
  readonly insecure: boolean;
  /** The file of the event log, relative to the project, or the address of its PostgreSQL database; false for none. */
  readonly store: string | false;
  /** Milliseconds. */
  readonly keep: number;
  /** Bytes. */
  readonly maxLog: number;
  readonly tunnel: TunnelName | undefined;
  readonly domain: string | undefined;
  readonly publicUrl: string | undefined;
  /** Milliseconds. */
  readonly tunnelTimeout: number;
  readonly ngrokServerAddr: string | undefined;
  readonly ngrokRootCas: string | undefined;
}

export const defaults: Settings = {
  products: {},
  port: 4460,
  host: "127.0.0.1",
  maxBody: MAX_BODY_BYTES,
  schema: "warn",
  onInvalid: "reject",
  tolerance: 300_000,
  events: [],
  allowIp: [],
  allowZohoIps: false,
  allowUnsigned: [],
  forwardTo: [],
  routes: [],
  respond: "ack",
  retries: 3,
  retryBase: 2000,
  concurrency: 16,
  ordered: false,
  forwardTimeout: 30_000,
  insecure: false,
  store: ".zoho-hooks/events.db",
  keep: 7 * 86_400_000,
  maxLog: 500_000_000,
  tunnel: undefined,
  domain: undefined,
  publicUrl: undefined,
  tunnelTimeout: 300_000,
  ngrokServerAddr: undefined,
  ngrokRootCas: undefined,
};
