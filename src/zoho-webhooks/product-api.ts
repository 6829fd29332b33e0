import { valueAt } from "../delivery/payload.ts";
import { UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import type { ApiHost, ApiRequest } from "../zoho-api/api.ts";
import type { ZohoRequest } from "../zoho-api/retrying-http.ts";
import type { SignIn } from "../zoho-api/sign-in.ts";

interface ProductApi extends ApiHost {
  readonly title: string;
}

/** The management API of one product's webhooks. */
export interface ManagedProduct extends ProductApi {
  /** Its webhooks may have http URLs. */
  readonly plainHttp?: boolean;
  scopeFor(operation: "READ" | "CREATE" | "DELETE"): string;
  readonly organisation: {
    /** The part of a request that names it. */
    readonly place: { readonly in: "header" | "query" | "form"; readonly name: string };
    /** The list of organisations; undefined if calls need none. */
    readonly list?: { readonly path: string; readonly scope: string; read(body: unknown): readonly Organisation[] };
  };
  readonly events: {
    readonly noun: string;
    readonly many: boolean;
    /** Default: those of the product's wire format. Unknown names are passed on. */
    readonly known?: readonly string[];
    /** Other names for them, lower case. */
    readonly aliases?: Readonly<Record<string, string>>;
  };
  /** A secret that the user or this tool chooses, and that Zoho signs with. `rule` completes "a secret must be …". */
  readonly secret?: { readonly pattern: RegExp; readonly rule: string };
  /** For webhooks that Zoho signs with a key of its own: the value of `ZOHO_WEBHOOK_JWKS` that verifies them. */
  keySet?(signIn: SignIn): string;
  /** How many webhooks an account may have, where Zoho says so. */
  readonly maxWebhooks?: number;
  /** Why Zoho would reject a configuration. */
  rejection?(config: WebhookConfig): string | undefined;
  /** A warning before it is created. */
  warn?(config: WebhookConfig): string | undefined;
  /** A notice after it was created. */
  note?(config: WebhookConfig, id: string, signIn: SignIn): string | undefined;
  /** Pause between calls, if Zoho is known to reject a second one that comes sooner. */
  readonly pauseMs?: number;
  /** The list of webhooks, to which a new one is posted. A single one is below it. */
  readonly path: string;
  listQuery?(page: number): string;
  /** The rows of the list; undefined for an answer that is not the API's. */
  rows(body: unknown): readonly Row[] | undefined;
  hasMore?(body: unknown, rows: readonly Row[]): boolean;
  /** Name of a row's id. */
  readonly idName: string;
  webhook(row: Row): Omit<Webhook, "id">;
  /** The request body that creates a webhook. */
  body(config: WebhookConfig): Pick<ZohoRequest, "json" | "multipart">;
  /** Place of a new webhook's id in the answer. */
  readonly newId: readonly string[];
  /** Workflow rules, for a product whose webhooks never fire without one. */
  readonly rules?: {
    /** Values of `--rule`. */
    readonly kinds: readonly string[];
    readonly path: string;
    body(webhook: { readonly id: string; readonly config: WebhookConfig }, kind: string): object;
  };
}

export interface Organisation {
  readonly id: string;
  readonly name?: string | undefined;
}

/** A webhook as Zoho lists it. */
export interface Webhook {
  readonly id: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
  /** In the product's words: events, actions, or the one module whose rules call it. */
  readonly events: readonly string[];
  /** Undefined if Zoho does not say. */
  readonly enabled?: boolean | undefined;
  /** The workflow rules that call it; undefined if it needs none, or Zoho does not say. */
  readonly rules?: readonly string[] | undefined;
}

/** A webhook to create. */
export interface WebhookConfig {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  /** Undefined if it does not sign, or signs with a key of Zoho's. */
  readonly secret: string | undefined;
}

/** A product's list of failed deliveries. */
export interface FailureLog extends ProductApi {
  /** Each of them allows reading the list. */
  readonly readScopes: readonly string[];
  /** How far the list goes back. */
  readonly maxDays: number;
  /** May include deliveries from before `since`, since Zoho filters by day or not at all. `org`: the value of `--org`. */
  read(send: SendCall, filter: { readonly since: Date; readonly org: string | undefined }): Promise<FoundFailures>;
  /** Why Zoho does not send a delivery again, by its answer. Undefined for products that cannot send again. */
  readonly refusal?: (body: unknown, failure: FailedDelivery) => string | undefined;
}

/** A delivery that Zoho counts as failed, as far as its list says. */
export interface FailedDelivery {
  readonly id: string;
  /** When it failed last. */
  readonly at: Date | undefined;
  /** The webhook's name, else its id. */
  readonly webhook: string | undefined;
  /** The workflow rule that called it. */
  readonly rule?: string | undefined;
  /** The event, or the module of the record. */
  readonly event: string | undefined;
  /** The record's id. */
  readonly record: string | undefined;
  /** Masked in a report. */
  readonly url?: string | undefined;
  /** The status that the receiver answered. */
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  /** How often Zoho has repeated it. */
  readonly retries?: number | undefined;
  /** The request that makes Zoho send it again. */
  readonly again?: FailureCall;
}

export interface FoundFailures {
  readonly items: readonly FailedDelivery[];
  /** There are more than were read. */
  readonly more: boolean;
}

/** `action` completes "Zoho refused to …". */
type FailureCall = Pick<ApiRequest, "method" | "repeatable" | "path" | "action" | "scope">;

/** Throws if Zoho refuses the call, or if `read` returns undefined: the answer is not the API's. */
export type SendCall = <T>(call: FailureCall, read: (body: unknown, status: number) => T | undefined) => Promise<T>;

/** At most this many pages of a list are read: API calls are limited, and nobody reads more. */
export const MAX_FAILURE_PAGES = 20;

export type Row = Readonly<Record<string, unknown>>;

/** Ids come as strings or as numbers. */
export function idText(value: unknown): string | undefined {
  return typeof value === "number" ? String(value) : textOf(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The objects in a list of a body; undefined if there is no such list. */
export function rowsAt(body: unknown, name: string): readonly Row[] | undefined {
  const list = valueAt(body, [name]);
  return Array.isArray(list) ? list.filter((each) => typeof each === "object" && each !== null) : undefined;
}

/** The rows of a list whose success without the list means an empty one. */
export function listedAt(body: unknown, name: string): readonly Row[] | undefined {
  return rowsAt(body, name) ?? (valueAt(body, ["code"]) === 0 ? [] : undefined);
}

/** The rows that have an id, each with the facts that `read` finds in it. */
export function withIds<T>(rows: readonly Row[], idName: string, read: (row: Row, id: string) => T) {
  return rows.flatMap((row) => {
    const id = idText(row[idName]);
    return id === undefined ? [] : [{ id, ...read(row, id) }];
  });
}

/** The id of the only one that the sign-in has access to. `noun`: `Zoho Desk organisation`; `user`: who has access to one. */
export function onlyOne(
  found: readonly Organisation[],
  noun: string,
  user: string,
  howToChoose = "choose one with --org",
): string {
  const [first] = found;
  if (first === undefined) {
    throw new UserError(
      "zohoApi",
      `the sign-in has access to no ${noun}`,
      `sign in as ${user}, or name it with --org`,
      "no_organisation",
    );
  }
  if (found.length === 1) return first.id;
  const names = found.map(({ id, name }) => oneLine(name === undefined ? id : `${id} (${name})`)).join(", ");
  throw usageError(`the sign-in has access to ${found.length} ${noun}s`, `${howToChoose}: ${names}`);
}
