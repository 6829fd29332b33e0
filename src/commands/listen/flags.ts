import type { Command } from "commander";
import { watchProductIds } from "../../channels/products.ts";
import type { ListenOptions } from "../../listener/plan.ts";
import type { Context } from "../../project/context.ts";
import { tunnelNames } from "../../project/settings.ts";
import { addSecretOptions, collect } from "../flags/index.ts";
import { STORE_TEXT } from "../flags/log.ts";

/** The dozen flags that most runs need come first. */
export function addListenFlags(command: Command): void {
  command
    .argument("[target]", "your app: a port, host:port or URL, the same as --forward-to")
    .optionsGroup("Main options:")
    .option("-f, --forward-to <target>", "your app: a port, /path or URL (repeatable)", collect)
    .option("-p, --port <port>", "port to listen on, 0 for any free one (default: 4460, or the next free one)")
    .option(
      "-e, --events <pattern>",
      "show and forward only these events, such as 'crm:Leads.*' (repeatable)",
      collect,
    );
  addSecretOptions(command)
    .option(
      "--on-invalid <reject|warn>",
      "what to do with a delivery whose signature or token is wrong (default: reject)",
    )
    .option(
      `--tunnel <${tunnelNames.join("|")}>`,
      "how Zoho reaches this machine (default: ngrok if it has an authtoken)",
    )
    .option("--public-url <url>", "the URL of a tunnel that you run yourself")
    .option(
      "--channel <events>",
      "have Zoho send these events here while listen runs, such as Leads.create,Deals.all (repeatable)",
      collect,
    )
    .option(
      "--expect <event=count>",
      "exit with 0 once these have arrived, not counting repeats, such as crm:Leads.create=2 (repeatable)",
      collect,
    )
    .option(
      "--timeout <time>",
      "stop after this time, such as 90s; with --expect (default: 60s, after --exec has ended): exit with 8 if something is missing",
    )
    .option(
      "--exec <command>",
      "run this command once ready, with the URLs in its environment, and exit with its exit code; after success, wait for what --expect names",
    )
    .optionsGroup("Receiving:")
    .option("--ui", "show what comes in the browser, too: prints the address of the inspector")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--max-body <size>", "largest body to accept, 64mib at most (default: 1mib)")
    .option(
      "--schema <warn|enforce|off>",
      "warn of a body that does not match its schema, or refuse it (default: warn); enforce accepts an unknown event if its envelope is complete, since Zoho adds events",
    )
    .option("--tolerance <time>", "how old a timestamped signature may be, such as 10m (default: 5m)")
    .option("--allow-ip <range>", "accept only from this address or CIDR range (repeatable)", collect)
    .option("--allow-zoho-ips", "accept only from the two ranges in the Webhooks Guide; Zoho may also use others")
    .option(
      "--allow-unsigned <products>",
      "accept custom bodies, which these products never sign: crm, recruit (repeatable)",
      collect,
    )
    .option("--no-keys", "take no keys, and draw no line at the bottom of the terminal")
    .option(
      "--show-secrets",
      "do not mask tokens and signatures in what -v shows, nor known secrets in bodies and your app's answers",
    )
    .option(
      "--serve-jwks",
      "serve the public half of your own signing key (JWKS), so that your app can verify what send posts",
    )
    .optionsGroup("Forwarding to your app:")
    .option(
      "--route <event=target>",
      "a target for some events, such as 'crm:Leads.*=3000/leads' (repeatable)",
      collect,
    )
    .option("--respond <ack|mirror>", "ack: answer at once; mirror: give the sender your app's answer (default: ack)")
    .option("--retries <count>", "how often to retry a failed delivery (default: 3)")
    .option("--retry-base <time>", "pause before the first retry; each later one is twice as long (default: 2s)")
    .option("--concurrency <count>", "how many deliveries to send to your app at the same time (default: 16)")
    .option("--ordered", "deliver the events of a record one at a time, in order")
    .option("--forward-timeout <time>", "how long to wait for your app's answer (default: 30s)")
    .option("--insecure", "accept a self-signed certificate from your app")
    .optionsGroup("Public URL:")
    .option("--domain <name>", "the ngrok domain to use")
    .optionsGroup("Event log:")
    .option("--store <path>", STORE_TEXT)
    .option("--no-store", "keep no event log")
    .option("--keep <time>", "how long the log keeps deliveries (default: 7d)")
    .option("--max-log <size>", "how large the log may grow (default: 500mb)")
    .optionsGroup("Several processes on one log (--store postgres://…):")
    .option(
      "--role <receive|deliver|both>",
      "receive: record deliveries with their targets, send nothing; deliver: open no receiver, send what waits (default: both)",
    )
    .option("--admin <host:port>", "serve /metrics, /healthz and /readyz there; with a port alone on 127.0.0.1")
    .optionsGroup("Zoho's notifications:")
    .option("--expand", "fetch the records that a notification names, and show them below it")
    .option("--profile <name>", "the sign-in to use for --channel and --expand (default: the one that whoami shows)")
    .option(`--product <${watchProductIds.join("|")}>`, "the product of the channel and its records (default: crm)");
}

/** Keys need a person at a terminal that can redraw a line. */
export function takesKeys(context: Context, options: ListenOptions): boolean {
  if (options.role === "deliver") return false;
  const { stdin, stdout, env, json, quiet } = context;
  const isPerson = stdin.isTTY && stdout.isTTY && env.TERM !== "dumb" && [undefined, "", "0", "false"].includes(env.CI);
  const readsInput = options.secretFile === "-" || options.tokenFile === "-";
  return isPerson && options.keys !== false && !json && !quiet && options.exec === undefined && !readsInput;
}
