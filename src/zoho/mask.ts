import { parseJson } from "../core/json-text.ts";

/** What stands in a shown request for a value that must not be shown. */
export const MASK = "••••";

const SECRET_NAMES = new Set([
  "access_token",
  "refresh_token",
  "client_secret",
  "code",
  "device_code",
  "token",
  "authorization",
]);

/** A URL with the secrets of its query masked. */
export function maskUrl(url: string): string {
  const [before = "", query] = url.split("?", 2);
  return query === undefined ? before : `${before}?${maskForm(query)}`;
}

/** `a=1&client_secret=••••`, in the order and spelling of what is sent. */
export function maskForm(form: string): string {
  return form
    .split("&")
    .map((pair) => {
      const [name = "", value] = pair.split("=", 2);
      return value !== undefined && SECRET_NAMES.has(name.toLowerCase()) ? `${name}=${MASK}` : pair;
    })
    .join("&");
}

/** The JSON body of a request with the values of secret names masked. Not JSON: not shown at all. */
export function maskJson(text: string): string {
  const parsed = parseJson(text);
  return parsed.ok ? JSON.stringify(maskValue(parsed.value)) : MASK;
}

export function maskValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      SECRET_NAMES.has(name) && typeof each === "string" ? MASK : maskValue(each),
    ]),
  );
}
