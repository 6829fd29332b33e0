import { basename, sep } from "node:path";
import { withChannelTokens } from "../channels/tokens.ts";
import { watchProductIds } from "../channels/watch-products.ts";
import { type Finding, type Found, failed, passed, warned } from "../checks/finding.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secrets.ts";
import { defaultFormat, type Product } from "../model/product.ts";
import { projectProducts, warnOfUnknownVariables } from "../own-products/project-products.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { type Config, type LoadOptions, loadConfig } from "../project/load.ts";
import { readProject } from "../project/project.ts";
import { CHOSEN_CREDENTIALS, STORED_SECRETS_FILE } from "../project/secrets.ts";
import type { Settings } from "../project/settings.ts";
import { fileName, settingText, settingTexts } from "../project/settings.ts";
import { checkTrust, notTrusted } from "../project/trust.ts";
import { acceptedUnsigned, type Unsigned, unsignedTexts } from "../recognition/unsigned.ts";
import { openKeySets } from "../zoho-api/key-sets.ts";
import { type CheckedProject, fromError, silentContext } from "./project.ts";

/** The remedy for a wrong setting that has no other. */
export const CORRECT_IT = "correct it (see zoho-hooks help configuration)";

/**
 * Reads the settings and secrets. Each invalid one becomes a finding; the valid ones are used. Unless `isTrusted` the files of
 * the folder are left out, its log as well, unless the user's own environment names one. `short`: a text without the path of the folder.
 */
export async function readSettings(context: Context) {
  const silent = silentContext(context);
  const faults: { readonly error: unknown; readonly of: "settings" | "secrets" }[] = [];
  const onFault: LoadOptions["onFault"] = (error, of) => faults.push({ error, of });
  const whole = readProject(context, (error) => onFault(error, "settings"));
  const { open, trusted: project } = await checkTrust(context, whole);
  const isTrusted = open.length === 0;
  const readsLog = isTrusted || context.env.ZOHO_HOOKS_STORE !== undefined;
  const flags = readsLog ? {} : { store: false as const };
  const config = loadConfig(overrideContext(silent, { project }), { flags, needsSecrets: true, onFault });
  const products = await projectProducts(config, { schemas: false }).catch((error: unknown) => {
    faults.push({ error, of: "settings" });
    return [] as readonly Product[];
  });
  warnOfUnknownVariables(silent, config, products);
  const faultsOf = (kind: "settings" | "secrets", id: string): readonly Finding[] =>
    faults
      .filter(({ of }) => of === kind)
      .map(({ error }) => fromError(error))
      .map((found) => ({ ...found, id, remedy: found.remedy ?? CORRECT_IT }));
  const ofSettings = faultsOf("settings", "config");
  const ofSecrets = faultsOf("secrets", "secrets");
  // The checks that follow are about the user's own settings alone.
  const refusal = isTrusted ? undefined : notTrusted(context, whole, open);
  const findings: readonly Finding[] = [
    ...ofSettings,
    ...(refusal ? [{ id: "trust", ...failed(`files left out: ${refusal.message}`, refusal.hint) }] : []),
    ...(isTrusted && ofSettings.length === 0 ? [{ id: "config", ...checkConfig(config) }] : []),
    ...silent.warnings.map(({ message, hint }) => ({ id: "config", ...warned(message, hint) })),
    ...ofSecrets,
  ];
  const short = (text: string): string => text.replaceAll(`${config.root}${sep}`, "");
  return {
    project,
    config,
    products,
    isTrusted,
    readsLog,
    /** False where a secret cannot be read: a finding says which. */
    hasSecrets: ofSecrets.length === 0,
    short,
    findings: findings.map((each) => ({ ...each, text: short(each.text) })),
  };
}

/** `zoho-hooks.config.json: port 4460, forwardTo 3000; .env: keep 1d` */
function checkConfig({ root, settings, origins }: Config): Found {
  const byOrigin = new Map<string, string[]>();
  const details: Record<string, string> = {};
  for (const [key, value] of Object.entries(settings)) {
    const origin = origins[key as keyof Settings];
    if (origin === "default") continue;
    const name = fileName(key);
    const texts = settingTexts(settings, key as keyof Settings).join(" ");
    const text = key === "products" ? Object.keys(settings.products).join(" ") : texts || settingText(key, value);
    const from = shortOrigin(origin, root);
    byOrigin.set(from, [...(byOrigin.get(from) ?? []), `${name} ${text}`]);
    details[name] = `${text} (${origin})`;
  }
  const parts = [...byOrigin].map(([from, texts]) => `${from}: ${texts.join(", ")}`);
  if (parts.length === 0) return passed(`defaults, such as port ${settings.port}: no config file here`);
  return passed(parts.join("; "), details);
}

function shortOrigin(origin: string, root: string): string {
  const [, inBrackets] = /\((.*)\)$/.exec(origin) ?? [];
  const place = inBrackets ?? origin;
  return place.startsWith(root) ? basename(place) : place;
}

/**
 * The secrets that are set, and what is accepted without a signature: by the running `listen`, else by one that is started here.
 * Fetches key sets that are given as a URL, and rejects as `listen` does where that fails.
 */
export async function checkSecrets(
  { context, config, listener }: CheckedProject,
  products: readonly Product[],
): Promise<readonly Found[]> {
  const silent = silentContext(context);
  const keys = await openKeySets(silent, config, products);
  const secrets = withChannelTokens(keys.secrets, { folder: context.userFolder, known: context.knownSecrets });
  const own = Object.keys(config.settings.products);
  const [configured, others] = [true, false].map((isOwn) => products.filter(({ id }) => own.includes(id) === isOwn));
  const running = listener?.receiver;
  const unsigned = running?.unsigned ?? acceptedUnsigned([...(configured ?? []), ...(others ?? [])], secrets);
  const names = [...new Set(config.secrets.all().map(({ origin }) => origin))];
  const hasChannels = watchProductIds.some((id) => secrets.for("token", id).length > 0);
  const found = ((): Found => {
    if (running === undefined && names.length === 0 && !hasChannels)
      return warned("none is set in this terminal: a listen started here checks nothing", `${context.invocation} init`);
    const set = names.length > 0 ? secretsText(config, names) : "the tokens of the channels that were created here";
    const start = running === undefined ? set : "as the running listen says";
    const text = `${start}; ${unsignedTexts(unsigned).join("; ") || "all products are checked"}`;
    const remedies = missingKeys(context, configured ?? [], unsigned);
    return remedies.length === 0 ? passed(text) : warned(text, remedies.join("; "));
  })();
  return [found, ...silent.warnings.map(({ message, hint }) => warned(message, hint))];
}

/** What to set for the products of the config that have no key. A sender such as Mail offers its own in its first call. */
function missingKeys(
  { invocation }: Context,
  products: readonly Product[],
  unsigned: readonly Unsigned[],
): readonly string[] {
  const unset = products.filter(({ id }) =>
    unsigned.some(({ product, reason, only }) => product === id && reason === "no_key" && only === undefined),
  );
  return unset.flatMap((product) => {
    const credentials = [...new Set(defaultFormat(product)?.proofs.map(({ credential }) => credential))];
    if (credentials.includes("hookSecret")) return [];
    const variables = credentials.map((each) => CREDENTIAL_VARIABLES[each]).join(" or ");
    const isChosen = CHOSEN_CREDENTIALS.some((each) => credentials.includes(each));
    return [`for ${product.id}: ${isChosen ? `${invocation} init, or set` : "set"} ${variables}`];
  });
}

/** `ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN (.env)` */
function secretsText({ root, variableOrigin }: Config, names: readonly string[]): string {
  const byOrigin = new Map<string, string[]>();
  for (const name of names) {
    const from = name === STORED_SECRETS_FILE ? "" : ` (${shortOrigin(variableOrigin(name), root)})`;
    byOrigin.set(from, [...(byOrigin.get(from) ?? []), name]);
  }
  return [...byOrigin].map(([from, all]) => `${all.join(", ")}${from}`).join("; ");
}
