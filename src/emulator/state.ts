import type { Row } from "./watch-item.ts";

/**
 * Everything that an emulated organisation holds, as JSON, for `--state`. Services change it in place. A member whose name ends
 * in `At` is a time, or a list of times, in milliseconds since the epoch.
 */
export interface EmulatorState {
  accounts: AccountsState;
  watch: WatchState;
  desk: DeskState;
  finance: FinanceState;
  sign: SignState;
  /** Digits of the next id: 19 of them, so that a client that reads ids as numbers loses some. */
  nextId: string;
  /** PEM of the private key of Desk's tokens, once there is one. It is Zoho's, so emptying the organisation keeps it. */
  deskKey?: string;
}

export function emptyState(): EmulatorState {
  return {
    accounts: { grants: {}, refreshTokens: {}, accessTokens: {} },
    watch: { rows: [] },
    desk: { hooks: [], tickets: {}, contacts: {}, nextId: "1892000000004203471" },
    finance: { hooks: [], contacts: {}, items: {}, invoices: {}, nextId: "460000000026049" },
    sign: { hooks: [], requests: {}, nextId: "100000000000321001" },
    nextId: "5725767000003000001",
  };
}

/** Most products have ids of their own, in a part of the state. */
export function nextId(state: { nextId: string }): string {
  const id = state.nextId;
  state.nextId = String(BigInt(id) + 1n);
  return id;
}

/** A member of an object whose names come from outside. */
export function memberOf<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Moves every time back, so that what the organisation holds is older by `ms`. The clock itself stays. */
export function age(value: unknown, ms: number): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (!name.endsWith("At")) age(member, ms);
    else if (typeof member === "number") Object.assign(value, { [name]: member - ms });
    else if (Array.isArray(member)) Object.assign(value, { [name]: member.map((at: number) => at - ms) });
  }
}

export interface AccountsState {
  grants: Record<string, Grant>;
  refreshTokens: Record<string, Refreshable>;
  accessTokens: Record<string, Access>;
}

export interface Grant {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly redirectUri?: string | undefined;
}

export interface Refreshable {
  readonly scopes: readonly string[];
  issuedAt: number[];
}

export interface Access {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
  readonly refreshToken?: string | undefined;
}

/** A record of Desk or Books, as clients wrote it. */
export interface StoredRecord {
  readonly id: string;
  readonly createdAt: number;
  modifiedAt: number;
  /** When a ticket was closed. */
  closedAt?: number | undefined;
  data: Readonly<Record<string, unknown>>;
}

/** By id, the oldest first. */
export type Records = Record<string, StoredRecord>;

export interface DeskState {
  hooks: DeskHook[];
  tickets: Records;
  contacts: Records;
  nextId: string;
}

export interface DeskHook {
  readonly id: string;
  body: Readonly<Record<string, unknown>>;
}

export interface FinanceState {
  hooks: FinanceHook[];
  contacts: Records;
  items: Records;
  invoices: Records;
  nextId: string;
}

export interface FinanceHook {
  readonly id: string;
  readonly root: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly rules: { readonly id: string; readonly type: string }[];
}

export interface SignState {
  hooks: SignHook[];
  requests: Record<string, SignRequest>;
  nextId: string;
}

export interface SignHook {
  readonly id: string;
  readonly form: Readonly<Record<string, string>>;
  /** Undefined if it does not sign. */
  readonly secret: string | undefined;
  /** Deliveries that have failed in a row. */
  failures: number;
}

export interface SignRequest {
  readonly id: string;
  readonly name: string;
  status: "draft" | "inprogress" | "completed" | "declined" | "recalled" | "expired";
  readonly isSequential: boolean;
  readonly expirationDays: number;
  readonly documents: readonly { readonly id: string; readonly name: string }[];
  readonly actions: SignAction[];
  readonly createdAt: number;
  modifiedAt: number;
  /** From when it is sent. */
  expiresAt?: number;
}

/** What one recipient has to do. */
export interface SignAction {
  readonly id: string;
  readonly type: string;
  readonly order: number;
  name: string;
  email: string;
  status: "NOACTION" | "UNOPENED" | "VIEWED" | "SIGNED";
}

export interface WatchState {
  rows: Row[];
}
