import { maskUrl } from "../delivery/mask.ts";
import { findProduct } from "../model/event-names.ts";
import type { TableReport } from "../process/messages.ts";
import { products } from "../products/index.ts";
import type { Config } from "../project/load.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { counted, formatDay } from "../util/units.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { zohoApi } from "../zoho-api/api.ts";
import { isThrottled, readFault, replyError, ZohoApiError } from "../zoho-api/errors.ts";
import { confirm, openSignIn, withHttp, type ZohoOptions } from "../zoho-api/session.ts";
import { type SignIn, signInAgain, signInError } from "../zoho-api/sign-in.ts";
import { failureLogs, failurePlaces, findFailureLog } from "./index.ts";
import { failureLine, type WebhookContext } from "./lines.ts";
import type { FailedDelivery, FailureLog, FoundFailures, SendCall } from "./product-api.ts";

export interface FailuresOptions extends ZohoOptions {
  readonly resend?: boolean;
  readonly yes?: boolean;
  readonly org?: string;
}

export function chosenLogs({ product, resend }: FailuresOptions): readonly FailureLog[] {
  if (product === undefined) return failureLogs;
  const log = findFailureLog(product, findProduct(products, product)?.title);
  if (resend === true && log.refusal === undefined)
    throw usageError(`--resend: ${log.title} has no call that sends a failed delivery again`, "list them without it");
  return [log];
}

/** Shows the deliveries that failed since a time, and with `resend` asks Zoho to send them again. */
export async function failures(
  context: WebhookContext,
  config: Config,
  logs: readonly FailureLog[],
  since: Date,
  options: FailuresOptions,
): Promise<ExitCode> {
  const signIn = await openSignIn(context, config, options.profile);
  return withHttp(context, config, async (http) => {
    const tokens = accessTokens(context, signIn, http);
    const sendTo = (product: FailureLog): SendCall => sender(context, { http, tokens, signIn, product });
    const found: FailureList[] = [];
    const errors: UserError[] = [];
    for (const log of logs) {
      try {
        if (logs.length > 1) requireScope(signIn, log);
        found.push(await listFailures(context, log, sendTo(log), { since, org: options.org?.trim() }));
      } catch (error) {
        // One product that cannot be read does not hide the others.
        if (!(error instanceof UserError) || logs.length === 1) throw error;
        errors.push(error);
        context.report({ type: "warning", message: `${log.title}: ${error.message}`, hint: error.hint });
      }
    }
    if (found.length === 0 && errors[0] !== undefined) throw errors[0];
    if (logs.length > 1) reportPlaces(context);
    // A sign-in need not be for every product.
    const failure = errors.find(({ exitCode }) => exitCode !== ExitCode.credentials)?.exitCode ?? ExitCode.ok;
    if (options.resend !== true) return failure;
    const question = (text: string): Promise<boolean> => confirm(context, { config, signIn }, text, options);
    return (await resend(context, found, question)) || failure;
  });
}

function sender(context: WebhookContext, access: Omit<Parameters<typeof zohoApi>[0], "now">): SendCall {
  const api = zohoApi({ ...access, now: context.now });
  return async (call, read) => {
    context.signal.throwIfAborted();
    const reply = await api.call({ ...call, signal: context.signal });
    const isFailed = readFault(reply.body) !== undefined || reply.status >= 300;
    const result = isFailed ? undefined : read(reply.body, reply.status);
    if (result === undefined) throw replyError(reply, reply.call);
    return result;
  };
}

/** The scopes of the environment's sign-in are not known: Zoho decides. */
function requireScope(signIn: SignIn, { id, readScopes, extraScope }: FailureLog): void {
  const { scopes } = signIn;
  if (scopes.length === 0 || readScopes.some((scope) => scopes.includes(scope))) return;
  const { how } = signInAgain(signIn, { product: id, scope: extraScope });
  throw signInError(
    `the sign-in lacks the scope ${readScopes[0]}`,
    `sign in again to grant it: ${how}`,
    "oauth_scope_mismatch",
  );
}

interface FailureList {
  readonly log: FailureLog;
  readonly send: SendCall;
  readonly items: readonly FailedDelivery[];
}

/** Shows the failed deliveries of one product, oldest first. Those of unknown time come first. */
async function listFailures(
  context: WebhookContext,
  log: FailureLog,
  send: SendCall,
  { since, org }: { readonly since: Date; readonly org: string | undefined },
): Promise<FailureList> {
  const { id, title, maxDays } = log;
  const limit = new Date(context.now().getTime() - maxDays * 86_400_000);
  const isLimited = since < limit;
  const from = isLimited ? limit : since;
  const warn = (message: string, hint?: string): void => context.report({ type: "warning", message, hint });
  if (isLimited) warn(`${title} lists failed deliveries of the last ${maxDays} days only`);
  const found: FoundFailures = await context.waiting(`asking ${title} for failed deliveries`, () =>
    log.read(send, { since: from, org }),
  );
  const timeOf = ({ at }: FailedDelivery): number => at?.getTime() ?? 0;
  const items = found.items
    .filter(({ at }) => at === undefined || at >= from)
    .sort((a, b) => timeOf(a) - timeOf(b))
    .map((each) => ({ ...each, url: each.url && maskUrl(each.url) }));
  if (context.json) {
    for (const failure of items) context.report(failureLine(id, "failed", failure));
  } else if (items.length > 0) context.report(tableOf(title, items));
  else context.report({ type: "notice", message: `${title}: no failed delivery since ${localTime(from)}` });
  if (found.more) warn(`${title} has more failed deliveries than were read`, "ask for fewer with --since");
  return { log, send, items };
}

/** Leaves out the columns that the product has no values for. */
function tableOf(title: string, items: readonly FailedDelivery[]): TableReport {
  const columns: readonly (readonly [name: string, cell: (failure: FailedDelivery) => string])[] = [
    ["failed at", ({ at }) => (at === undefined ? "" : localTime(at))],
    ["webhook", ({ webhook = "" }) => webhook],
    ["rule", ({ rule = "" }) => rule],
    ["event", ({ event = "" }) => event],
    ["record", ({ record = "" }) => record],
    ["status", ({ status = "" }) => String(status)],
    ["reason", ({ reason = "" }) => reason],
    ["URL", ({ url = "" }) => url],
  ];
  const used = columns.filter(([, cell]) => items.some((failure) => cell(failure) !== ""));
  return {
    type: "table",
    title: `${title}: ${counted(items.length, "failed delivery", "failed deliveries")}`,
    columns: used.map(([name]) => name),
    rows: items.map((failure) => used.map(([, cell]) => cell(failure))),
    json: [],
  };
}

function localTime(at: Date): string {
  return `${formatDay(at)} ${at.toTimeString().slice(0, 8)}`;
}

function reportPlaces(context: WebhookContext): void {
  const message = "No documented call lists the failures of other products. Where Zoho shows them:";
  context.report({ type: "notice", message });
  for (const [id, place] of Object.entries(failurePlaces))
    context.report({ type: "notice", message: `  ${findProduct(products, id)?.title ?? id}: ${place}` });
}

/** The exit code is 7 unless Zoho sends all of them again. */
async function resend(
  context: WebhookContext,
  lists: readonly FailureList[],
  confirmed: (question: string) => Promise<boolean>,
): Promise<ExitCode> {
  const wanted = lists.flatMap((list) =>
    list.items.flatMap((failure) => (failure.again === undefined ? [] : [{ ...list, failure, again: failure.again }])),
  );
  const left = lists.flatMap(({ items }) => items).length - wanted.length;
  if (left > 0) {
    const message = `${counted(left, "delivery", "deliveries")} cannot be sent again: Zoho has no call for it`;
    context.report({ type: "warning", message });
  }
  if (wanted.length === 0) {
    context.report({ type: "notice", message: "nothing to send again" });
    return ExitCode.ok;
  }
  const titles = [...new Set(wanted.map(({ log }) => log.title))].join(" and ");
  const question = `Send ${counted(wanted.length, "failed delivery", "failed deliveries")} of ${titles} again?`;
  if (!(await confirmed(question))) {
    context.report({ type: "notice", message: "nothing was sent again" });
    return ExitCode.ok;
  }
  let refused = 0;
  for (const [i, { log, send, failure, again }] of wanted.entries()) {
    let refusal: string | undefined;
    try {
      const { body } = await send(again, (body) => ({ body }));
      refusal = log.refusal?.(body, failure);
    } catch (error) {
      if (!(error instanceof ZohoApiError) || error.exitCode !== ExitCode.zohoApi || isThrottled(error)) {
        // The rest would fail as well.
        const message = `${counted(wanted.length - i, "delivery was", "deliveries were")} not sent again`;
        context.report({ type: "warning", message });
        throw error;
      }
      refusal = error.message;
    }
    if (refusal !== undefined) refused++;
    const state = refusal === undefined ? "resent" : "not_resent";
    context.report(failureLine(log.id, state, failure, refusal));
  }
  return refused > 0 ? ExitCode.zohoApi : ExitCode.ok;
}
