import type { Command } from "commander";
import type { Config } from "../../config/load.ts";
import { checks, eachChecked, readers } from "../../config/readers.ts";
import { type Settings, tunnelNames } from "../../config/settings.ts";
import { watchProductIds } from "../../zoho/watch-products.ts";
import { addSecretOptions, collect, type SecretOptions } from "../options.ts";
import type { NotificationOptions } from "./notifications.ts";
import type { NamedEvents } from "./unknown-events.ts";

/** Flags that are settings too: the same name, the same rules as in the environment and the config file. */
type SettingFlags = { readonly [K in keyof Settings]?: string | readonly string[] | boolean };

export interface ListenOptions extends SecretOptions, SettingFlags, NotificationOptions {
  readonly route?: readonly string[];
  readonly expect?: readonly string[];
  readonly timeout?: string;
  readonly exec?: string;
  readonly showSecrets?: boolean;
  readonly open?: boolean;
  readonly copy?: boolean;
  readonly learn?: boolean;
  readonly serveJwks?: boolean;
}

export function addListenFlags(command: Command): void {
  command
    .optionsGroup("Receiving:")
    .option("-p, --port <port>", "port to listen on, 0 for any free one (default: 4460)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--max-body <size>", "largest body to accept, such as 500kb or 1mib (default: 1mib)")
    .option("--schema <warn|enforce|off>", "what is done about a body that does not fit its schema (default: warn)")
    .option("--learn", "at the end propose fixtures of events that differ from their schemas")
    .option(
      "--on-invalid <reject|warn>",
      "whether a delivery whose proof fails is refused, or taken with a warning (default: reject)",
    )
    .option("--tolerance <time>", "how old a signature with a time in it may be, such as 10m (default: 5m)")
    .option("-e, --events <pattern>", "show and forward only these, such as 'crm:Leads.*' (repeatable)", collect)
    .option("--allow-ip <range>", "accept only from this address or CIDR range (repeatable)", collect)
    .option("--allow-zoho-ips", "accept from the two ranges that the guide names; they are not all of Zoho's")
    .option(
      "--expect <event=count>",
      "end with 0 once these have come, repeats left out, such as crm:Leads.create=2 (repeatable)",
      collect,
    )
    .option("--timeout <time>", "stop after this time, such as 60s; with --expect: exit 8 when something is missing")
    .option("--show-secrets", "do not mask tokens and signatures: those that -v shows, and those in your app's answers")
    .option("--serve-jwks", "serve the public half of your own signing key, for an app that checks what send posts")
    .option("--exec <command>", "run this once ready, with the URLs in its environment, and end with its exit code");
  addSecretOptions(command)
    .optionsGroup("Forwarding to your app:")
    .option("-f, --forward-to <target>", "your app: a port, /path or URL (repeatable)", collect)
    .option(
      "--route <event=target>",
      "a target for some events, such as 'crm:Leads.*=3000/leads' (repeatable)",
      collect,
    )
    .option("--respond <ack|mirror>", "ack: answer at once; mirror: give the sender your app's answer (default: ack)")
    .option("--retries <count>", "how often a failed delivery to your app is tried again (default: 3)")
    .option("--retry-base <time>", "first pause between tries; each next one is twice as long (default: 2s)")
    .option("--concurrency <count>", "deliveries on their way to your app at once (default: 16)")
    .option("--ordered", "one after the other for each record")
    .option("--forward-timeout <time>", "longest wait for your app's answer (default: 30s)")
    .option("--insecure", "accept a self-signed certificate of your app")
    .optionsGroup("Reached from outside:")
    .option(`--tunnel <${tunnelNames.join("|")}>`, "how Zoho reaches it (default: ngrok where it has an authtoken)")
    .option("--domain <name>", "the ngrok domain to use")
    .option("--public-url <url>", "the URL of a tunnel of your own")
    .option("--tunnel-timeout <time>", "how long the tunnel may be down before listen gives up (default: 5m)")
    .option("--open", "open the webhook URL in the browser once ready")
    .option("--copy", "put the webhook URL into the clipboard once ready")
    .optionsGroup("Event log:")
    .option("--store <path>", "file of the event log (default: .zoho-hooks/events.db in the project)")
    .option("--no-store", "keep no event log")
    .option("--keep <time>", "how long the log keeps deliveries (default: 7d)")
    .option("--max-log <size>", "how large the log may grow (default: 500mb)")
    .optionsGroup("Zoho's notifications:")
    .option(
      "--channel <events>",
      "have Zoho post these here while listen runs, such as Leads.create,Deals.all (repeatable)",
      collect,
    )
    .option("--expand", "fetch the records that a notification tells of, and show them beside it")
    .option("--profile <name>", "the sign-in for --channel and --expand (default: as for whoami)")
    .option(`--product <${watchProductIds.join("|")}>`, "whose channel and records (default: crm)")
    .option("--api-version <version>", "version of the CRM API for these (default: v8)");
}

/** The given flags as settings. */
export function flagSettings(options: ListenOptions): Partial<Settings> {
  const settings: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(readers)) {
    const value = options[key as keyof Settings];
    // Commander sets a flag that has a `--no-` twin to true when neither is given.
    if (value === undefined || (key === "store" && value === true)) continue;
    settings[key] = typeof value === "string" ? read(value, `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`) : value;
  }
  const { route, forwardTo } = options;
  if (Array.isArray(forwardTo)) eachChecked(checks.forwardTo, forwardTo, "--forward-to");
  if (route !== undefined) settings.routes = eachChecked(checks.routes, route, "--route");
  return settings;
}

/** The patterns of events that a run was told of. */
export function namedEvents({ settings, origins }: Config, { expect = [] }: ListenOptions): readonly NamedEvents[] {
  const before = (where: string, texts: readonly string[], outcome: string): readonly NamedEvents[] =>
    texts.map((text) => ({ where, text: text.replace(/=.*$/s, ""), outcome }));
  const set = (flag: string, key: "events" | "routes"): string =>
    origins[key] === "flag" ? flag : `${key} in ${origins[key]}`;
  return [
    ...before("--expect", expect, "--expect waits for one of that name"),
    ...before(set("--route", "routes"), settings.routes, "its route is for one of that name"),
    ...before(set("--events", "events"), listed(settings.events), "--events shows and forwards one of that name only"),
  ];
}

export function channelPatterns({ channel = [], product = "crm" }: ListenOptions): readonly string[] {
  return listed(channel).map((text) => `${product}:${text}`);
}

function listed(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(",")).map((text) => text.trim());
}
