import { findProduct } from "../../contract/event-names.ts";
import { maskUrl } from "../../delivery/mask.ts";
import { parseSince } from "../../events/filter.ts";
import type { TableReport } from "../../process/messages.ts";
import { products } from "../../products/index.ts";
import type { Context } from "../../project/context.ts";
import { type Config, loadConfig } from "../../project/load.ts";
import { clockTime } from "../../terminal/event.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { counted, formatDay } from "../../util/units.ts";
import type { FailedDelivery, FailureLog, FoundFailures } from "../../webhooks/failure-log.ts";
import { readFailures, resendFailure } from "../../webhooks/failures.ts";
import { failureLogs, failurePlaces, findFailureLog } from "../../webhooks/index.ts";
import { type ZohoApi, zohoApi } from "../../zoho-api/api.ts";
import { confirm } from "../../zoho-api/confirm.ts";
import { openSignIn, sessionTokens, zohoHttp } from "../../zoho-api/session.ts";
import { type SignIn, signInAgain } from "../../zoho-api/sign-in.ts";
import type { Define } from "../command.ts";

interface FailuresOptions {
  readonly product?: string;
  readonly since: string;
  readonly resend?: boolean;
  readonly yes?: boolean;
  readonly org?: string;
  readonly profile?: string;
}

export const defineFailures: Define = (command, act) => {
  command
    .command("failures")
    .description("List the deliveries that Zoho could not make, and ask for them again.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks failures",
        "zoho-hooks webhooks failures --product crm --since 2026-05-01T10:00",
        "zoho-hooks webhooks failures --product salesiq --resend",
      ),
    )
    .option(
      `--product <${failureLogs.map(({ id }) => id).join("|")}>`,
      "only this product (default: all that the sign-in may read)",
    )
    .option("--since <time>", "only what failed in the last 10m, 2h or 7d, or since 2026-05-01T10:00", "7d")
    .option("--resend", "ask Zoho to send them again (SalesIQ)")
    .option("-y, --yes", "do not ask")
    .option("--org <name>", "the screen name of the SalesIQ portal (default: the only one that you have access to)")
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: FailuresOptions) => {
        const logs = chosenLogs(options);
        const since = parseSince(options.since, context.now());
        return withSession(context, options, async (session) => {
          const found = await readAll(context, session, logs, { since, org: options.org?.trim() });
          if (options.product === undefined) reportPlaces(context);
          const failed = found.exitCode;
          if (options.resend !== true) return failed;
          return (await resend(context, session, found.lists, options)) || failed;
        });
      }),
    );
};

const HELP = `
Zoho CRM lists the webhooks of its workflow rules that failed in the last 89 days. It has no call that sends one again,
and does not list notifications of channels. SalesIQ lists what its REST webhooks could not deliver, and sends it again.

CRM needs an additional scope: zoho-hooks login --scope ZohoCRM.settings.automation_actions.READ`;

function chosenLogs({ product, resend }: FailuresOptions): readonly FailureLog[] {
  if (product === undefined) return failureLogs;
  const log = findFailureLog(product, findProduct(products, product)?.title);
  if (resend === true && log.refusal === undefined)
    throw usageError(`--resend: ${log.title} has no call that sends a failed delivery again`, "list them without it");
  return [log];
}

interface FailureSession {
  readonly config: Config;
  readonly signIn: SignIn;
  apiOf(log: FailureLog): ZohoApi;
}

async function withSession<T>(
  context: Context,
  { profile }: FailuresOptions,
  work: (session: FailureSession) => Promise<T>,
): Promise<T> {
  const config = loadConfig(context);
  const signIn = await openSignIn(context, config, profile);
  const http = zohoHttp(context, config);
  const tokens = sessionTokens(context, signIn, http);
  try {
    return await work({
      config,
      signIn,
      apiOf: (product) => zohoApi({ http, tokens, signIn, product, now: context.now }),
    });
  } finally {
    await http.close();
  }
}

interface FailureList extends FoundFailures {
  readonly log: FailureLog;
  readonly api: ZohoApi;
}

/** One product that cannot be read does not hide the others. Throws if none can be read. */
async function readAll(
  context: Context,
  session: FailureSession,
  logs: readonly FailureLog[],
  { since, org }: { readonly since: Date; readonly org: string | undefined },
): Promise<{ readonly lists: readonly FailureList[]; readonly exitCode: ExitCode }> {
  const lists: FailureList[] = [];
  const errors: UserError[] = [];
  for (const log of logs) {
    try {
      if (logs.length > 1) requireScope(session.signIn, log);
      const from = earliest(context, log, since);
      const api = session.apiOf(log);
      const { signal } = context;
      const found = await context.waiting(`asking ${log.title} for failed deliveries`, () =>
        readFailures(api, log, { since: from, org, signal }),
      );
      lists.push({ ...found, log, api });
      show(context, log, found, from);
    } catch (error) {
      if (!(error instanceof UserError) || logs.length === 1) throw error;
      errors.push(error);
      const { message, hint } = error;
      context.report({ type: "warning", message: `${log.title}: ${message}`, ...(hint && { hint }) });
    }
  }
  if (lists.length === 0 && errors[0] !== undefined) throw errors[0];
  // A sign-in need not be for every product.
  const failure = errors.find(({ exitCode }) => exitCode !== ExitCode.credentials);
  return { lists, exitCode: failure?.exitCode ?? ExitCode.ok };
}

/** The scopes of the environment's sign-in are not known: Zoho decides. */
function requireScope(signIn: SignIn, { id, readScopes, extraScope }: FailureLog): void {
  const { scopes } = signIn;
  if (scopes.length === 0 || readScopes.some((scope) => scopes.includes(scope))) return;
  const { how } = signInAgain(signIn, { product: id, scope: extraScope });
  throw new UserError(
    "credentials",
    `the sign-in lacks the scope ${readScopes[0]}`,
    `sign in again to grant it: ${how}`,
    "oauth_scope_mismatch",
  );
}

function earliest(context: Context, { title, maxDays }: FailureLog, since: Date): Date {
  const limit = new Date(context.now().getTime() - maxDays * 86_400_000);
  if (since >= limit) return since;
  const message = `${title} lists failed deliveries of the last ${maxDays} days only`;
  context.report({ type: "warning", message });
  return limit;
}

function show(context: Context, log: FailureLog, { items, more }: FoundFailures, since: Date): void {
  const failures = items.map((each) => ({ ...each, url: each.url && maskUrl(each.url) }));
  if (context.json) {
    for (const failure of failures) {
      context.report({ type: "webhook-failure", state: "failed", product: log.id, failure });
    }
  } else if (failures.length > 0) context.report(tableOf(log, failures));
  else {
    context.report({ type: "notice", message: `${log.title}: no failed delivery since ${localTime(since)}` });
  }
  if (!more) return;
  const message = `${log.title} has more failed deliveries than were read`;
  context.report({ type: "warning", message, hint: "ask for fewer with --since" });
}

/** Leaves out the columns that the product has no values for. */
function tableOf({ title }: FailureLog, failures: readonly FailedDelivery[]): TableReport {
  const columns: readonly (readonly [name: string, cell: (failure: FailedDelivery) => string])[] = [
    ["failed at", ({ at }) => (at === undefined ? "" : localTime(at))],
    ["webhook", ({ webhook }) => webhook ?? ""],
    ["rule", ({ rule }) => rule ?? ""],
    ["event", ({ event }) => event ?? ""],
    ["record", ({ record }) => record ?? ""],
    ["status", ({ status }) => (status === undefined ? "" : String(status))],
    ["reason", ({ reason }) => reason ?? ""],
    ["URL", ({ url }) => url ?? ""],
  ];
  const used = columns.filter(([, cell]) => failures.some((failure) => cell(failure) !== ""));
  return {
    type: "table",
    title: `${title}: ${counted(failures.length, "failed delivery", "failed deliveries")}`,
    columns: used.map(([name]) => name),
    rows: failures.map((failure) => used.map(([, cell]) => cell(failure))),
    json: [],
  };
}

function localTime(at: Date): string {
  return `${formatDay(at)} ${clockTime(at)}`;
}

function reportPlaces(context: Context): void {
  const message = "No documented call lists those of other products. Where Zoho shows them:";
  context.report({ type: "notice", message });
  for (const [id, place] of Object.entries(failurePlaces))
    context.report({ type: "notice", message: `  ${findProduct(products, id)?.title ?? id}: ${place}` });
}

/** The exit code is 7 unless Zoho sends all of them again. */
async function resend(
  context: Context,
  session: FailureSession,
  lists: readonly FailureList[],
  options: FailuresOptions,
): Promise<ExitCode> {
  const wanted = lists.flatMap(({ log, api, items }) =>
    items.flatMap((failure) => (failure.again === undefined ? [] : [{ log, api, failure }])),
  );
  const kept = lists.flatMap(({ items }) => items).length - wanted.length;
  if (kept > 0) {
    const message = `${counted(kept, "delivery", "deliveries")} cannot be sent again: Zoho has no call for it`;
    context.report({ type: "warning", message });
  }
  if (wanted.length === 0) {
    context.report({ type: "notice", message: "nothing to send again" });
    return ExitCode.ok;
  }
  const titles = [...new Set(wanted.map(({ log }) => log.title))].join(" and ");
  const question = `Send ${counted(wanted.length, "failed delivery", "failed deliveries")} of ${titles} again?`;
  if (!(await confirm(context, session, question, options))) {
    context.report({ type: "notice", message: "nothing was sent again" });
    return ExitCode.ok;
  }
  let refused = 0;
  for (const [i, { log, api, failure }] of wanted.entries()) {
    const refusal = await resendFailure(api, log, failure, context.signal).catch((error: unknown) => {
      const message = `${counted(wanted.length - i, "delivery was", "deliveries were")} not sent again`;
      context.report({ type: "warning", message });
      throw error;
    });
    if (refusal !== undefined) refused++;
    const state = refusal === undefined ? "resent" : "not-resent";
    const shown = { ...failure, url: failure.url && maskUrl(failure.url) };
    context.report({ type: "webhook-failure", state, product: log.id, failure: shown, refusal });
  }
  return refused > 0 ? ExitCode.zohoApi : ExitCode.ok;
}
