import { maskRoute, maskSetting } from "../core/mask.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import type { Config } from "./load.ts";
import { environmentName, settingName } from "./readers.ts";
import type { Settings } from "./settings.ts";

/** Flags that are not named like their setting, and notes for those that not all commands have. */
const FLAGS: Readonly<Partial<Record<keyof Settings, string>>> = { routes: "--route" };
const FLAG_NOTES: Readonly<Partial<Record<keyof Settings, string>>> = {
  host: " (of listen; send and check: the whole URL)",
  forwardTo: " (replay: --to)",
  store: " (of listen, events, replay, verify and types)",
  publicUrl: " (channels and webhooks: --url)",
};

const WITHOUT_FLAG: readonly (keyof Settings)[] = ["ngrokServerAddr", "ngrokRootCas"];

/** How the user could set it, as it is in the project: by a flag, or a variable. */
export function wayToSet(settings: Settings, key: keyof Settings): string {
  // Products have neither a flag nor a variable.
  if (key === "products") return "copy it into the project";
  const texts = settingTexts(settings, key);
  const flags = texts.length === 0 ? flagOf(key) : texts.map((text) => `${flagOf(key)} ${shellQuoted(text)}`).join(" ");
  const flag = WITHOUT_FLAG.includes(key) ? "" : `use ${flags}${FLAG_NOTES[key] ?? ""}, or `;
  return `${flag}set ${environmentName(key)} in the environment`;
}

/** `forwardTo in /project/zoho-hooks.config.json is http://host/x` */
export function describe({ settings, origins }: Config, key: keyof Settings): string {
  const texts = settingTexts(settings, key);
  const name = origins[key] === "default" ? `the default ${key}` : oneLine(settingName(key, origins[key]));
  return texts.length === 0 ? name : `${name} is ${texts.join(", ")}`;
}

/** The values for people, with secrets in URLs masked; none for what is only on or off, or has many parts. */
export function settingTexts({ routes, ...settings }: Settings, key: keyof Settings): readonly string[] {
  if (key === "routes") return routes.map(maskRoute);
  const value = settings[key];
  if (Array.isArray(value)) return value.map((each) => maskSetting(String(each)));
  return typeof value === "string" ? [maskSetting(value)] : [];
}

export function flagOf(key: keyof Settings): string {
  return FLAGS[key] ?? settingName(key, "flag");
}
