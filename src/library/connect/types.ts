// No imports: an app on an edge runtime compiles this without the types of Node or of zod.

/** A key-value store that all instances of an app share. What is kept in it is encrypted with the app's credentials. */
export interface Store {
  get(key: string): Promise<string | null | undefined>;
  /** `ttl` in seconds, 60 or more. */
  set(key: string, value: string, options: { readonly ttl: number }): Promise<unknown>;
  /**
   * Sets a key that does not exist or whose time is over, and resolves to true for the one caller that did. With it all instances together refresh
   * the access token once an hour.
   */
  add?(key: string, value: string, options: { readonly ttl: number }): Promise<boolean>;
}

/** The data centre of an organisation: the end of its Zoho URL, so that crm.zoho.eu is `eu`. */
export type ZohoDataCentre = "us" | "eu" | "in" | "au" | "jp" | "ca" | "sa" | "cn" | "uk" | "ae";

/** Nothing is read or checked before the first call, so that a build without secrets can load the module. */
export interface ConnectOptions {
  /** The client's id at https://api-console.zoho.com; the next two are from there as well. */
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  /** With the scopes of the calls that are made. */
  readonly refreshToken: string | undefined;
  readonly dc: ZohoDataCentre | (string & {}) | undefined;
  /** Default: `production`. A refresh token is valid in one environment only. */
  readonly environment?: "production" | "sandbox" | "developer" | undefined;
  /** Default: the memory of this instance, which is enough where one instance answers everything. */
  readonly store?: Store | undefined;
  /** For one call in all, in milliseconds, since a serverless function is ended without a word. Default: 25000. */
  readonly timeoutMs?: number | undefined;
  /** Another accounts server than that of the data centre, such as an emulator's. */
  readonly accountsUrl?: string | undefined;
  /** Another host of the API than the one that Zoho names with a token. */
  readonly apiUrl?: string | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** The clock, for tests. Default: the real one. */
  readonly now?: (() => Date) | undefined;
}

/** Every call rejects with a `ZohoError`, or with the reason of its signal. */
export interface ZohoConnection {
  /**
   * An access token for Zoho's APIs, valid for a minute at least: `Authorization: Zoho-oauthtoken …`. All instances that share a
   * store share it. `instead`: one that Zoho answered with 401.
   */
  accessToken(options?: {
    readonly instead?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<string>;
  /**
   * Makes a notification channel as it is declared: creates it, renews it after half of its lifetime, or changes it. Called by
   * a cron, each hour or once a day; `callBefore` says until when. Rejects if the channel is not as declared afterwards.
   */
  keepAlive(channel: ChannelSpec): Promise<KeptAlive>;
  /** The records that a notification names. Deleted records cost no request. */
  expand(notification: NotificationLike, options?: ExpandOptions): Promise<Expanded>;
  /**
   * What changed in Zoho and the app has not seen, module by module, the oldest first; then what was deleted. A record appears
   * once, however often it was changed. An error has `resume` where this can go on.
   */
  missed(options: MissedOptions): AsyncIterableIterator<MissedChange>;
}

/** A notification channel. */
export interface ChannelSpec {
  /**
   * Distinguishes the channels of one client in an organisation: `billing-production`. Two apps, or two deployments, that share
   * client and name share the channel, and take it from each other.
   */
  readonly name: string;
  /** Default: `crm`. */
  readonly product?: "crm" | "bigin" | "recruit" | undefined;
  /** `Leads.all`, `Deals.edit`. With none the channel is deleted. */
  readonly events: readonly string[];
  /** Where Zoho posts. */
  readonly url: string;
  /** Comes back in each notification, which shows that it is from Zoho: at most 50 characters. */
  readonly token: string | undefined;
  /** CRM only: edits of these fields alone notify, by module: `{ Deals: ["Stage"] }`. */
  readonly fields?: Readonly<Record<string, readonly string[]>> | undefined;
  /** CRM only: whether notifications hold the changed values. Default: false. */
  readonly values?: boolean | undefined;
  /** CRM only: whether changes of related records notify as well. Default: false, unlike Zoho's. */
  readonly related?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A channel after `keepAlive`. Times are ISO 8601, so that `Response.json` shows them. */
export interface KeptAlive {
  readonly id: string;
  /** `created`: it is new, or it had expired or was deleted, so that changes were missed. */
  readonly state: "created" | "renewed" | "updated" | "unchanged" | "deleted";
  /** What was different, or what to know: `it posts to https://old.example`. */
  readonly reason?: string | undefined;
  readonly expiresAt?: string | undefined;
  /** `keepAlive` has to be called again before this. */
  readonly callBefore?: string | undefined;
}

/** A notification of CRM, Bigin or Recruit, such as `event.payload` of `verify` and of a handler. */
export interface NotificationLike {
  readonly module: string;
  readonly ids: readonly string[];
  readonly operation: string;
}

export interface ExpandOptions {
  /** Default: `crm`. */
  readonly product?: "crm" | "bigin" | "recruit" | undefined;
  /**
   * Fields by module, at most 50: `{ Leads: ["Email", "Phone"] }`. 100 records then cost one request; without the fields of the
   * module each record is read as a whole, by a request of its own.
   */
  readonly fields?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Expanded {
  /** In the order of the notification. Numbers beyond 2^53 are text. */
  readonly records: readonly Readonly<Record<string, unknown>>[];
  /** The ids of records that no longer exist, or that the user of the refresh token may not see. */
  readonly gone: readonly string[];
  /** API credits that this cost, by Zoho's table. */
  readonly credits: number;
}

export interface MissedOptions {
  /** Default: `crm`. Not Recruit, whose list of changes is not known well enough. */
  readonly product?: "crm" | "bigin" | undefined;
  /** Zoho lists deleted records for 60 days. */
  readonly since: Date;
  /** API names: `["Leads", "Deals"]`. */
  readonly modules: readonly string[];
  /** Whether the app has had a notification of this record from `change.at` on. */
  readonly seen: (change: Change) => boolean | Promise<boolean>;
  /** `resume` of a change or an error of an earlier call with the same modules: continues behind it, with the `since` of that call. */
  readonly resume?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A change of a record, as Zoho lists it. */
export interface Change {
  readonly module: string;
  readonly id: string;
  /** As in notifications. An edit of a record whose creation was missed too is the `insert`. */
  readonly operation: "insert" | "update" | "delete";
  /** When Zoho says that it happened, to the second: `2026-12-01T09:30:00.000Z`. */
  readonly at: string;
}

export interface MissedChange extends Change {
  /** Continues behind this change in a later call. What changed in the same second may come again. */
  readonly resume: string;
}
