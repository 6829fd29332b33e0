import type { Command } from "commander";
import type { Define } from "./command.ts";
import { projectProducts } from "./configured-products.ts";
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
        const work = async (...[log, config]: Parameters<Parameters<typeof withLog>[2]>) =>
          replayAll(context, plan, {
            log,
            config,
            products,
            replays: await chooseReplays(context, plan, log, config, products),
          });
        return withLog(context, options, work, secrets);
      }),
    );
};

function addReplayFlags(command: Command): Command {
  return command
    .argument("[n]", "the event's number, or last; without it the filters choose")
    .option("-t, --to <target>", "URL, port, path or host:port/path (default: where it was forwarded to)")
    .option("--set <path=value>", "change a value of the body; repeatable", collect)
    .option("--add", "let --set put in what the body does not have")
    .option("--edit", "change the body in your editor ($VISUAL or $EDITOR) first")
    .option("--exact", "the headers and bytes that came, and nothing else")
    .option("--timeout <duration>", "give up on an answer after this long", "30s")
    .option("--insecure", "accept a self-signed certificate")
    .option("--dry-run", "print the requests, send nothing");
}

const HELP = `
A delivery is sent as listen forwards it: the bytes and headers that came, with its number in x-zoho-hooks-event.
Its signature is made anew where the body was changed or where it has a time in it, if a secret is configured.
Filters choose what your app should have had: what was refused is left out, and can be named by its number.

Examples:
  $ zoho-hooks replay last
  $ zoho-hooks replay 42 --to 3000 --set data.Email=me@example.com
  $ zoho-hooks replay --failed
  $ zoho-hooks replay --since 10m --event 'crm:Leads.*'

Exits with 0 when every delivery was answered 2xx, with 5 when one was not.
`;
