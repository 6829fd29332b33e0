import { type Credential, type Secrets, secret } from "../delivery/secrets.ts";
import { isRecord } from "../util/json.ts";
import { memberOf, type Records, type StoredRecord } from "./state.ts";

/** The newest first. */
export function newestFirst(records: Records): readonly StoredRecord[] {
  return Object.values(records).toReversed();
}

/** The modules of a store with the number of their records. */
export function counted(
  modules: Readonly<Record<string, object>>,
): { readonly name: string; readonly count: number }[] {
  return Object.entries(modules).map(([name, records]) => ({ name, count: Object.keys(records).length }));
}

/**
 * The first member that is not of the type of its usual value: a usual `null` stands for text, and every member may be `null`.
 * Members without a usual value may be anything.
 */
export function misfitIn(
  data: Readonly<Record<string, unknown>>,
  usual: Readonly<Record<string, unknown>>,
): string | undefined {
  return Object.entries(data).find(([name, value]) => {
    const wanted = memberOf(usual, name);
    if (value === null || wanted === undefined) return false;
    if (Array.isArray(wanted)) return !Array.isArray(value);
    if (isRecord(wanted)) return !isRecord(value);
    return typeof value !== (wanted === null ? "string" : typeof wanted);
  })?.[0];
}

/** The secrets of a product that signs with a single key. */
export function onlyKey(credential: Credential, value: string | undefined): Secrets {
  const keys = value === undefined || value === "" ? [] : [secret(value, "the emulator's key")];
  return { for: (wanted) => (wanted === credential ? keys : []), all: () => keys };
}
