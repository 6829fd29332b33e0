import type { Command } from "commander";
import type { ListenOptions } from "../../listener/plan.ts";
import type { Context } from "../../project/context.ts";
import type { Settings } from "../../project/settings.ts";
import { addSettingFlags, collect, JUNIT_FLAG } from "../flags/index.ts";

/** The first group is what `--help` shows. Those that are settings are declared in project/settings.ts. */
export function addListenFlags(command: Command): void {
  const addSettings = (...keys: readonly (keyof Settings)[]): Command => addSettingFlags(command, ...keys);
  command
    .argument("[target]", "your app: a port, host:port or URL, the same as --forward-to")
    .optionsGroup("Main options:");
  addSettings("forwardTo", "port", "events").option(
    "--ui",
    "show deliveries in the browser as well: prints the inspector's address",
  );
  addSettings("register", "tunnel", "publicUrl")
    .option("--expect <event=count>", "exit once these have arrived, such as crm:Leads.create=2 (repeatable)", collect)
    .option("--timeout <time>", "stop after this time; exit with 8 if --expect (default: 60s) is not met")
    .option("--exec <command>", "run this command once ready, and exit with its exit code")
    .option(...JUNIT_FLAG)
    .optionsGroup("Receiving:");
  addSettings("onInvalid", "schema", "allowUnsigned", "allowIp", "host")
    .option("--no-keys", "turn off keyboard shortcuts and the status line")
    .option(
      "--show-secrets",
      "do not mask tokens and signatures in what -v shows, nor known secrets in bodies and your app's answers",
    )
    .optionsGroup("Forwarding to your app:");
  addSettings("routes", "respond", "retries", "insecure")
    .option("--on-failed <command>", "run this in a shell when your app goes down, or deliveries to it have failed")
    .optionsGroup("Public URL:");
  addSettings("domain").optionsGroup("Event log:");
  addSettings("store")
    .option("--no-store", "keep no event log")
    .optionsGroup("Several processes on one log (--store postgres://…):")
    .option(
      "--role <receive|deliver|both>",
      "receive: record deliveries with their targets, send nothing; deliver: open no receiver, send what waits (default: both)",
    )
    .option("--admin <host:port>", "serve /metrics, /healthz and /readyz there; with a port alone on 127.0.0.1")
    .optionsGroup("Zoho's notifications:")
    .option("--channel <events>", "short for --register of CRM's events: Leads.create,Deals.all (repeatable)", collect)
    .option("--expand", "fetch the records that a notification names, and show them below it");
}

/** Keys need a person at a terminal that can redraw a line. */
export function takesKeys(context: Context, options: ListenOptions): boolean {
  if (options.role === "deliver") return false;
  const { stdin, stdout, env, json, quiet } = context;
  const isPerson = stdin.isTTY && stdout.isTTY && env.TERM !== "dumb" && [undefined, "", "0", "false"].includes(env.CI);
  return isPerson && options.keys !== false && !json && !quiet && options.exec === undefined;
}
