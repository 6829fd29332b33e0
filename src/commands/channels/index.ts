import { type Command, Option } from "commander";
import type { ListOptions } from "../../channels/list.ts";
import { watchProductIds } from "../../channels/watch-products.ts";
import { openWorkspace } from "../../operations/workspace.ts";
import { examples } from "../../terminal/help.ts";
import type { ExitCode } from "../../util/errors.ts";
import type { CommandContext, Define } from "../command.ts";
import { collect } from "../flags/index.ts";

export const define: Define = (command, act) => {
  defineList(command, act);
  defineShow(command, act);
  defineCreate(command, act);
  defineRenew(command, act);
  defineDelete(command, act);
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks channels list --expiring 24h          exits with 8 if any expires within a day",
        "zoho-hooks channels create Leads.create Deals.all --url https://example.com/webhooks/zoho/crm",
        "zoho-hooks channels renew                        all of them, once",
        "zoho-hooks channels renew --every                keeps all of them alive until you stop it",
      ),
    )
    .addHelpText("after", HELP);
};

const defineList: Define = (command, act) => {
  addSubcommand(
    command,
    "list",
    "List the signed-in user's channels, soonest to expire first, and those created here that are gone.",
    "zoho-hooks channels list",
    "zoho-hooks channels list --expiring 24h     exits with 8 if any expires within a day",
    "zoho-hooks channels list --require Leads.create,Contacts.all --url https://example.com/webhooks/zoho/crm",
  )
    .option("--expiring <time>", "only those that are gone or expire within this time; exits with 8 if there are any")
    .option(
      "--require <events>",
      "exit with 8 unless channels exist for these events, wherever they were created (repeatable)",
      collect,
    )
    .option("--url <url>", "with --require: only channels that post to this URL count")
    .action(
      act(async (context: CommandContext, options: ListOptions) => {
        const { list } = await import("../../channels/list.ts");
        return list(openWorkspace(context), options);
      }),
    );
};

const defineShow: Define = (command, act) => {
  addSubcommand(command, "show", "Show everything about one channel.", "zoho-hooks channels show 1735593600000")
    .argument("<id>", "the channel's id")
    .option("--show-secrets", "show its token instead of masking it")
    .action(act(lazily(async () => (await import("../../channels/list.ts")).show)));
};

const defineCreate: Define = (command, act) => {
  addSubcommand(
    command,
    "create",
    "Create a channel, or replace the one with this --id, and read it back from Zoho.",
    "zoho-hooks channels create Leads.create Deals.all --url https://example.com/webhooks/zoho/crm",
    "zoho-hooks channels create Deals.edit --fields Stage,Amount --url https://example.com/hook",
    "zoho-hooks channels create Contacts.all --product bigin --url https://example.com/hook",
    "zoho-hooks channels create Leads.all --url https://example.com/hook --id 1735593600000",
  )
    .argument(
      "<event...>",
      "Leads.create, Deals.all, …: <Module>.<create, edit, delete or all>; update is the same as edit",
    )
    .option(
      "--url <url>",
      "the URL that Zoho posts to (default: that of the channel with this --id, else of this project's running listen)",
    )
    .option("--expires <time>", "when it expires, as a duration or a time: 24h, 6d23h, 2026-01-02T03:04:05+00:00")
    .option(
      "--fields <[module:]a,b>",
      "report an edit only if one of these fields has changed (repeatable, once per module)",
      collect,
    )
    .option(
      "--related",
      "also report changes to related records (Zoho's default; off here, because there are very many)",
    )
    .option("--values", "include the changed values")
    .option("--dry-run", "print the request, change nothing")
    .optionsGroup("More options:")
    .option("--id <digits>", "the channel's id: one that Zoho lists is replaced as a whole (default: a new id)")
    .addHelpText("after", CREATE_HELP)
    .action(act(lazily(async () => (await import("./create.ts")).create)));
};

const defineRenew: Define = (command, act) => {
  addSubcommand(
    command,
    "renew",
    "Extend channels, and fail if their new expiry is not later.",
    "zoho-hooks channels renew",
    "zoho-hooks channels renew --every     keeps all of them alive until you stop it",
  )
    .argument("[id...]", "the channels' ids (default: all that Zoho lists, and those created here that have expired)")
    .option("--expiring <time>", "only those that expire within this time")
    .option("--expires <time>", "the new expiry (default: just under the longest that the API grants)")
    .option("--every", "keep running: renew each channel at 80 % of its lifetime until stopped")
    .option("--on-lost <command>", "with --every: run this in a shell when a channel is lost, to raise an alarm")
    .option("--dry-run", "say what would be renewed, print the requests, change nothing")
    .addHelpText("after", RENEW_HELP)
    .action(act(lazily(async () => (await import("./renew.ts")).renew)));
};

const defineDelete: Define = (command, act) => {
  addSubcommand(
    command,
    "delete",
    "Delete channels, and read the list again to confirm it.",
    "zoho-hooks channels delete 1735593600000",
    "zoho-hooks channels delete --all --yes",
    "zoho-hooks channels delete --dead",
  )
    .argument("[id...]", "the channels' ids")
    .option("--all", "all channels of the signed-in user")
    .option("--dead", "those that were created or changed here and whose URL does not answer")
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the request, change nothing")
    .addHelpText("after", DELETE_HELP)
    .action(act(lazily(async () => (await import("./delete.ts")).remove)));
};

function addSubcommand(command: Command, name: string, description: string, ...lines: readonly string[]): Command {
  return command
    .command(name)
    .description(description)
    .addHelpText("before", examples(...lines))
    .option(`--product <${watchProductIds.join("|")}>`, "the product of the channels", "crm")
    .addOption(
      new Option(
        "--profile <name>",
        "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
      ).helpGroup("More options:"),
    );
}

/** Loads the work of a subcommand when it is called: to renew a channel needs no product, and no log. */
function lazily<Args extends unknown[]>(
  load: () => Promise<(context: CommandContext, ...args: Args) => Promise<ExitCode>>,
) {
  return async (context: CommandContext, ...args: Args): Promise<ExitCode> => (await load())(context, ...args);
}

const HELP = `
A channel is a subscription in Zoho CRM, Bigin or Recruit: Zoho posts to its URL when records change. It expires without
notice: in CRM after a week at most, in Bigin after a day. Zoho silently turns a longer lifetime into one hour, so these
commands reject it. Guides that mention 30 days do not match what Zoho does.

Sign in first with zoho-hooks login, or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC.`;

const CREATE_HELP = `
The channel's token comes from ZOHO_WEBHOOK_TOKEN (or ZOHO_WEBHOOK_TOKEN_CRM and the like), or from the file that
ZOHO_WEBHOOK_TOKEN_FILE names; if none is set, a new one is created. It is saved with your profile, so that zoho-hooks
listen can verify it.

With the --id of a channel that Zoho lists, that channel is replaced. It keeps its URL and its token unless others are
given; what else it is to keep has to be said again: --values, --related, --fields.`;

const RENEW_HELP = `
Each channel is read and then written as a whole with its new expiry, because Zoho drops what an update leaves out. A
channel that was created here is created again if it has expired. If it was deleted elsewhere, it is created again only
if you name it; channels delete forgets it. Without ids, channels of listen --channel are left out: it says
whether they are alive, and exits with 7 if one is not.

With --every, it reads the channels every 15 minutes, and renews each by the expiry that Zoho says. One that was deleted is
left alone. Without ids and --expiring, channels created later are kept alive as well. The exit code is 0 when you stop
it or none of the named channels is left, and 9 if a channel is lost at that time.

The command of --on-lost gets ZOHO_HOOKS_CHANNEL_ID, ZOHO_HOOKS_CHANNEL_PRODUCT and ZOHO_HOOKS_CHANNEL_REASON in its
environment. It runs once for each loss, for a minute at most, and its output goes to standard error.`;

const DELETE_HELP = `
For --dead, a URL is dead if the connection is refused or its tunnel is offline. If only its host name cannot be resolved
here, another network may still know it: such a channel is deleted only if you agree, and never with --yes. Channels that
were neither created nor changed here are not touched, nor is that of a running listen.

--all and --dead also forget the channels of this sign-in that Zoho no longer lists: renew cannot create them again.`;
