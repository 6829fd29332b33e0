/**
 * Everything that an emulated organisation holds, as JSON, for `--state`. Services change it in place. A member whose name ends
 * in `At` is a time, or a list of times, in milliseconds since the epoch.
 */
export interface EmulatorState {
  accounts: AccountsState;
  watch: WatchState;
  /** By product and module. */
  records: Record<string, Record<string, ModuleRecords>>;
  desk: ProductState<DeskHook>;
  finance: ProductState<FinanceHook>;
  sign: ProductState<SignHook>;
  /** Digits of the next id: 19 of them, so that a client that reads ids as numbers loses some. */
  nextId: string;
  /** PEM of the private key of Desk's tokens, once there is one. It is Zoho's, so emptying the organisation keeps it. */
  deskKey?: string;
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

export interface AccountsState {
  grants: Record<string, Grant>;
  /** When the last codes were made. */
  grantedAt: number[];
  refreshTokens: Record<string, Refreshable>;
  accessTokens: Record<string, Access>;
}

export interface Grant {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  /** Undefined for a self client. */
  readonly redirectUri?: string;
  /** The user asked for no refresh token. */
  readonly isOnline?: boolean;
}

export interface Refreshable {
  readonly scopes: readonly string[];
  issuedAt: number[];
}

interface Access {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly refreshToken?: string | undefined;
}

/** The records of a product, webhooks that are told of them, and the digits of its next id. */
export interface ProductState<Hook> {
  hooks: Hook[];
  /** By module and id, the oldest first. */
  tables: Record<string, Record<string, StoredRecord>>;
  nextId: string;
}

export interface DeskHook {
  readonly id: string;
  body: Readonly<Record<string, unknown>>;
}

export interface FinanceHook {
  readonly id: string;
  readonly root: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly rules: { readonly id: string; readonly type: string }[];
}

export interface SignHook {
  readonly id: string;
  readonly form: Readonly<Record<string, string>>;
  /** Undefined if it does not sign. */
  readonly secret: string | undefined;
  /** Deliveries that have failed in a row. */
  failures: number;
}

export interface WatchState {
  rows: ChannelRow[];
}

/** One channel in one module. */
export interface ChannelRow {
  product: string;
  channelId: string;
  module: string;
  events: string[];
  notifyUrl: string;
  token: string | null;
  expiresAt: number;
  related: boolean;
  values: boolean;
  condition: unknown;
}

/** Records of CRM, Bigin or Recruit. */
export interface ModuleRecords {
  /** By id, the oldest first. */
  live: Record<string, StoredRecord>;
  deleted: DeletedRecord[];
}

export interface StoredRecord {
  data: Readonly<Record<string, unknown>>;
  createdAt: number;
  changedAt: number;
  /** When a request of Sign ends that has not been signed. */
  expiresAt?: number;
}

interface DeletedRecord {
  readonly id: string;
  readonly name: string;
  readonly deletedAt: number;
}
