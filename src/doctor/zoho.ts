import type { Channel } from "../channels/channel.ts";
import { watchClient } from "../channels/client.ts";
import { openZoho, type ZohoSession } from "../channels/session.ts";
import { findWatchProduct, type WatchProduct, watchProductIds } from "../channels/watch-products.ts";
import { type Found, failed, passed, skipped, warned } from "../checks/finding.ts";
import { ExitCode, errorCode, UserError } from "../util/errors.ts";
import { formatSpan } from "../util/units.ts";
import { dataCentreOf } from "../zoho-api/data-centres.ts";
import { chosenProfile } from "../zoho-api/session.ts";
import { type SignIn, signInAgain } from "../zoho-api/sign-in.ts";
import type { AccessToken } from "../zoho-api/token-refresh.ts";
import { managedProducts } from "../zoho-webhooks/index.ts";
import { checkChannels } from "./channels.ts";
import { bounded, type CheckedProject, fromRequest, isOffline, silentContext } from "./project.ts";

/** The sign-in, its scopes and data centre, the clock, and the channels. */
export async function checkZoho(project: CheckedProject): Promise<readonly Found[]> {
  return checkSession(project).catch((error: unknown) => {
    project.context.signal.throwIfAborted();
    return [fromRequest(error)];
  });
}

async function checkSession(project: CheckedProject): Promise<readonly Found[]> {
  const { context, config } = project;
  let session: ZohoSession;
  try {
    session = await bounded(context.signal, () => openZoho(silentContext(context), config, {}));
  } catch (error) {
    if (errorCode(error) !== "not_signed_in" || chosenProfile(config) !== undefined) throw error;
    const text = "not signed in: couldn't check scopes, data centre, clock and channels";
    return [skipped(text, "zoho-hooks login (only channels and webhooks need it)")];
  }
  const { signIn, tokens, http } = session;
  try {
    const token = await bounded(context.signal, (limit) => tokens.get(limit));
    return await checkWithToken(project, session, token);
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = `not checked: ${isOffline(error) ? "Zoho could not be reached" : "the sign-in does not work"}`;
    return [
      fromRequest(error, errorCode(error) === "token_throttled" ? "warning" : "failed"),
      ...(signIn.scopes.length > 0 ? checkScopes(signIn, signIn.scopes) : [as("zoho.scopes", skipped(reason))]),
      as("zoho.data-centre", skipped(`${signIn.centre.id}, as the sign-in says; not checked with Zoho`)),
      as("zoho.clock", skipped(reason)),
      as("channels", skipped(reason)),
    ];
  } finally {
    await http.close();
  }
}

function as(id: string, found: Found): Found {
  return { id, ...found };
}

async function checkWithToken(
  project: CheckedProject,
  session: ZohoSession,
  token: AccessToken,
): Promise<readonly Found[]> {
  const { signIn } = session;
  const scopes = signIn.scopes.length > 0 ? signIn.scopes : (token.scopes ?? []);
  const products =
    scopes.length === 0 ? [session.product] : watchProducts().filter((each) => granted(each, scopes).length > 0);
  const dates: number[] = [];
  const results = await Promise.all(products.map((product) => listChannels(project, session, product, dates)));
  const errors = results.flatMap(({ error }) => error ?? []);
  const isLack = (error: unknown): boolean => errorCode(error) === "oauth_scope_mismatch";
  const isSignIn = (error: unknown): boolean =>
    error instanceof UserError && error.exitCode === ExitCode.credentials && !isLack(error);
  const others = errors.filter((error) => !isLack(error) && !isSignIn(error));
  const all = [...results.flatMap(({ findings }) => findings), ...others.map((error) => fromRequest(error))];
  // What is wrong with all products is one line.
  const channels = all.filter(({ text }, i) => all.findIndex((each) => each.text === text) === i);
  const isForbidden = errors.length > 0 || products.length === 0;
  const none = isForbidden
    ? skipped("not checked: the sign-in does not allow it")
    : passed("none was created here, and none posts to this project");
  return [
    checkSignIn(signIn, errors.find(isSignIn), others.length > 0 && others.length === results.length),
    ...(errors.some(isLack) ? [lackOf(signIn, session.product)] : checkScopes(signIn, scopes)),
    as("zoho.data-centre", checkCentre(signIn, token)),
    as("zoho.clock", checkClock(dates, project.config.settings.tolerance)),
    ...(channels.length > 0 ? channels : [none]).map((found) => as("channels", found)),
  ];
}

/** `isUntried`: there was an access token, and no answer that accepts it. */
function checkSignIn({ name, hosts }: SignIn, error: unknown, isUntried: boolean): Found {
  const from = name === "environment" ? "from the environment" : `profile ${name}`;
  if (error !== undefined) return fromRequest(error);
  if (isUntried) return skipped(`${from}: not tried, since Zoho does not answer`);
  return passed(`${from}: works`, { accounts: hosts.accountsUrl });
}

interface Listed {
  readonly findings: readonly Found[];
  readonly error?: unknown;
}

/** The channels of one product. Records nothing. */
async function listChannels(
  project: CheckedProject,
  first: ZohoSession,
  product: WatchProduct,
  dates: number[],
): Promise<Listed> {
  const { context, config } = project;
  const session =
    product.id === first.product.id ? first : await openZoho(silentContext(context), config, { product: product.id });
  // The clients hide the answer, whose Date is Zoho's time.
  const call: ZohoSession["api"]["call"] = async (request) => {
    const reply = await session.api.call(request);
    if (reply.date !== undefined) dates.push(reply.date.getTime() - context.now().getTime());
    return reply;
  };
  try {
    const listed = await bounded(
      context.signal,
      (limit): Promise<readonly Channel[]> => watchClient({ ...session.api, call }, product, limit).list(),
    );
    // What fails here is not Zoho's refusal, such as a memory that cannot be read.
    const found = checkChannels(project, session, listed);
    return { findings: await found.catch((error: unknown) => [fromRequest(error)]) };
  } catch (error) {
    context.signal.throwIfAborted();
    return { findings: [], error };
  } finally {
    if (session !== first) await session.http.close();
  }
}

function watchProducts(): readonly WatchProduct[] {
  return watchProductIds.map((id) => findWatchProduct(id));
}

/** `ZohoCRM.notifications` */
function scopePrefix({ loginScopes: [scope = ""] }: WatchProduct): string {
  return scope.split(".").slice(0, 2).join(".");
}

/** The operations that scopes allow: `ALL`, `READ`. */
function granted(product: WatchProduct, scopes: readonly string[]): readonly string[] {
  const prefix = `${scopePrefix(product)}.`;
  return scopes.flatMap((scope) => (scope.startsWith(prefix) ? [scope.slice(prefix.length)] : []));
}

function checkScopes(signIn: SignIn, scopes: readonly string[]): readonly Found[] {
  if (scopes.length === 0) return [as("zoho.scopes", skipped("Zoho does not list the scopes of this sign-in"))];
  const products = watchProducts().filter((each) => granted(each, scopes).length > 0);
  if (products.length === 0) {
    const crm = findWatchProduct("crm");
    const isForWebhooks = managedProducts.some(({ loginScopes }) =>
      loginScopes.some((scope) => scopes.includes(scope)),
    );
    const text = "for webhooks only: channels need ZohoCRM.notifications.*";
    return [isForWebhooks ? as("zoho.scopes", skipped(text, againFor(signIn, crm))) : lackOf(signIn, crm)];
  }
  const partly = products.flatMap((product) => {
    const operations = granted(product, scopes);
    const has = (...names: readonly string[]): boolean => ["ALL", ...names].some((each) => operations.includes(each));
    const isWhole = has("READ") && has("CREATE", "WRITE") && has("UPDATE", "WRITE") && has("DELETE");
    const text = `${scopePrefix(product)} for ${operations.join(", ")} only`;
    return isWhole ? [] : [as("zoho.scopes", warned(text, againFor(signIn, product)))];
  });
  if (partly.length > 0) return partly;
  const text = products.map((each) => `${scopePrefix(each)}.*`).join(", ");
  const details = { scopes: scopes.join(" ") };
  return [as("zoho.scopes", passed(scopes.length > products.length ? `${text} and others` : text, details))];
}

function lackOf(signIn: SignIn, product: WatchProduct): Found {
  return as("zoho.scopes", failed(`no ${scopePrefix(product)}.*: channels cannot be used`, againFor(signIn, product)));
}

/** The command that signs in again with the scopes of a product. */
function againFor(signIn: SignIn, { id }: WatchProduct): string {
  return signInAgain(signIn, { product: id, scope: undefined }).how;
}

function checkCentre(signIn: SignIn, { apiDomain }: AccessToken): Found {
  const { centre, environment, hosts } = signIn;
  const named = apiDomain === undefined ? undefined : dataCentreOf(apiDomain);
  if (named !== undefined && named.id !== centre.id) {
    const text = `the sign-in says ${centre.id}, but Zoho names ${named.id} (${named.title})`;
    return warned(text, signInAgain({ ...signIn, centre: named }).how);
  }
  const other = environment === "production" ? "" : `, ${environment}`;
  return passed(`${centre.id} (${centre.title})${other}`, { api: hosts.apiUrl ?? apiDomain ?? "" });
}

/** Answers take time, and name whole seconds. */
const NOTICEABLE_OFFSET_MS = 5_000;
/** From here on the expiry of channels is computed by Zoho's clock. */
const WRONG_OFFSET_MS = 120_000;

function checkClock([offsetMs]: readonly number[], toleranceMs: number): Found {
  if (offsetMs === undefined) return skipped("not compared: Zoho named no time");
  const size = Math.abs(offsetMs);
  const text = `${formatSpan(size)} ${offsetMs < 0 ? "ahead of" : "behind"} Zoho's`;
  if (size <= NOTICEABLE_OFFSET_MS) return passed("as Zoho's");
  if (size < WRONG_OFFSET_MS) return passed(text);
  const remedy = "set the system clock";
  if (size <= toleranceMs) return warned(text, remedy);
  return failed(`${text}: signatures with a timestamp are rejected`, remedy);
}
