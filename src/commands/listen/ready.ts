import type { Secrets } from "../../body/secret.ts";
import type { Config } from "../../config/load.ts";
import { CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import { defaults, type Settings } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import { type AddressList, GUIDE_RANGES } from "../../receiver/evaluate.ts";
import type { Receiver } from "../../receiver/receiver.ts";
import { webhookUrl } from "../../receiver/routes.ts";
import type { ReadyReport } from "../../reports/run.ts";
import { copyText, openInBrowser } from "../helpers/desktop.ts";
import type { Notifications } from "./notifications.ts";
import type { RunTunnel } from "./tunnel.ts";

/** What is up once a run is ready. */
interface RunningParts {
  readonly config: Config;
  readonly products: readonly Product[];
  readonly receiver: Receiver;
  readonly tunnel: RunTunnel;
  readonly notifications: Notifications;
  readonly keySetUrl: string | undefined;
  readonly notes: readonly string[];
}

/** Where the receiver is reached, ready to be pasted into Zoho, and how to try it. */
export function readyReport(
  context: Context,
  { config, products, receiver, tunnel, notifications, keySetUrl, notes }: RunningParts,
): ReadyReport {
  const { settings, secrets } = config;
  const configured = Object.keys(settings.products).map((id) => id.toLowerCase());
  const own = products.filter(({ folder }) => folder !== undefined).map(({ id }) => id);
  const all = [...own, ...products.map(({ id }) => id)];
  // Where only products of the user's own are set up, nobody has said which of the others are used.
  const ids = configured.some((id) => !own.includes(id)) ? [...own, ...configured] : all;
  const publicUrl = tunnel.url();
  const channel = notifications.channel();
  // A sample without the channel's token would be refused.
  const guarded = secrets.for("token", channel?.product ?? "").length === 0 ? channel?.product : undefined;
  const [sample] = [...own, ...configured, "crm", ...products.map((product) => product.id)].filter(
    (id) => id !== guarded,
  );
  return {
    type: "ready",
    url: receiver.url,
    publicUrl,
    urls: Object.fromEntries(ids.map((id) => [id, webhookUrl(publicUrl ?? receiver.url, id)])),
    channel,
    keySetUrl,
    tryCommand: tryCommand(context, settings.port, receiver, sample ?? "crm"),
    notes,
  };
}

/** `send` finds a receiver on the usual port by itself. */
function tryCommand({ invocation }: Context, configuredPort: number, { port }: Receiver, product: string): string {
  const sample = product === "crm" ? "crm Leads.create" : `${product} --all`;
  const isFound = configuredPort === port && port === defaults.port;
  return `${invocation} send ${sample}${isFound ? "" : ` --to ${port}`}`;
}

/**
 * A body that a user has designed carries no proof, and is not told from one that should until the config says so: the format
 * that it names is the product's first.
 */
function designNote(
  secrets: Secrets,
  { products }: Settings,
  known: readonly Product[],
  outcome: string,
): readonly string[] {
  const used = Object.keys(products).map((id) => id.toLowerCase());
  const [first, ...others] = known.flatMap(({ id, formats: [usual, ...more] }) => {
    const isMeant = used.length === 0 || used.includes(id);
    const isAsked = usual?.proofs.some(({ credential }) => secrets.for(credential, id).length > 0);
    const own = more.find(({ catchAll, proofs }) => catchAll !== undefined && proofs.length === 0);
    return isMeant && isAsked && own !== undefined ? [{ id, format: own.id }] : [];
  });
  if (first === undefined) return [];
  const ids = [first, ...others].map(({ id }) => id).join(", ");
  return [
    `A body that you designed yourself in Zoho is not signed, so it is ${outcome} (${ids}), unless the config names its format: "products": { "${first.id}": { "format": "${first.format}" } }.`,
  ];
}

/** What stands below the ready line: what is checked, what is not, and where things go. */
export function readyNotes(
  secrets: Secrets,
  unknownNames: readonly string[],
  allowed: AddressList | undefined,
  settings: Settings,
  known: readonly Product[],
): readonly string[] {
  const { schema, onInvalid, respond, forwardTo, routes, products } = settings;
  // A private key signs, and checks nothing; a variable that is none of ours does neither.
  const names = secrets
    .all()
    .map(({ origin }) => origin)
    .filter((origin) => !origin.startsWith(CREDENTIAL_VARIABLES.privateKey) && !unknownNames.includes(origin));
  const outcome = onInvalid === "reject" ? "refused" : "accepted with a warning";
  return [
    names.length === 0
      ? "Signatures and tokens are not checked. To check them, set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN."
      : `Checking with ${names.join(", ")}; a delivery that fails is ${outcome}. One that no key here can check is accepted, and marked – unsigned or – not proved.`,
    ...designNote(secrets, settings, known, outcome),
    ...Object.entries(products).flatMap(([id, { auth }]) =>
      auth === undefined || secrets.for("auth", id.toLowerCase()).length > 0
        ? []
        : [
            `Deliveries of ${id} are not checked: "auth" in the config says where their fixed value is, but ZOHO_WEBHOOK_AUTH, the value itself, is not set.`,
          ],
    ),
    ...(respond === "mirror" && forwardTo.length === 0 && routes.length === 0
      ? ["There is no app whose answer could be passed on: name it with --forward-to."]
      : []),
    ...(schema === "warn" ? [] : [`Schemas: ${schema}.`]),
    ...(allowed === undefined ? [] : [`Accepting only from ${allowed.ranges.join(", ")}.`]),
    ...(allowed !== undefined && GUIDE_RANGES.every((range) => allowed.ranges.includes(range))
      ? ["Zoho may also send from addresses outside the guide's two ranges: a 403 may be a genuine delivery."]
      : []),
  ];
}

/** Hands the first product's webhook URL to the person at the machine, as they asked for. */
export async function handOut(
  context: Context,
  { urls, url: base }: ReadyReport,
  { open = false, copy = false }: { readonly open?: boolean; readonly copy?: boolean },
): Promise<void> {
  const url = Object.values(urls)[0] ?? base;
  const warn = (what: string): void =>
    context.report({
      type: "warning",
      message: `${url} could not be ${what}: there is no program for it, or it failed`,
    });
  if (open) openInBrowser(context, url, () => warn("opened in the browser"));
  if (!copy) return;
  if (await copyText(context, url)) context.report({ type: "notice", message: `${url} is copied to the clipboard` });
  else warn("copied to the clipboard");
}
