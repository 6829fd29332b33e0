import type { Command } from "commander";
import type { Define } from "./command.ts";
import { projectProducts } from "./configured-products.ts";
import { DamageTeller } from "./events/damage-teller.ts";
import { addFilters } from "./events/filter-flags.ts";
import { addLogFlags, withLog } from "./events/open-log.ts";
import { addSecretOptions, collect, givenSecrets } from "./options.ts";
import { replayAll } from "./replay/deliver.ts";
import { type ReplayOptions, readReplayPlan } from "./replay/plan.ts";
import { chooseReplays } from "./replay/select.ts";

export const define: Define = (command, act) => {
  addSecretOptions(addLogFlags(addFilters(addReplayFlags(command))))
    .addHelpText("after", HELP)
    .action(
      act(async (context, n: string | undefined, options: ReplayOptions) => {
        const products = await projectProducts(context);
        const plan = readReplayPlan(n, options, context.now(), products);
        const secrets = await givenSecrets(context, options);
        const work = async (...[log, config]: Parameters<Parameters<typeof withLog>[2]>) => {
          const damage = new DamageTeller(context);
          const replays = await chooseReplays(context, plan, log, config, products, damage.onDamaged);
          damage.tell();
          return (await replayAll(context, plan, { log, config, products, replays })) || damage.exitCode;
        };
        return withLog(context, options, work, secrets);
      }),
    );
};

function addReplayFlags(command: Command): Command {
  return command
    .argument("[n]", "the event's number, or last; without it, the filters choose")
    .option("-t, --to <target>", "URL, port, path or host:port/path (default: where the delivery was forwarded to)")
    .option("--set <path=value>", "change a value of the body (repeatable)", collect)
    .option("--add", "let --set add what the body does not have")
    .option("--edit", "change the body in your editor ($VISUAL or $EDITOR) first")
    .option("--exact", "send exactly the headers and bytes that came, and nothing else")
    .option("--timeout <duration>", "give up on an answer after this long", "30s")
    .option("--insecure", "accept a self-signed certificate")
    .option("--dry-run", "print the requests, send nothing");
}

const HELP = `
A delivery is sent as listen forwards it: the bytes and headers that came, plus its number in x-zoho-hooks-event.
If its body was changed, or its signature has a timestamp, it is signed again, provided that a secret is configured.
Filters choose among the deliveries that your app should have received. To send one that was refused, give its number.

Examples:
  $ zoho-hooks replay last
  $ zoho-hooks replay 42 --to 3000 --set data.Email=me@example.com
  $ zoho-hooks replay --failed
  $ zoho-hooks replay --since 10m --event 'crm:Leads.*'

Exits with 0 if every delivery was answered with 2xx, else with 5.
`;
