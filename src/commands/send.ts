import type { Command } from "commander";
import { findingMasker } from "../checks/endpoint/results.ts";
import type { Finding } from "../checks/finding.ts";
import { writeResults } from "../checks/summaries.ts";
import { openWorkspace } from "../operations/workspace.ts";
import { EXPECT_STATUS_FLAG } from "../send/flags.ts";
import type { SendFlags } from "../send/plan.ts";
import { send } from "../send/send.ts";
import type { SentCount } from "../send/tally.ts";
import { examples } from "../terminal/help.ts";
import type { ExitCode } from "../util/errors.ts";
import type { CommandContext, Define } from "./command.ts";
import { collect, JUNIT_FLAG } from "./flags/index.ts";

const HELP = `
The target of --to:
  3000               http://localhost:3000/webhooks/zoho/<product>
  /path              that path on the running listen
  host:3000/path     http://host:3000/path
  https://host/path  exactly that; :product in the path is replaced by the product

Exits with 0 if every delivery was answered with 2xx, else with 5. One with a fault has to be refused (400, 401, 403
or 422): exits with 8 if it was accepted. With --expect-status, exits with 0 if every delivery got such an answer, else
with 8. When you stop it with Ctrl-C, only the answers so far count.

To send broken JSON, cut bodies, slow bodies or repeats: zoho-hooks check. To send the same bytes again: zoho-hooks replay
last --exact.`;

export const define: Define = (command, act) => {
  command
    .argument("[product]", "crm, desk, books, … (see zoho-hooks products)")
    .argument("[event]", "Leads.create, Ticket_Add, invoice, …; not needed with --data");
  addTargetOptions(addContentOptions(addMainOptions(command)))
    .addHelpText(
      "before",
      examples(
        "zoho-hooks send crm Leads.create --to 3000",
        "zoho-hooks send books invoice --set invoice.total=99",
        "zoho-hooks send books --all --to http://localhost:3000/hooks/:product",
        "zoho-hooks send crm --data @payload.json --to 3000",
        "zoho-hooks send desk --challenge --to 3000     would Desk save this URL?",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(sendSamples));
};

function sendSamples(
  context: CommandContext,
  product: string | undefined,
  event: string | undefined,
  options: SendFlags,
): Promise<ExitCode> {
  const { junit } = options;
  const workspace = openWorkspace(context);
  const readInput = () => context.stdin.read();
  if (junit === undefined) return send(workspace, product, event, { ...options, readInput });
  return send(workspace, product, event, {
    ...options,
    readInput,
    onEnd(results, seconds) {
      const command = "zoho-hooks send";
      writeResults(context, junit, {
        command,
        name: command,
        findings: sentFindings(results).map(findingMasker(context)),
        seconds,
      });
    },
  });
}

function addMainOptions(command: Command): Command {
  return command
    .optionsGroup("Main options:")
    .option("-t, --to <target>", "URL, port, path or host:port/path (default: this project's running listen)")
    .option("--all", "every event of the product; without one, of all products")
    .option("--set <path=value>", "change a value of the sample, or add one (repeatable)", collect)
    .option("--data <body>", "a body of your own: @file, - for standard input, or the text itself")
    .option("--format <format>", "wire: as Zoho's servers post it (default); guide: as in the Webhooks Guide; …")
    .option("--count <n>", "send this many deliveries, each a different event", "1")
    .option("--bad-signature", "sign with a wrong secret: does the app refuse it?")
    .option("--bad-token", "use a wrong token: does the app refuse it?")
    .option("--dry-run", "print the request, send nothing")
    .option("--curl", "print the curl command that would send it, send nothing");
}

function addContentOptions(command: Command): Command {
  return command
    .optionsGroup("What is sent:")
    .option("-H, --header <name: value>", "add a header (repeatable)", collect)
    .option("--no-fresh", "send the sample unchanged, without new ids and current times")
    .option("--seed <n>", "use the same new ids on every run, and the sample's own times; with --data too")
    .option("--challenge [value]", "send the challenge or probe that precedes the first event, and check the answer")
    .option("--no-signature", "do not sign")
    .option("--concurrency <n>", "how many to send at the same time, at most 256", "1");
}

function addTargetOptions(command: Command): Command {
  return command
    .optionsGroup("The app and its answer:")
    .option("--timeout <time>", "give up on an answer after this long", "30s")
    .option(...EXPECT_STATUS_FLAG)
    .option(...JUNIT_FLAG)
    .option("--insecure", "accept a self-signed certificate");
}

/** Results of `send`: one per event. */
function sentFindings(counts: readonly SentCount[]): readonly Finding[] {
  return counts.map(({ name, sent, failed, failure }) => ({
    id: name,
    outcome: failed > 0 ? "failed" : "passed",
    text:
      failed > 0 ? `${failed} of ${sent} failed: ${failure?.error ?? `answered ${failure?.status}`}` : `${sent} sent`,
    remedy: failure?.hint ?? undefined,
  }));
}
