import { maskRoute, maskSetting } from "../core/mask.ts";
import type { Settings } from "./settings.ts";

/** The values for people, with secrets in URLs masked; none for what is only on or off, or has many parts. */
export function settingTexts({ routes, ...settings }: Settings, key: keyof Settings): readonly string[] {
  if (key === "routes") return routes.map(maskRoute);
  const value = settings[key];
  if (Array.isArray(value)) return value.map((each) => maskSetting(String(each)));
  return typeof value === "string" ? [maskSetting(value)] : [];
}
