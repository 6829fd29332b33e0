import { CREDENTIAL_VARIABLES, noSecrets, type Secrets } from "../delivery/secrets.ts";
import type { Product } from "../model/product.ts";
import { apiAt } from "../project/inspector-access.ts";
import { defaults, type Settings } from "../project/settings.ts";
import type { Receiver } from "../receiver/receiver.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { acceptedUnsigned, canAllowUnsigned, type Unsigned } from "../recognition/unsigned.ts";
import { isLoopback } from "../util/hosts.ts";
import type { AdminPart } from "./admin.ts";
import type { ListenContext, ReadyReport } from "./lines.ts";
import type { LogPart } from "./log-part.ts";
import type { RegisteredPart } from "./part.ts";
import type { Plan } from "./plan.ts";
import { CLOUDFLARE_NOTE, type TunnelPart } from "./tunnel-part.ts";

export interface ReadyState {
  /** The configured secrets, and those of what is registered; undefined where nothing is received. */
  readonly secrets?: Secrets;
  readonly keySetUrl: string | undefined;
  readonly inspectorUrl: string | undefined;
  readonly takesKeys: boolean;
  readonly appAnswers: boolean | undefined;
  /** The notes of all parts. */
  readonly notes: readonly string[];
}

/** The parts that the ready block names; undefined where they were not started. */
interface ReadyParts {
  readonly receiver?: Receiver;
  readonly log?: LogPart;
  readonly tunnel?: TunnelPart;
  readonly registered?: RegisteredPart;
  readonly admin?: AdminPart;
}

/** Reports where the receiver is reached, what it checks and how to try it; without a receiver, where its deliveries come from. */
export function readyReport(
  context: ListenContext,
  plan: Plan,
  { receiver, log, tunnel, registered, admin }: ReadyParts,
  { secrets = noSecrets, notes, ...state }: ReadyState,
): ReadyReport {
  const { role, routes } = plan;
  const { settings } = plan.config;
  const { keySetUrl, inspectorUrl, appAnswers, takesKeys } = state;
  const line = {
    jwks_url: keySetUrl ?? null,
    inspector_url: inspectorUrl ?? null,
    api: inspectorUrl === undefined ? null : apiAt(inspectorUrl),
    app_answers: appAnswers ?? null,
  };
  const person = {
    forwardsTo: routes.texts,
    onInvalid: settings.onInvalid,
    metricsUrl: admin?.metricsUrl,
    takesKeys,
  };
  if (receiver === undefined) {
    return {
      type: "ready",
      role,
      url: null,
      public_url: null,
      urls: {},
      unsigned: [],
      events: settings.events,
      ...line,
      notes,
      registered: [],
      person: { ...person, ...NOTHING_RECEIVED, logPath: log?.log.path },
    };
  }
  const { options, products, unknownNames, allowed } = plan;
  const configured = Object.keys(settings.products).map((id) => id.toLowerCase());
  const own = products.filter(({ folder }) => folder !== undefined).map(({ id }) => id);
  // The project's products come first.
  const ids = [...new Set([...own, ...configured, ...products.map(({ id }) => id)])];
  const credentials = checkedWith(secrets, unknownNames);
  const ordered = ids.flatMap((id) => products.find((product) => product.id === id) ?? []);
  const unsigned = acceptedUnsigned(ordered, secrets);
  const publicUrl = tunnel?.url();
  const running = registered?.state() ?? [];
  const offersTunnel = publicUrl === undefined && settings.tunnel !== "none" && !plan.isZohoLocal;
  const isMirrored = settings.respond === "mirror";
  return {
    type: "ready",
    role,
    url: receiver.url,
    public_url: publicUrl ?? null,
    urls: Object.fromEntries(ids.map((id) => [id, webhookUrl(publicUrl ?? receiver.url, id, settings.paths)])),
    unsigned,
    events: settings.events,
    ...line,
    notes: [
      ...checkNotes(credentials, unsigned, settings),
      ...customNotes(secrets, settings, products),
      ...missingValueNotes(secrets, settings),
      ...(isMirrored && routes.empty ? ["--respond mirror has no effect without --forward-to."] : []),
      ...(settings.schema === "warn" ? [] : [`Schemas: ${settings.schema}.`]),
      ...(allowed === undefined ? [] : [`Accepting only from ${allowed.ranges.join(", ")}.`]),
      ...notes,
      ...(offersTunnel
        ? [
            "For a public URL, use --tunnel cloudflared, which needs no account, set NGROK_AUTHTOKEN, or use your own tunnel with --public-url.",
          ]
        : []),
    ].flat(),
    registered: running.map(({ isLost: _, ...hook }) => hook),
    person: {
      ...person,
      logPath: undefined,
      publicUrlNote: tunnel?.kind === "cloudflared" ? CLOUDFLARE_NOTE : undefined,
      path: webhookUrl("", "<product>"),
      paths: settings.paths.map((text) => text.replace(/=([^=]*)$/, " ($1)")),
      isMirrored,
      checks: [...credentials, ...(allowed === undefined ? [] : ["source addresses"])],
      offersTunnel,
      // Otherwise the program or Zoho sends.
      tryCommand:
        options.exec === undefined && running.length === 0
          ? tryCommand(context, settings.port, receiver.port, own[0] ?? configured[0] ?? "crm")
          : undefined,
    },
  };
}

/** For a person, where there is no receiver. */
const NOTHING_RECEIVED = {
  publicUrlNote: undefined,
  path: "",
  paths: [],
  isMirrored: false,
  checks: [],
  offersTunnel: false,
  tryCommand: undefined,
};

/** Lists the origins of the secrets. A private key signs and checks nothing. */
function checkedWith(secrets: Secrets, unknownNames: readonly string[]): readonly string[] {
  const origins = secrets.all().map(({ origin }) => origin);
  return [...new Set(origins)].filter(
    (origin) => !origin.startsWith(CREDENTIAL_VARIABLES.privateKey) && !unknownNames.includes(origin),
  );
}

/** `send` finds a receiver on the default port by itself. */
function tryCommand({ invocation }: ListenContext, configuredPort: number, port: number, product: string): string {
  const sample = product === "crm" ? "crm Leads.create" : `${product} --all`;
  const isFound = configuredPort === port && port === defaults.port;
  return `${invocation} send ${sample}${isFound ? "" : ` --to ${port}`}`;
}

function checkNotes(
  credentials: readonly string[],
  unsigned: readonly Unsigned[],
  { onInvalid }: Settings,
): readonly string[] {
  if (credentials.length === 0)
    return ["No key is set. To verify signatures and tokens, set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN."];
  const idsOf = (reason: Unsigned["reason"]): string =>
    unsigned.flatMap((each) => (each.reason === reason ? [each.product] : [])).join(", ");
  const [unset, never] = [idsOf("no_key"), idsOf("never_signed")];
  return [
    `Checking signatures and tokens with ${credentials.join(", ")}; wrong ones are ${outcomeOf(onInvalid)}. Deliveries without a key to verify them with are accepted and marked "no key".`,
    ...(unset === "" ? [] : [`No key is set for ${unset}, so deliveries of these without a signature are accepted.`]),
    ...(never === "" ? [] : [`Zoho never signs ${never}, so their deliveries are accepted and marked "unsigned".`]),
  ];
}

function outcomeOf(onInvalid: Settings["onInvalid"]): string {
  return onInvalid === "reject" ? "rejected" : "accepted with a warning";
}

/** Zoho signs no custom body, so where the token of CRM or Recruit is checked it is rejected, unless it is allowed. */
function customNotes(secrets: Secrets, { onInvalid }: Settings, products: readonly Product[]): readonly string[] {
  const affected = products.filter(
    (product) =>
      canAllowUnsigned(product) &&
      product.formats[0]?.proofs.some(({ credential }) => secrets.for(credential, product.id).length > 0),
  );
  const idsOf = (allowed: boolean): string =>
    affected.flatMap(({ id, allowUnsigned = false }) => (allowUnsigned === allowed ? [id] : [])).join(",");
  const [allowed, others] = [idsOf(true), idsOf(false)];
  return [
    ...(allowed === "" ? [] : [`Custom bodies are accepted unsigned (allowUnsigned: ${allowed}).`]),
    ...(others === ""
      ? []
      : [
          `Zoho never signs custom bodies, so they are ${outcomeOf(onInvalid)}; to accept them: --allow-unsigned ${others}`,
        ]),
  ];
}

function missingValueNotes(secrets: Secrets, { products }: Settings): readonly string[] {
  return Object.entries(products)
    .filter(([id, { auth }]) => auth !== undefined && secrets.for("auth", id.toLowerCase()).length === 0)
    .map(
      ([id]) =>
        `Deliveries of ${id} are not checked: the config sets "auth", but its value, ZOHO_WEBHOOK_AUTH, is not set.`,
    );
}

/** Warns where anyone who reaches this machine can post events to the app. */
export function warnIfOpen(context: ListenContext, { host }: Settings, { url, person }: ReadyReport): void {
  if (url === null || person.checks.length > 0 || isLoopback(host) || host === "::1") return;
  const message = `anyone who can reach ${host} can post events: no signature, token or address is checked`;
  context.report({ type: "warning", message });
}
