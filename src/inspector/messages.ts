import type { Settings } from "../project/settings.ts";

/** From `listen` to the inspector that it has started: its flags, and the secrets that were named with flags. */
export interface StartMessage {
  readonly flags: Readonly<Partial<Settings>>;
  readonly secrets: Readonly<Record<string, { readonly value: string; readonly origin: string }>>;
  readonly showSecrets: boolean;
}

/** The answer of the inspector, once. */
export type InspectorMessage =
  | { readonly type: "ready"; readonly address: string; readonly isOther: boolean }
  | { readonly type: "failed"; readonly message: string; readonly hint?: string };
