import { diff } from "../events/diff.ts";
import { drift } from "../events/drift.ts";
import { exportEvents } from "../events/export.ts";
import { list, show, stats } from "../events/list.ts";
import { prune } from "../events/prune.ts";
import { saveFixture } from "../events/save-fixture.ts";
import { examples } from "../terminal/help.ts";
import type { Define } from "./command.ts";
import { collect } from "./flags/index.ts";
import { addFilters, addLogFlags, addStoreFlag } from "./flags/log.ts";

const NUMBER = "the event's number, or last";

export const define: Define = (command, act) => {
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events list --failed",
        "zoho-hooks events show last",
        "zoho-hooks events export --since 1h --show-secrets | zoho-hooks verify",
      ),
    )
    .addHelpText("after", HELP);
  const listing = command
    .command("list")
    .description("List what was received, the newest first.")
    .option("--limit <count>", "show at most this many (default: 50)")
    .option("--all", "show all")
    .option("--follow", "show these with the oldest first, then each new one and where it went, until Ctrl-C");
  addLogFlags(addFilters(listing))
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events list --event 'crm:Leads.*' --since 10m",
        "zoho-hooks events list --where data.Email=jane@example.com",
        "zoho-hooks events list --rejected --json | jq .signatures",
        "zoho-hooks events list --follow --limit 0",
      ),
    )
    .action(act(list));
  addLogFlags(command.command("show"))
    .description("Show one delivery: headers, body, signatures, schema, and every attempt to forward it to your app.")
    .addHelpText("before", examples("zoho-hooks events show last", "zoho-hooks events show 42 --json"))
    .argument("<n>", NUMBER)
    .action(act(show));
  addStoreFlag(addFilters(command.command("stats")))
    .description("Count deliveries by product and hour, and show how long your app takes to answer.")
    .addHelpText("before", examples("zoho-hooks events stats --since 1d"))
    .action(act(stats));
  const exporting = command
    .command("export")
    .description("Write deliveries as NDJSON or curl commands, the oldest first.")
    .argument("[n]", `${NUMBER}; without it, all that match the filters`)
    .option("--format <ndjson|curl>", "how to write the deliveries", "ndjson")
    .option("-o, --out <file>", "write to this file, readable by you alone (default: -, standard output)")
    .option("--force", "overwrite the file")
    .option("--to <target>", "where the curl commands post to (default: the local receiver)");
  addLogFlags(addFilters(exporting))
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events export --failed --out failed.ndjson",
        "zoho-hooks events export last --format curl --show-secrets",
        "zoho-hooks events export --format curl --event Leads.create --show-secrets --to 3000",
      ),
    )
    .addHelpText("after", EXPORT_HELP)
    .action(act(exportEvents));
  addLogFlags(command.command("diff"))
    .description("Show how two payloads differ.")
    .addHelpText("before", examples("zoho-hooks events diff 41 42"))
    .argument("<a>", NUMBER)
    .argument("<b>", NUMBER)
    .action(act(diff));
  const drifting = command
    .command("drift")
    .description("Show where deliveries and schemas differ: unknown fields, fields that never came, different types.")
    .option("--learn", "write a proposed fixture and a note for each event, with personal data replaced");
  addStoreFlag(addFilters(drifting))
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events drift --product desk",
        "zoho-hooks events drift --since 1d --learn",
        "zoho-hooks events drift --json | jq .unknown",
      ),
    )
    .addHelpText("after", DRIFT_HELP)
    .action(act(drift));
  const saving = command
    .command("save-fixture")
    .description("Save a delivery as a sample of this project, for send to use. Tokens are always masked.")
    .argument("<n>", NUMBER)
    .option(
      "--redact",
      "replace names, e-mails, phone numbers, addresses and ids, the same value always in the same way",
    )
    .option("--name <event>", "save it as a sample of this event (default: its own)")
    .option("--force", "overwrite an existing sample");
  addStoreFlag(saving)
    .addHelpText(
      "before",
      examples("zoho-hooks events save-fixture last --redact", "zoho-hooks events save-fixture 42 --name Leads.create"),
    )
    .action(act(saveFixture));
  const pruning = command
    .command("prune")
    .description("Remove deliveries by age or size. Those that still wait for your app stay.")
    .option("--keep <time>", "remove what is older than this (default: the setting keep, 7d)")
    .option(
      "--max-log <size>",
      "then make the log smaller than this: rejected ones go first, failed ones last (default: the setting maxLog, 500mb)",
    )
    .option(
      "--give-up <target>",
      "first mark the deliveries that wait for this URL, host:port or port as failed",
      collect,
    );
  addStoreFlag(pruning)
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events prune --keep 1d",
        "zoho-hooks events prune --keep 0s     empties the log",
        "zoho-hooks events prune --give-up localhost:3000",
      ),
    )
    .action(act(prune));
};

const HELP = `
zoho-hooks listen writes the log. These commands mask tokens, signatures and authorization headers; the log itself has
every accepted delivery exactly as it came, so that replay can send it again.`;

const DRIFT_HELP = `
Unknown events, repeats, and deliveries with a wrong signature or token are left out. --learn writes to
.zoho-hooks/learned, which no command reads: move what you want to use to .zoho-hooks/fixtures, or to the fixtures folder
of your own product.`;

const EXPORT_HELP = `
A line of NDJSON is the same as a line of listen --json, so verify reads it. Use --show-secrets if you want to verify:
masked signatures and tokens cannot be checked.`;
