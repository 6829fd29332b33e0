import type { Finding } from "../../checks/finding.ts";
import { writeResults } from "../../checks/summaries.ts";
import { type RunningInspector, startInspector } from "../../inspector/start.ts";
import { listen } from "../../listener/listen.ts";
import type { LogPart } from "../../listener/log-part.ts";
import { type ListenOptions, noLog, type Plan } from "../../listener/plan.ts";
import type { RunResult } from "../../listener/tally.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, errorText } from "../../util/errors.ts";
import type { CommandContext, Define } from "../command.ts";
import { addListenFlags, takesKeys } from "./flags.ts";

export const define: Define = (command, act) => {
  addListenFlags(command);
  command.addHelpText("before", EXAMPLES).addHelpText("after", HELP).action(act(start));
};

const EXAMPLES = examples(
  "zoho-hooks listen 3000                       forward to your app on port 3000",
  "zoho-hooks listen 3000 --tunnel cloudflared  with a public URL, without an account",
  "zoho-hooks listen 3000 --exec 'npm test' --expect crm:Leads.create=2",
  "zoho-hooks listen 3000 --register 'desk:Ticket_*,sign:*,crm:Leads.create'",
  "zoho-hooks listen --json | jq .event",
);

const HELP = `
Point webhooks to /webhooks/zoho/<product>, or to /webhooks/zoho to have the product recognised from the body.
Signatures and tokens are checked with ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN (or ZOHO_WEBHOOK_SECRET_DESK and the
like, for one product only); with _FILE at its end, a variable names a file with the secret. SalesIQ and Cliq need
ZOHO_WEBHOOK_PUBLIC_KEY: the key, or the name of a file with it. Mail sends its secret when you set up its webhook:
listen keeps it and uses it from then on. If you set the webhook up earlier, set ZOHO_WEBHOOK_HOOK_SECRET instead.
Every delivery is saved in the event log before it is answered: see zoho-hooks events. The log needs Node 22.13 or later;
with an older one, install better-sqlite3@12, which --forward-to also needs.

In a terminal, single keys look at events and replay them: press ? for the list. --no-keys turns them off.

--tunnel cloudflared starts your own cloudflared, and needs no account. Its URL is a new one at each start, and what is
sent to it passes through Cloudflare. In a terminal, the key t opens and closes it.

--exec gives the command the URLs in its environment. After the command succeeds, listen waits for the --expect events.
Exit code 0: all arrived; 8: --timeout came first, by default 60s after the command has ended; 5: your app did not take
what arrived. Repeats are not counted.

--on-failed runs its command at once, then at most once a minute for each app. Its environment has
ZOHO_HOOKS_FAILED_TARGET, ZOHO_HOOKS_FAILED_STATE (down or failed), ZOHO_HOOKS_FAILED_REASON, ZOHO_HOOKS_FAILED_COUNT, the
deliveries that have failed since its last run, and ZOHO_HOOKS_FAILED_NUMBERS, their numbers, for zoho-hooks replay.

--register has Zoho post to the public URL while listen runs: it creates a webhook in Desk or Sign, or a notification
channel in CRM, Bigin or Recruit, moves it when the URL changes, and deletes it at the end. --channel is short for events
of CRM. What an earlier listen of the folder left behind is taken over; a webhook is known by its name, and no other is
touched. If the sign-in's servers are on this machine, they get the local URL, and no tunnel is opened unless you ask for
one. Sign in first, with the scopes of each product: zoho-hooks login --product desk --product sign. The exit code is 9 if
one was lost, and 7 if one could not be deleted.`;

async function start(
  context: CommandContext,
  target: string | undefined,
  options: ListenOptions,
): Promise<ExitCode | number> {
  // Loaded only where somebody can press them.
  const createKeys = takesKeys(context, options) ? (await import("./keys/index.ts")).createKeys : undefined;
  return listen(context, target, options, {
    createKeys,
    createInspector,
    onEnd(result) {
      if (options.junit === undefined) return;
      const command = "zoho-hooks listen";
      const { seconds } = result;
      writeResults(context, options.junit, { command, name: command, findings: runFindings(result), seconds });
    },
  });
}

/** Results of a `listen` with `--expect` or `--exec`. */
function runFindings({ expectations, program }: RunResult): readonly Finding[] {
  const expected = expectations.map(({ event, wanted, came }): Finding => {
    const outcome = came < wanted ? "failed" : "passed";
    return { id: `expect.${event}`, outcome, text: `${came} of ${wanted} arrived` };
  });
  if (program === undefined) return expected;
  const outcome = program === ExitCode.ok ? "passed" : "failed";
  const text = program === "timed out" ? "did not finish in time" : `exited with ${program}`;
  return [...expected, { id: "exec", outcome, text }];
}

/** The inspector of a run, which is started on demand. It has no part in receiving: the run goes on without it. */
export function createInspector(context: CommandContext, plan: Plan, log?: Pick<LogPart, "startedAfter">) {
  const { config, flags, options } = plan;
  let running: Promise<RunningInspector | undefined> | undefined;
  const warn = (message: string): void => {
    running = undefined;
    context.report({ type: "warning", message, hint: "to start it again: zoho-hooks ui" });
  };
  return {
    name: "the inspector",
    async start() {
      if (config.settings.store === false) throw noLog();
      running ??= startInspector(context, {
        flags,
        showSecrets: options.showSecrets === true,
        startedAfter: log?.startedAfter,
        onEnded: (reason) => warn(`the inspector has ended by itself: ${reason}`),
      }).catch((error: unknown) => {
        warn(`the inspector could not be started: ${errorText(error)}`);
        return undefined;
      });
      const inspector = await running;
      // The next time it may have ended.
      if (inspector?.isOther === true) running = undefined;
      return inspector?.address;
    },
    async stop() {
      await (await running)?.stop();
    },
  };
}
