import { basename, sep } from "node:path";
import { watchProductIds } from "../../channels/products.ts";
import { withChannelTokens } from "../../channels/tokens.ts";
import type { Product } from "../../contract/product.ts";
import { configuredProducts, warnOfUnknownVariables } from "../../custom/project-products.ts";
import { CREDENTIAL_VARIABLES, type Credential } from "../../delivery/secret.ts";
import type { Context } from "../../project/context.ts";
import { overrideContext } from "../../project/context.ts";
import { type Config, type LoadOptions, loadConfig, userFolder } from "../../project/load.ts";
import { readProject } from "../../project/project.ts";
import { CHOSEN_CREDENTIALS, STORED_SECRETS_FILE } from "../../project/secrets.ts";
import type { Settings } from "../../project/settings.ts";
import { fileName, settingText, settingTexts } from "../../project/settings.ts";
import { checkTrust, notTrusted } from "../../project/trust.ts";
import type { UserError } from "../../util/errors.ts";
import { type Finding, fromError, passed, silentContext, warning } from "./finding.ts";

interface CheckedSettings {
  readonly config: Config;
  /** Otherwise the files of the folder are left out, its log as well. */
  readonly isTrusted: boolean;
  readonly findings: readonly Finding[];
}

/** Reads the settings and secrets. Each invalid one becomes a finding; the valid ones are used. */
export async function checkSettings(context: Context, flags: LoadOptions["flags"]): Promise<CheckedSettings> {
  const silent = silentContext(context);
  const faults: { readonly error: unknown; readonly of: "settings" | "secrets" }[] = [];
  const given = flags === undefined ? {} : { flags };
  const onFault: LoadOptions["onFault"] = (error, of) => faults.push({ error, of });
  const whole = readProject(context, (error) => onFault(error, "settings"));
  const { open, trusted: project } = await checkTrust(context, whole);
  const isTrusted = open.length === 0;
  const limits = isTrusted ? given : { flags: { store: false, ...flags } as const };
  const config = loadConfig(overrideContext(silent, { project }), { ...limits, onFault });
  const known = await configuredProducts(config, { schemas: false }).catch((error: unknown) => {
    faults.push({ error, of: "settings" });
    return [] as readonly Product[];
  });
  warnOfUnknownVariables(silent, config, known);
  const of = (kind: "settings" | "secrets") => faults.flatMap((each) => (each.of === kind ? [each.error] : []));
  const settings = of("settings").map((error) => faultFinding("config", error));
  const findings: readonly Finding[] = [
    ...settings,
    ...(isTrusted ? [] : [trustFinding(notTrusted(context, whole, open))]),
    ...(isTrusted && settings.length === 0 ? [configFinding(config)] : []),
    ...silent.warnings.map(({ message, hint }) => warning("config", message, hint)),
    ...secretFindings(overrideContext(context, { project }), config, known, of("secrets")),
  ];
  const short = (text: string): string => text.replaceAll(`${config.root}${sep}`, "");
  return { config, isTrusted, findings: findings.map((each) => ({ ...each, text: short(each.text) })) };
}

/** The checks that follow are about the user's own settings alone. */
function trustFinding({ message, hint }: UserError): Finding {
  return warning("trust", `files left out: ${message}`, hint);
}

function faultFinding(id: string, error: unknown): Finding {
  return { remedy: "correct it (see zoho-hooks help configuration)", ...fromError(id, error) };
}

/** `zoho-hooks.config.json: port 4460, forwardTo 3000; .env: keep 1d` */
function configFinding({ root, settings, origins }: Config): Finding {
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
  if (parts.length === 0) return passed("config", `defaults, such as port ${settings.port}: no config file here`);
  return passed("config", parts.join("; "), details);
}

function shortOrigin(origin: string, root: string): string {
  const [, inBrackets] = /\((.*)\)$/.exec(origin) ?? [];
  const place = inBrackets ?? origin;
  return place.startsWith(root) ? basename(place) : place;
}

/** Secrets that are set, empty, unreadable, or missing for the products of the config. */
function secretFindings(
  context: Context,
  config: Config,
  known: readonly Product[],
  faults: readonly unknown[],
): readonly Finding[] {
  const broken = (faults.length > 0 ? faults : strictFaults(context)).map((error) => faultFinding("secrets", error));
  if (broken.length > 0) return broken;
  const secrets = withChannelTokens(config.secrets, { folder: userFolder(context), known: context.knownSecrets });
  const names = [...new Set(config.secrets.all().map(({ origin }) => origin))];
  const init = `${context.invocation} init`;
  const unverified = known
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
    const set = names.length === 0 ? "" : `${secretsText(config, names)}; `;
    const text = `${set}none for ${unverified.map(({ id }) => id).join(", ")}, whose deliveries are not verified`;
    return [warning("secrets", text, isChosen ? `${init}, or set ${variables}` : `set ${variables}`)];
  }
  if (names.length > 0) return [passed("secrets", secretsText(config, names))];
  const hasChannels = watchProductIds.some((id) => secrets.for("token", id).length > 0);
  if (hasChannels) return [passed("secrets", "the tokens of the channels that were created here")];
  return [warning("secrets", "none is set: deliveries are not verified", init)];
}

/** What a command that verifies would refuse: keys that cannot be read. */
function strictFaults(context: Context): readonly unknown[] {
  const faults: unknown[] = [];
  loadConfig(silentContext(context), {
    secrets: {},
    onFault: (error, of) => {
      if (of === "secrets") faults.push(error);
    },
  });
  return faults;
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
