import type { RegistrationEnd } from "../channels/delete-on-exit.ts";
import type { Registered } from "../channels/lines.ts";
import { openLiveChannel } from "../channels/live-channel.ts";
import { notifyUrl } from "../channels/notify-url.ts";
import { openZoho, type ZohoSession } from "../channels/session.ts";
import { type ChannelReservation, deleteOrphans, reserveChannel } from "../channels/take-over.ts";
import { crmWatch } from "../channels/watch-products.ts";
import type { Credential, Secret, Secrets } from "../delivery/secrets.ts";
import type { Log } from "../log/log.ts";
import type { Config } from "../project/load.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { ExitCode, errorText, UserError, usageError } from "../util/errors.ts";
import { isLocalZoho } from "../zoho-api/data-centres.ts";
import { warnOfFixedToken } from "../zoho-api/session.ts";
import type { SignIn } from "../zoho-api/sign-in.ts";
import { openLiveWebhook, reserveWebhook } from "../zoho-webhooks/live-webhook.ts";
import { createRecordReader } from "./expand.ts";
import type { ListenContext } from "./lines.ts";
import type { Part, RegisteredPart, RegistrationPart } from "./part.ts";
import type { Registration } from "./registrations.ts";
import { startSharedChannel } from "./shared-channel.ts";
import { requireStoreKey, type SharedSecretsPart } from "./shared-secrets.ts";

interface ZohoOptions {
  readonly registrations: readonly Registration[];
  /** Whether the records of notifications are fetched. */
  readonly expand: boolean;
  readonly config: Config;
  /** Receivers share the log, and with it the channel. */
  readonly isShared: boolean;
  /** A channel or webhook is lost for good. */
  onLost(error: unknown): void;
}

/** Parts that receivers on one log share. */
interface SharedParts {
  readonly log: Log;
  readonly shared: SharedSecretsPart;
}

/** The sessions with Zoho's APIs. `--expand` fetches the record of each notification over one. */
export interface ZohoPart extends Part {
  /** The given secrets, and those of what is registered: they have to be known before it exists. */
  readonly secrets: Secrets;
  /** Undefined where nothing is to be registered. `baseUrl`: the receiver's, as Zoho reaches it. */
  register?(baseUrl: string, shared: SharedParts | undefined): Promise<RegisteredPart>;
}

/** Signs in for `--register` and `--expand`. */
export async function startZoho(context: ListenContext, given: ZohoOptions): Promise<ZohoPart> {
  const { registrations, expand, config } = given;
  const reserved: Reserved[] = [];
  let records: ReturnType<typeof createRecordReader> | undefined;
  let session: ZohoSession | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(reserved.map(({ release }) => release()));
    await records?.close();
    await session?.http.close();
  };
  try {
    for (const each of registrations) reserved.push(await reserve(context, given, each));
    const [first] = reserved;
    const effect = "from then on what listen has registered can be neither moved nor deleted";
    if (first !== undefined) warnOfFixedToken(context, first.signIn, effect);
    if (expand) {
      session = await openZoho(context, config, { product: crmWatch.id });
      records = createRecordReader(context, session);
    }
  } catch (error) {
    await close();
    throw withProducts(error, registrations);
  }
  return {
    name: "the connection to Zoho",
    secrets: withSecrets(
      config.secrets,
      reserved.flatMap(({ added }) => added ?? []),
    ),
    onEvent: records?.read,
    stop: close,
    register: reserved.length === 0 ? undefined : (baseUrl, shared) => register(context, reserved, baseUrl, shared),
  };
}

/** Has who is not signed in at all ask for the scopes of all products at once. */
function withProducts(error: unknown, registrations: readonly Registration[]): unknown {
  if (!(error instanceof UserError) || error.code !== "not_signed_in") return error;
  const flags = registrations.map(({ product }) => ` --product ${product.id}`).join("");
  const hint = error.hint?.replace("zoho-hooks login", `zoho-hooks login${flags}`);
  return new UserError("credentials", error.message, hint, error.code);
}

interface AddedSecret {
  readonly credential: Credential;
  readonly product: string;
  readonly secret: Secret;
}

/** A registration whose secret is known and that no other listener has. It does not exist at Zoho yet. */
interface Reserved {
  readonly signIn: SignIn;
  /** Undefined where the project's secrets have it. */
  readonly added: AddedSecret | undefined;
  start(baseUrl: string, shared: SharedParts | undefined): Promise<RegistrationPart>;
  release(): Promise<void>;
}

/** They count beside the configured ones, each for its own product. */
function withSecrets(secrets: Secrets, added: readonly AddedSecret[]): Secrets {
  return {
    for: (credential, ofProduct) => [
      ...secrets.for(credential, ofProduct),
      ...added.flatMap((each) => (each.credential === credential && each.product === ofProduct ? [each.secret] : [])),
    ],
    all: () => [...secrets.all(), ...added.map(({ secret }) => secret)],
  };
}

function reserve(context: ListenContext, given: ZohoOptions, registration: Registration): Promise<Reserved> {
  return registration.kind === "channel"
    ? reserveOwnChannel(context, given, registration)
    : reserveOwnWebhook(context, given, registration);
}

async function reserveOwnChannel(
  context: ListenContext,
  { config, isShared, onLost }: ZohoOptions,
  { product, events }: Registration & { kind: "channel" },
): Promise<Reserved> {
  if (isShared) requireStoreKey(config);
  const session = await openZoho(context, config, { product: product.id });
  const [token] = config.secrets.for("token", product.id);
  const { paths } = config.settings;
  const open = (own: ZohoSession, reservation: ChannelReservation, baseUrl: string) =>
    startRegistration(context, {
      name: `channel ${reservation.id}`,
      urlAt: (base) => webhookUrl(base, product.id, paths),
      baseUrl,
      isZohoLocal: own.isZohoLocal,
      onLost,
      async open(url, onEnd) {
        const channel = await openLiveChannel({ context, session: own, reservation, events, url, onEnd });
        // Nobody would delete the channel of this run if the start failed here.
        await deleteOrphans(context, own, url).catch((error: unknown) => {
          const message = `channels that an earlier listen left behind were not deleted: ${errorText(error)}`;
          context.report({ type: "warning", message, hint: `see ${own.command("list")}` });
        });
        return channel;
      },
    });
  const { signIn, http } = session;
  if (isShared)
    return {
      signIn,
      added: undefined,
      start(baseUrl, shared) {
        if (shared === undefined) throw new Error("the log is a shared one");
        const openOwn = (own: ZohoSession, reservation: ChannelReservation) => open(own, reservation, baseUrl);
        return startSharedChannel(context, { session, configured: token, baseUrl, paths, ...shared, open: openOwn });
      },
      release: async () => http.close(),
    };
  const reservation = await reserveChannel(context, session, token).catch(async (error: unknown) => {
    await http.close();
    throw error;
  });
  return {
    signIn,
    added: { credential: "token", product: product.id, secret: reservation.token },
    start: (baseUrl) => open(session, reservation, baseUrl),
    async release() {
      await reservation.lock.release();
      await http.close();
    },
  };
}

async function reserveOwnWebhook(
  context: ListenContext,
  { config, isShared, onLost }: ZohoOptions,
  { product, events }: Registration & { kind: "webhook" },
): Promise<Reserved> {
  if (isShared)
    throw usageError(
      `--register: receivers that share a log have one URL that stays, and listen registers no webhook of ${product.title} for them`,
      `create one that stays: ${context.invocation} webhooks create ${events.join(" ")} --product ${product.id} --url https://…`,
    );
  const reservation = await reserveWebhook(context, config, product);
  const { session, lock, keySet } = reservation;
  return {
    signIn: session.signIn,
    added: keySet && { credential: "jwks", product: product.id, secret: keySet },
    start: (baseUrl) =>
      startRegistration(context, {
        name: `the webhook of ${product.title}`,
        urlAt: (base) => webhookUrl(base, product.id, config.settings.paths),
        baseUrl,
        isZohoLocal: isLocalZoho(session.signIn.hosts),
        plainHttp: product.plainHttp === true,
        onLost,
        open: (url, onEnd) => openLiveWebhook({ context, reservation, events, url, onEnd }),
      }),
    async release() {
      await lock.release();
      await session.http.close();
    },
  };
}

/** Registers all at once. If one fails, the others are deleted again. */
async function register(
  context: ListenContext,
  reserved: readonly Reserved[],
  baseUrl: string,
  shared: SharedParts | undefined,
): Promise<RegisteredPart> {
  const started = await context.waiting("Registering at Zoho …", () =>
    Promise.allSettled(reserved.map(async (each) => each.start(baseUrl, shared))),
  );
  const parts = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failure = started.find((each) => each.status === "rejected");
  const stop: Part["stop"] = async (drainUntil) => void (await Promise.all(parts.map((part) => part.stop(drainUntil))));
  if (failure !== undefined) {
    await stop(undefined);
    throw failure.reason;
  }
  return {
    name: "what is registered at Zoho",
    notes: parts.flatMap(({ notes = [] }) => notes),
    onMoved(url) {
      for (const part of parts) part.onMoved?.(url);
    },
    state: () => parts.flatMap((part) => part.state() ?? []),
    stop,
    exitCode() {
      const codes = parts.map((part) => part.exitCode());
      return (
        codes.find((code) => code === ExitCode.connectionLost) ??
        codes.find((code) => code !== ExitCode.ok) ??
        ExitCode.ok
      );
    },
  };
}

/** A channel or webhook of this run. */
interface LiveRegistration {
  state(): Registered;
  moveTo(url: string): Promise<void>;
  leave?(): Promise<void>;
  close(): Promise<RegistrationEnd>;
}

async function startRegistration(
  context: ListenContext,
  {
    name,
    urlAt,
    baseUrl,
    onLost,
    open,
    ...reach
  }: {
    readonly name: string;
    /** URL of the receiver for this product. */
    readonly urlAt: (baseUrl: string) => string;
    readonly baseUrl: string;
    readonly isZohoLocal: boolean;
    readonly plainHttp?: boolean;
    onLost(error: unknown): void;
    open(url: string, onEnd: (error: unknown) => void): Promise<LiveRegistration>;
  },
): Promise<RegistrationPart> {
  let moving: Promise<void> = Promise.resolve();
  let exitCode: ExitCode = ExitCode.ok;
  const onEnd = (error: unknown): void => {
    exitCode = ExitCode.connectionLost;
    const message = `${name} was lost: ${errorText(error)}`;
    onLost(
      error instanceof UserError ? new UserError("connectionLost", message, error.hint, "registrationLost") : error,
    );
  };
  const live = await open(notifyUrl(context, urlAt(baseUrl), reach), onEnd);
  return {
    name,
    onMoved(newUrl) {
      moving = moving.then(() => live.moveTo(urlAt(newUrl)));
    },
    state: () => live.state(),
    leave: async () => live.leave?.(),
    async stop() {
      const end = await live.close();
      // A move that was under way is over by now.
      if (exitCode !== ExitCode.ok || live.state().isLost || end === "gone") exitCode = ExitCode.connectionLost;
      else if (end === "left") exitCode = ExitCode.zohoApi;
    },
    exitCode: () => exitCode,
  };
}
