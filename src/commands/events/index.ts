import type { Define } from "../command.ts";
import { collect } from "../options.ts";
import { diff } from "./diff.ts";
import { drift } from "./drift.ts";
import { exportEvents } from "./export.ts";
import { addArrivalFilters, addFilters } from "./filter-flags.ts";
import { list } from "./list.ts";
import { addLogFlags, addStoreFlag } from "./open-log.ts";
import { prune } from "./prune.ts";
import { saveFixture } from "./save-fixture.ts";
import { show } from "./show.ts";
import { stats } from "./stats.ts";
import { tail } from "./tail.ts";

const NUMBER = "the event's number, or last";

export const define: Define = (command, act) => {
  command.addHelpText("after", HELP);
  addLogFlags(addFilters(command.command("list")))
    .description("List what was received, the newest first.")
    .option("--limit <count>", "show at most so many (default: 50)")
    .option("--all", "show all")
    .addHelpText("after", LIST_HELP)
    .action(act(list));
  addLogFlags(command.command("show"))
    .description("Show one delivery: headers, body, proofs, schema, and every attempt to hand it to your app.")
    .argument("<n>", NUMBER)
    .action(act(show));
  addLogFlags(addArrivalFilters(command.command("tail")))
    .description("Follow the log while listen writes it, until Ctrl-C.")
    .option("--last <count>", "show so many from before, too", "10")
    .action(act(tail));
  addStoreFlag(addFilters(command.command("stats")))
    .description("Count by product and hour, and tell how long your app takes to answer.")
    .action(act(stats));
  addLogFlags(addFilters(command.command("export")))
    .description("Write deliveries as NDJSON, curl commands or a HAR file, the oldest first.")
    .argument("[n]", `${NUMBER}; without it all that the filters let through`)
    .option("--format <ndjson|curl|har>", "how to write them", "ndjson")
    .option("-o, --out <file>", "into a file that only you may read (default: -, standard output)")
    .option("--force", "overwrite the file")
    .option("--to <target>", "where the curl commands post to (default: the local receiver)")
    .addHelpText("after", EXPORT_HELP)
    .action(act(exportEvents));
  addLogFlags(command.command("diff"))
    .description("Show in what two payloads differ.")
    .argument("<a>", NUMBER)
    .argument("<b>", NUMBER)
    .action(act(diff));
  addStoreFlag(addFilters(command.command("drift")))
    .description("Tell what the deliveries have that the schemas have not, the reverse, and which types differ.")
    .option("--learn", "write a proposed fixture and a note for each event, with personal data replaced")
    .addHelpText("after", DRIFT_HELP)
    .action(act(drift));
  addStoreFlag(command.command("save-fixture"))
    .description("Make a delivery a sample of the project, which send then uses. Tokens are always masked.")
    .argument("<n>", NUMBER)
    .option("--redact", "replace names, e-mails, phones, addresses and ids, the same one by the same stand-in")
    .option("--name <event>", "the event to save it as (default: the one it is)")
    .option("--force", "overwrite a sample that is there")
    .action(act(saveFixture));
  addStoreFlag(command.command("prune"))
    .description("Remove what is older, or more, than the log is to keep. What still waits for your app stays.")
    .option("--keep <time>", "remove what is older (default: the setting keep, 7d)")
    .option("--max-log <size>", "then the oldest until the log is smaller (default: the setting maxLog, 500mb)")
    .option(
      "--give-up <target>",
      "first give up what waits for this URL, host:port or port, which then counts as failed",
      collect,
    )
    .action(act(prune));
};

const HELP = `
The log is made by zoho-hooks listen. Tokens, signatures and authorization are masked wherever they are shown;
the log itself holds every delivery exactly as it came, so that replay can send it again.

Examples:
  $ zoho-hooks events list --failed
  $ zoho-hooks events show last
  $ zoho-hooks events export --since 1h --show-secrets | zoho-hooks verify
`;

const LIST_HELP = `
Examples:
  $ zoho-hooks events list --event 'crm:Leads.*' --since 10m
  $ zoho-hooks events list --where data.Email=jane@example.com
  $ zoho-hooks events list --invalid --json | jq .proofs
`;

const DRIFT_HELP = `
Deliveries of unknown events, repeats, and those whose proof failed are left out. --learn writes to
.zoho-hooks/learned, which no command reads: move what you like to .zoho-hooks/fixtures, or to the fixtures of your own
product.

Examples:
  $ zoho-hooks events drift --product desk
  $ zoho-hooks events drift --since 1d --learn
  $ zoho-hooks events drift --json | jq .unknown
`;

const EXPORT_HELP = `
A line of NDJSON is an event line of listen --json, so verify takes it; with masked secrets its proofs fail.

Examples:
  $ zoho-hooks events export --failed --out failed.ndjson
  $ zoho-hooks events export last --format curl --show-secrets
  $ zoho-hooks events export --format curl --event Leads.create --show-secrets --to 3000
  $ zoho-hooks events export --format har --since 2026-05-01 --out may.har
`;
