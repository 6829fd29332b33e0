import { z } from "zod";

const scopes = z.array(z.string()).readonly();
const grant = z.object({
  scopes,
  expiresAt: z.number(),
  /** Undefined for a self client. */
  redirectUri: z.string().optional(),
  /** The user asked for no refresh token. */
  isOnline: z.boolean().optional(),
});
const refreshable = z.object({
  scopes,
  issuedAt: z.array(z.number()),
  /** A user has consented to it on the page. */
  isConsented: z.boolean().optional(),
});
export const accountsState = z.object({
  grants: z.record(z.string(), grant),
  /** When the last codes were made. */
  grantedAt: z.array(z.number()),
  refreshTokens: z.record(z.string(), refreshable),
  accessTokens: z.record(z.string(), z.object({ scopes, expiresAt: z.number(), refreshToken: z.string().optional() })),
});
export const members = z.record(z.string(), z.unknown()).readonly();
export const storedRecord = z.object({
  data: members,
  createdAt: z.number(),
  changedAt: z.number(),
  /** When a request of Sign ends that has not been signed. */
  expiresAt: z.number().optional(),
});
/** A field that the organisation has beside the standard ones, as in `settings/fields`. */
export const declaredField = z.object({
  api_name: z.string(),
  data_type: z.string(),
  system_mandatory: z.boolean().optional(),
  /** The values of a pick list. */
  values: z.array(z.string()).optional(),
  /** The module that a lookup refers to. */
  module: z.string().optional(),
});
/** As CRM's `users` answers it. */
export const user = z.looseObject({ id: z.string(), full_name: z.string(), email: z.string() });
/** Digits of the next id of a product. */
export const digits = z.string().regex(/^\d+$/);

export type DeclaredField = z.infer<typeof declaredField>;
export type User = z.infer<typeof user>;
export type AccountsState = z.infer<typeof accountsState>;
export type Grant = z.infer<typeof grant>;
export type Refreshable = z.infer<typeof refreshable>;
export type StoredRecord = z.infer<typeof storedRecord>;

/** Each service has ids of its own. */
export function nextId(state: { nextId: string }): string {
  const id = state.nextId;
  state.nextId = String(BigInt(id) + 1n);
  return id;
}

/** A member of an object whose names come from outside. */
export function memberOf<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Text of a string, number or boolean from outside. "" for an object, whose own `toString` may not be callable. */
export function textOf(value: unknown): string {
  return typeof value === "object" ? "" : String(value ?? "");
}

/** Moves every time back, so that what the organisation holds is older by `ms`. The clock itself stays. */
export function age(value: unknown, ms: number): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    // Fields of records may end in `At` too.
    if (name === "data") continue;
    if (!name.endsWith("At")) age(member, ms);
    else if (typeof member === "number") Object.assign(value, { [name]: member - ms });
    else if (Array.isArray(member)) Object.assign(value, { [name]: member.map((at: number) => at - ms) });
  }
}
