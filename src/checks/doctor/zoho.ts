import type { Channel } from "../../channels/channel.ts";
import { watchClient } from "../../channels/client.ts";
import { findWatchProduct, type WatchProduct, watchProductIds } from "../../channels/products.ts";
import { openZoho, type ZohoSession } from "../../channels/session.ts";
import { ExitCode, errorCode, UserError } from "../../util/errors.ts";
import { formatSpan } from "../../util/units.ts";
import { managedProducts } from "../../webhooks/index.ts";
import type { AccessToken } from "../../zoho-api/access-token.ts";
import { dataCentreOf } from "../../zoho-api/data-centres.ts";
import { chosenProfile } from "../../zoho-api/session.ts";
import { type SignIn, signInAgain } from "../../zoho-api/sign-in.ts";
import { channelFindings } from "./channels.ts";
import {
  bounded,
  type CheckedProject,
  type Finding,
  failed,
  fromError,
  isOffline,
  passed,
  silentContext,
  skipped,
  warning,
} from "./finding.ts";

/** The sign-in, its scopes and data centre, the clock, and the channels. */
export async function zohoFindings(project: CheckedProject): Promise<readonly Finding[]> {
  const { context, config, profile } = project;
  const silent = silentContext(context);
  let session: ZohoSession;
  try {
    session = await bounded(context.signal, () => openZoho(silent, { ...(profile && { profile }) }, config));
  } catch (error) {
    const isNone = errorCode(error) === "not_signed_in" && chosenProfile(config, profile) === undefined;
    if (!isNone) return [fromError("zoho.sign-in", error)];
    const text = "not signed in: scopes, data centre, clock and channels were not asked";
    return [skipped("zoho.sign-in", text, `zoho-hooks login (only channels and webhooks need it)`)];
  }
  const { signIn, tokens, http } = session;
  try {
    const token = await bounded(context.signal, (limit) => tokens.get(limit));
    return await withToken(project, session, token);
  } catch (error) {
    context.signal.throwIfAborted();
    const isThrottled = errorCode(error) === "token_throttled";
    const reason = isOffline(error) ? "Zoho could not be reached" : "the sign-in does not work";
    return [
      fromError("zoho.sign-in", error, isThrottled ? "warning" : "failed"),
      ...(signIn.scopes.length > 0
        ? scopeFindings(signIn, signIn.scopes)
        : [skipped("zoho.scopes", `not asked: ${reason}`)]),
      skipped("zoho.data-centre", `${signIn.centre.id}, by the sign-in; Zoho was not asked`),
      skipped("zoho.clock", `not asked: ${reason}`),
      skipped("channels", `not asked: ${reason}`),
    ];
  } finally {
    await http.close();
  }
}

async function withToken(
  project: CheckedProject,
  session: ZohoSession,
  token: AccessToken,
): Promise<readonly Finding[]> {
  const { config } = project;
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
  const signInError = errors.find(isSignIn);
  const others = errors.filter((error) => !isLack(error) && !isSignIn(error));
  const all = [...results.flatMap(({ findings }) => findings), ...others.map((error) => fromError("channels", error))];
  // What is wrong with all products is one line.
  const channels = all.filter(({ text }, i) => all.findIndex((each) => each.text === text) === i);
  return [
    signInFinding(signIn, signInError, others.length > 0 && others.length === results.length),
    ...(errors.some(isLack) ? [lackingFinding(signIn, session.product)] : scopeFindings(signIn, scopes)),
    centreFinding(signIn, token),
    clockFinding(dates, config.settings.tolerance),
    ...(channels.length > 0 ? channels : [noChannels(errors.length > 0 || products.length === 0)]),
  ];
}

/** `isUntried`: there was an access token, and no answer that accepts it. */
function signInFinding({ name, hosts }: SignIn, error: unknown, isUntried: boolean): Finding {
  const from = name === "environment" ? "from the environment" : `profile ${name}`;
  if (error !== undefined) return fromError("zoho.sign-in", error);
  if (isUntried) return skipped("zoho.sign-in", `${from}: not tried, since Zoho does not answer`);
  return passed("zoho.sign-in", `${from}: works`, { accounts: hosts.accountsUrl });
}

function noChannels(isForbidden: boolean): Finding {
  if (isForbidden) return skipped("channels", "not asked: the sign-in does not allow it");
  return passed("channels", "none was created here, and none posts to this project");
}

interface Listed {
  readonly findings: readonly Finding[];
  readonly error?: unknown;
}

/** The channels of one product. Records nothing. */
async function listChannels(
  project: CheckedProject,
  first: ZohoSession,
  product: WatchProduct,
  dates: number[],
): Promise<Listed> {
  const { context, config, profile } = project;
  const session =
    product.id === first.product.id
      ? first
      : await openZoho(silentContext(context), { product: product.id, ...(profile && { profile }) }, config);
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
    const found = channelFindings(project, session, listed);
    return { findings: await found.catch((error: unknown) => [fromError("channels", error)]) };
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

function scopeFindings(signIn: SignIn, scopes: readonly string[]): readonly Finding[] {
  if (scopes.length === 0) return [skipped("zoho.scopes", "Zoho does not name those of this sign-in")];
  const products = watchProducts().filter((each) => granted(each, scopes).length > 0);
  const [crm] = watchProducts();
  if (products.length === 0 && crm !== undefined) {
    const isForWebhooks = managedProducts.some(({ loginScopes }) =>
      loginScopes.some((scope) => scopes.includes(scope)),
    );
    return isForWebhooks
      ? [
          skipped(
            "zoho.scopes",
            "for webhooks only: channels need ZohoCRM.notifications.*",
            signInAgain(signIn, { product: "crm", scope: undefined }).how,
          ),
        ]
      : [lackingFinding(signIn, crm)];
  }
  const partly = products.flatMap((product) => {
    const operations = granted(product, scopes);
    const has = (...names: readonly string[]): boolean => ["ALL", ...names].some((each) => operations.includes(each));
    const isWhole = has("READ") && has("CREATE", "WRITE") && has("UPDATE", "WRITE") && has("DELETE");
    const again = signInAgain(signIn, { product: product.id, scope: undefined }).how;
    return isWhole ? [] : [warning("zoho.scopes", `${scopePrefix(product)} for ${operations.join(", ")} only`, again)];
  });
  if (partly.length > 0) return partly;
  const others = scopes.length - products.length;
  const text = products.map((each) => `${scopePrefix(each)}.*`).join(", ");
  return [passed("zoho.scopes", others > 0 ? `${text} and others` : text, { scopes: scopes.join(" ") })];
}

function lackingFinding(signIn: SignIn, product: WatchProduct): Finding {
  const again = signInAgain(signIn, { product: product.id, scope: undefined }).how;
  return failed("zoho.scopes", `no ${scopePrefix(product)}.*: channels cannot be used`, again);
}

function centreFinding(signIn: SignIn, { apiDomain }: AccessToken): Finding {
  const { centre, environment, hosts } = signIn;
  const named = apiDomain === undefined ? undefined : dataCentreOf(apiDomain);
  if (named !== undefined && named.id !== centre.id) {
    const text = `the sign-in says ${centre.id}, but Zoho names ${named.id} (${named.title})`;
    return warning("zoho.data-centre", text, `${signInAgain({ ...signIn, centre: named }).how}`);
  }
  const other = environment === "production" ? "" : `, ${environment}`;
  return passed("zoho.data-centre", `${centre.id} (${centre.title})${other}`, { api: hosts.apiUrl ?? apiDomain ?? "" });
}

/** Answers take time, and name whole seconds. */
const NOTICEABLE_OFFSET_MS = 5_000;
/** From here on the expiry of channels is computed by Zoho's clock. */
const WRONG_OFFSET_MS = 120_000;

function clockFinding([offsetMs]: readonly number[], toleranceMs: number): Finding {
  if (offsetMs === undefined) return skipped("zoho.clock", "not compared: Zoho named no time");
  const size = Math.abs(offsetMs);
  const text = `${formatSpan(size)} ${offsetMs < 0 ? "ahead of" : "behind"} Zoho's`;
  if (size <= NOTICEABLE_OFFSET_MS) return passed("zoho.clock", "as Zoho's");
  if (size < WRONG_OFFSET_MS) return passed("zoho.clock", text);
  const remedy = "set the system clock";
  if (size <= toleranceMs) return warning("zoho.clock", text, remedy);
  return failed("zoho.clock", `${text}: signatures with a time in them are refused`, remedy);
}
