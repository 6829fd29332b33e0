import type { MaskOptions } from "../history/entry.ts";
import { present } from "../operations/present.ts";
import { openWorkspace } from "../operations/workspace.ts";
import { editBody } from "../send/editor.ts";
import { EXPECT_STATUS_FLAG } from "../send/flags.ts";
import { replay } from "../send/replay.ts";
import type { ReplayOptions } from "../send/replay-plan.ts";
import { examples } from "../terminal/help.ts";
import type { ExitCode } from "../util/errors.ts";
import type { CommandContext, Define } from "./command.ts";
import { collect } from "./flags/index.ts";
import { addFilters, SHOW_SECRETS_FLAG } from "./flags/log.ts";

export const define: Define = (command, act) => {
  command
    .argument("[n...]", "events' numbers, ranges such as 7..12, or last; without them, filters select")
    .optionsGroup("Main options:")
    .option("-t, --to <target>", "URL, port, path or host:port/path (default: where the delivery was forwarded to)")
    .option("--set <path=value>", "change a value of the body, or add one (repeatable)", collect)
    .option("--edit", "change the body in your editor ($VISUAL or $EDITOR) first")
    .option("--dry-run", "print the requests, send nothing")
    .optionsGroup("Filters:");
  addFilters(command)
    .optionsGroup("More options:")
    .option("--exact", "send exactly the headers and bytes that came, and nothing else")
    .option(...EXPECT_STATUS_FLAG)
    .option(...SHOW_SECRETS_FLAG);
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks replay last",
        "zoho-hooks replay 42 --to 3000 --set invoice.total=99",
        "zoho-hooks replay 3 7..12",
        "zoho-hooks replay --only failed --since yesterday --until today",
        "zoho-hooks replay --since 10m --event 'crm:Leads.*'",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(replayEvents));
};

interface ReplayFlags extends Omit<ReplayOptions, "edit">, MaskOptions {
  readonly edit?: boolean;
}

async function replayEvents(
  context: CommandContext,
  numbers: readonly string[],
  flags: ReplayFlags,
): Promise<ExitCode> {
  const { edit: edits, showSecrets, ...options } = flags;
  const workspace = openWorkspace(context, { showSecrets });
  const edit = (body: Buffer) => editBody(context, workspace.config.env, body);
  return present(context, replay(workspace, numbers, edits ? { ...options, edit } : options));
}

const HELP = `
A delivery is sent as listen forwards it: the bytes and headers that came, plus its number in x-zoho-hooks-event.
If its body was changed, or its signature has a timestamp, it is signed again, provided that a secret is configured.
Filters and ranges choose among the deliveries that your app should have received. To send one that was refused, give
its number. The settings forwardTimeout and insecure apply here, too.

Exits with 0 if every delivery was answered with 2xx, else with 5; with 2 if filters chose only what is not sent. With
--expect-status, exits with 0 if every delivery got such an answer, else with 8. What your app does not accept has
failed from then on, also what it had accepted before: replay --only failed sends it again. A changed body, or another
target than the delivery has, changes nothing about that.`;
