import { diff } from "../history/diff.ts";
import { drift } from "../history/drift.ts";
import type { MaskOptions } from "../history/entry.ts";
import type { FilterOptions } from "../history/filter.ts";
import { follow } from "../history/follow.ts";
import { type ListOptions, list, show, showAsCurl, stats } from "../history/list.ts";
import { parseNumber } from "../history/open-log.ts";
import { type PruneOptions, prune } from "../history/prune.ts";
import { saveFixture } from "../history/save-fixture.ts";
import { present } from "../operations/present.ts";
import { openWorkspace } from "../operations/workspace.ts";
import { waitForDrain } from "../process/output.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { CommandContext, Define } from "./command.ts";
import { collect } from "./flags/index.ts";
import { addFilters, addPeriodFilters, SHOW_SECRETS_FLAG } from "./flags/log.ts";

const NUMBER = "the event's number, or last";

export const define: Define = (command, act) => {
  defineList(command, act);
  defineShow(command, act);
  defineStats(command, act);
  defineDiff(command, act);
  defineDrift(command, act);
  defineSaveFixture(command, act);
  definePrune(command, act);
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events list --only failed",
        "zoho-hooks events show last",
        "zoho-hooks events list --all --json --show-secrets | zoho-hooks verify",
      ),
    )
    .addHelpText("after", HELP);
};

const defineList: Define = (command, act) => {
  const listing = command
    .command("list")
    .description("List what was received, the newest first.")
    .option("--limit <count>", "show at most this many (default: 50)")
    .option("--all", "show all")
    .option("--follow", "show these with the oldest first, then each new one and where it went, until Ctrl-C");
  addFilters(listing)
    .option("--search <text>", "only with this text in the body or URL")
    .option(...SHOW_SECRETS_FLAG)
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events list --event 'crm:Leads.*' --since 10m",
        "zoho-hooks events list --where data.Email=jane@example.com",
        "zoho-hooks events list --only rejected,4xx --json | jq .signatures",
        "zoho-hooks events list --follow --limit 0",
      ),
    )
    .addHelpText("after", LIST_HELP)
    .action(act(showList));
};

const defineShow: Define = (command, act) => {
  command
    .command("show")
    .description("Show one delivery: headers, body, signatures, schema, and every attempt to forward it to your app.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events show last",
        "zoho-hooks events show 42 --json",
        "zoho-hooks events show 42 --curl --show-secrets",
      ),
    )
    .argument("<n>", NUMBER)
    .option("--curl", "print the curl command that posts it to the local receiver again")
    .option(...SHOW_SECRETS_FLAG)
    .action(act(showOne));
};

const defineStats: Define = (command, act) => {
  addPeriodFilters(command.command("stats"))
    .description("Count deliveries by product and hour, and show how long your app takes to answer.")
    .addHelpText("before", examples("zoho-hooks events stats --since 1d"))
    .action(act(showStats));
};

const defineDiff: Define = (command, act) => {
  command
    .command("diff")
    .description("Show how two payloads differ.")
    .addHelpText("before", examples("zoho-hooks events diff 41 42"))
    .argument("<a>", NUMBER)
    .argument("<b>", NUMBER)
    .action(act(showDiff));
};

const defineDrift: Define = (command, act) => {
  addPeriodFilters(command.command("drift"))
    .description("Show where deliveries and schemas differ: unknown fields, fields that never came, different types.")
    .addHelpText(
      "before",
      examples("zoho-hooks events drift --product desk --since 1d", "zoho-hooks events drift --json | jq .unknown"),
    )
    .addHelpText("after", DRIFT_HELP)
    .action(act(drift));
};

const defineSaveFixture: Define = (command, act) => {
  command
    .command("save-fixture")
    .description("Save a delivery as a sample of this project, for send to use. Tokens are always masked.")
    .argument("<n>", NUMBER)
    .option(
      "--redact",
      "replace names, e-mails, phone numbers, addresses and ids, the same value always in the same way",
    )
    .option("--name <event>", "save it as a sample of this event (default: its own)")
    .option("--force", "overwrite an existing sample")
    .addHelpText(
      "before",
      examples("zoho-hooks events save-fixture last --redact", "zoho-hooks events save-fixture 42 --name Leads.create"),
    )
    .action(act(saveFixture));
};

const definePrune: Define = (command, act) => {
  command
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
    )
    .addHelpText(
      "before",
      examples(
        "zoho-hooks events prune --keep 1d",
        "zoho-hooks events prune --keep 0s     empties the log",
        "zoho-hooks events prune --give-up localhost:3000",
      ),
    )
    .action(act(pruneLog));
};

interface ListFlags extends ListOptions, MaskOptions {
  readonly follow?: boolean;
}

async function showList(context: CommandContext, { follow: follows, ...options }: ListFlags): Promise<ExitCode> {
  const workspace = openWorkspace(context, options);
  if (follows) return follow(workspace, options, () => waitForDrain(context));
  return present(context, list(workspace, options));
}

interface ShowOptions extends MaskOptions {
  readonly curl?: boolean;
}

async function showOne(context: CommandContext, which: string, { curl, showSecrets }: ShowOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  const workspace = openWorkspace(context, { showSecrets });
  if (curl) for (const report of await showAsCurl(workspace, n)) context.report(report);
  else context.report(await show(workspace, n));
  return ExitCode.ok;
}

async function showStats(context: CommandContext, options: FilterOptions): Promise<ExitCode> {
  const report = await stats(openWorkspace(context), options);
  const isEmpty = report.received === 0 && !context.json;
  context.report(isEmpty ? { type: "notice", message: report.person.ifEmpty } : report);
  return ExitCode.ok;
}

async function showDiff(context: CommandContext, before: string, after: string): Promise<ExitCode> {
  const [first, second] = [parseNumber(before), parseNumber(after)];
  context.report(await diff(openWorkspace(context), first, second));
  return ExitCode.ok;
}

async function pruneLog(context: CommandContext, options: PruneOptions): Promise<ExitCode> {
  context.report(await prune(openWorkspace(context), options));
  return ExitCode.ok;
}

const HELP = `
zoho-hooks listen writes the log. These commands mask tokens, signatures and authorization headers; the log itself has
every accepted delivery exactly as it came, so that replay can send it again. To read another log than the project's, set
ZOHO_HOOKS_STORE to its path or address.`;

const LIST_HELP = `
With --json, each delivery is one line, the same as in listen --json: with headers and body, so verify reads it. Add
--show-secrets if you want to verify: masked signatures and tokens cannot be checked.`;

const DRIFT_HELP = `
Unknown events, repeats, and deliveries with a wrong signature or token are left out. To make a sample of a delivery with
other fields: zoho-hooks events save-fixture last --redact.`;
