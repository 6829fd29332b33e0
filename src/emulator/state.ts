import { z } from "zod";

const members = z.record(z.string(), z.unknown()).readonly();
const record = z.object({
  data: members,
  createdAt: z.number(),
  changedAt: z.number(),
  /** When a request of Sign ends that has not been signed. */
  expiresAt: z.number().optional(),
});
const scopes = z.array(z.string()).readonly();
const channelRow = z.object({
  product: z.string(),
  channelId: z.string(),
  module: z.string(),
  events: z.array(z.string()),
  notifyUrl: z.string(),
  token: z.string().nullable(),
  expiresAt: z.number(),
  related: z.boolean(),
  values: z.boolean(),
  condition: z.unknown(),
});
const grant = z.object({
  scopes,
  expiresAt: z.number(),
  /** Undefined for a self client. */
  redirectUri: z.string().optional(),
  /** The user asked for no refresh token. */
  isOnline: z.boolean().optional(),
});
const refreshable = z.object({ scopes, issuedAt: z.array(z.number()) });
const moduleRecords = z.object({
  /** By id, the oldest first. */
  live: z.record(z.string(), record),
  deleted: z.array(z.object({ id: z.string(), name: z.string(), deletedAt: z.number() })),
});
const deskHook = z.object({ id: z.string(), body: members });
const financeHook = z.object({
  id: z.string(),
  root: z.string(),
  body: members,
  rules: z.array(z.object({ id: z.string(), type: z.string() })),
});
const signHook = z.object({
  id: z.string(),
  form: z.record(z.string(), z.string()).readonly(),
  /** Undefined if it does not sign. */
  secret: z.string().optional(),
  /** Deliveries that have failed in a row. */
  failures: z.number(),
});
const digits = z.string().regex(/^\d+$/);

/** The webhooks of a product, its records by module and id (oldest first), and its next id. */
function product<Hook extends z.ZodType, Module extends string>(hook: Hook, modules: readonly Module[]) {
  const tables = z.record(z.enum(modules), z.record(z.string(), record));
  return z.object({ hooks: z.array(hook), tables, nextId: digits });
}

/**
 * Everything that an emulated organisation holds, as JSON, for `--state`. Services change it in place. A member whose name ends
 * in `At` is a time, or a list of times, in milliseconds since the epoch.
 */
export const emulatorState = z.object({
  accounts: z.object({
    grants: z.record(z.string(), grant),
    /** When the last codes were made. */
    grantedAt: z.array(z.number()),
    refreshTokens: z.record(z.string(), refreshable),
    accessTokens: z.record(
      z.string(),
      z.object({ scopes, expiresAt: z.number(), refreshToken: z.string().optional() }),
    ),
  }),
  watch: z.object({
    rows: z.array(channelRow),
    /** Those that `advance` has made expire. */
    expired: z.array(channelRow).optional(),
  }),
  /** By product and module. */
  records: z.record(z.string(), z.record(z.string(), moduleRecords)),
  desk: product(deskHook, ["tickets", "contacts"]),
  finance: product(financeHook, ["contacts", "items", "invoices"]),
  sign: product(signHook, ["requests"]),
  /** Digits of the next id: 19 of them, so that a client that reads ids as numbers loses some. */
  nextId: digits,
});

export type EmulatorState = z.infer<typeof emulatorState>;
export type StoredRecord = z.infer<typeof record>;
/** Records of CRM, Bigin or Recruit. */
export type ModuleRecords = z.infer<typeof moduleRecords>;
/** One channel in one module. */
export type ChannelRow = z.infer<typeof channelRow>;
export type Grant = z.infer<typeof grant>;
export type Refreshable = z.infer<typeof refreshable>;
export type DeskHook = z.infer<typeof deskHook>;
export type FinanceHook = z.infer<typeof financeHook>;
export type SignHook = z.infer<typeof signHook>;

export interface ProductState<Hook> {
  hooks: Hook[];
  readonly tables: Record<string, Record<string, StoredRecord>>;
  nextId: string;
}

export function emptyState(): EmulatorState {
  return {
    accounts: { grants: {}, grantedAt: [], refreshTokens: {}, accessTokens: {} },
    watch: { rows: [] },
    records: {},
    desk: { hooks: [], tables: { tickets: {}, contacts: {} }, nextId: "1892000000004203471" },
    finance: { hooks: [], tables: { contacts: {}, items: {}, invoices: {} }, nextId: "460000000026049" },
    sign: { hooks: [], tables: { requests: {} }, nextId: "100000000000321001" },
    nextId: "5725767000003000001",
  };
}

/** Some products have ids of their own, in their part of the state. */
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
