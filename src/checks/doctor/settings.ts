import { basename, sep } from "node:path";
import { withChannelTokens } from "../../channels/tokens.ts";
import { watchProductIds } from "../../channels/watch-products.ts";
import type { Product } from "../../contract/product.ts";
import { projectProducts, warnOfUnknownVariables } from "../../custom/project-products.ts";
import { CREDENTIAL_VARIABLES, type Credential } from "../../delivery/secrets.ts";
import type { Context } from "../../project/context.ts";
import { overrideContext } from "../../project/context.ts";
import { type Config, type LoadOptions, loadConfig } from "../../project/load.ts";
import { readProject } from "../../project/project.ts";
import { CHOSEN_CREDENTIALS, STORED_SECRETS_FILE } from "../../project/secrets.ts";
import type { Settings } from "../../project/settings.ts";
import { fileName, settingText, settingTexts } from "../../project/settings.ts";
import { checkTrust, notTrusted } from "../../project/trust.ts";
import { type Finding, type Found, failed, passed, warned } from "../finding.ts";
import { fromError, silentContext } from "./project.ts";

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
  const config = loadConfig(overrideContext(silent, { project }), { flags, secrets: {}, onFault });
  const products = await projectProducts(config, { schemas: false }).catch((error: unknown) => {
    faults.push({ error, of: "settings" });
    return [] as readonly Product[];
  });
  warnOfUnknownVariables(silent, config, products);
  const faultsOf = (kind: "settings" | "secrets", id: string): readonly Finding[] =>
    faults
      .filter(({ of }) => of === kind)
      .map(({ error }) => fromError(error))
      .map((found) => ({ ...found, id, remedy: found.remedy ?? "correct it (see zoho-hooks help configuration)" }));
  const ofSettings = faultsOf("settings", "config");
  const ofSecrets = faultsOf("secrets", "secrets");
  // The checks that follow are about the user's own settings alone.
  const refusal = isTrusted ? undefined : notTrusted(context, whole, open);
  const findings: readonly Finding[] = [
    ...ofSettings,
    ...(refusal ? [{ id: "trust", ...failed(`files left out: ${refusal.message}`, refusal.hint) }] : []),
    ...(isTrusted && ofSettings.length === 0 ? [{ id: "config", ...checkConfig(config) }] : []),
    ...silent.warnings.map(({ message, hint }) => ({ id: "config", ...warned(message, hint) })),
    ...(ofSecrets.length > 0 ? ofSecrets : [{ id: "secrets", ...checkSecrets(context, config, products) }]),
  ];
  const short = (text: string): string => text.replaceAll(`${config.root}${sep}`, "");
  return {
    project,
    config,
    isTrusted,
    readsLog,
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

/** Secrets that are set, or missing for the products of the config. */
function checkSecrets(context: Context, config: Config, products: readonly Product[]): Found {
  const secrets = withChannelTokens(config.secrets, { folder: context.userFolder, known: context.knownSecrets });
  const names = [...new Set(config.secrets.all().map(({ origin }) => origin))];
  const set = secretsText(config, names);
  const init = `${context.invocation} init`;
  const unverified = products
    .filter(({ id }) => Object.hasOwn(config.settings.products, id))
    .map((product) => ({ id: product.id, credentials: credentialsOf(product, config) }))
    .filter(
      ({ id, credentials }) =>
        credentials.length > 0 && credentials.every((each) => secrets.for(each, id).length === 0),
    );
  if (unverified.length > 0) {
    const missing = [...new Set(unverified.flatMap((each) => each.credentials))];
    const variables = missing.map((each) => CREDENTIAL_VARIABLES[each]).join(" or ");
    const isChosen = CHOSEN_CREDENTIALS.some((each) => missing.includes(each));
    const ids = unverified.map(({ id }) => id).join(", ");
    return warned(
      `${set === "" ? "" : `${set}; `}none for ${ids}, whose deliveries are not verified`,
      isChosen ? `${init}, or set ${variables}` : `set ${variables}`,
    );
  }
  if (names.length > 0) return passed(set);
  const hasChannels = watchProductIds.some((id) => secrets.for("token", id).length > 0);
  return hasChannels
    ? passed("the tokens of the channels that were created here")
    : warned("none is set in this terminal: a listen started here does not verify deliveries", init);
}

/** The kinds of secrets of which one verifies deliveries of a product. A sender offers its own one itself. */
function credentialsOf({ id, formats }: Product, { settings }: Config): readonly Credential[] {
  const chosen = formats.filter((format) => (settings.products[id]?.format ?? format.id) === format.id);
  const credentials = chosen.flatMap(({ proofs }) => proofs.map(({ credential }) => credential));
  return credentials.includes("hookSecret") ? [] : [...new Set(credentials)];
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
