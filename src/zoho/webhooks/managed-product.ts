import type { DataCentre, Environment } from "../data-centres.ts";
import type { ZohoRequest } from "../http.ts";

/** A webhook as Zoho lists it. */
export interface Webhook {
  readonly id: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
  /** What it posts, in the product's own words: events, actions, or the one module whose rules call it. */
  readonly events: readonly string[];
  /** Undefined where Zoho does not say. */
  readonly enabled: boolean | undefined;
  /** The workflow rules that call it; undefined where it needs none, or Zoho does not say. */
  readonly rules: readonly string[] | undefined;
}

/** What is to be made. */
export interface WebhookConfig {
  readonly name: string;
  readonly description: string | undefined;
  readonly url: string;
  readonly events: readonly string[];
  /** What it is to sign with; undefined where it is not to sign, or signs with a key of Zoho's. */
  readonly secret: string | undefined;
  readonly filters: WebhookFilters;
}

/** What narrows events down, where a product documents that. */
export interface WebhookFilters {
  readonly departments?: readonly string[] | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly previous?: boolean | undefined;
  readonly direction?: string | undefined;
}

/** A request before the organisation is added. */
export interface WebhookCall extends Pick<ZohoRequest, "method" | "json" | "multipart" | "repeatable"> {
  readonly path: string;
  /** Completes "Zoho refused to …". */
  readonly action: string;
  /** Decides the scope that the call needs. */
  readonly operation: WebhookOperation;
}

type WebhookOperation = "READ" | "CREATE" | "DELETE";

interface Page {
  readonly items: readonly Webhook[];
  readonly more: boolean;
}

/** Where a request says which organisation it is of. */
type OrganisationPlace = { readonly header: string } | { readonly query: string } | { readonly field: string };

export interface Organisation {
  readonly id: string;
  readonly name: string | undefined;
}

/** How one product names the organisation that a call is for. */
interface OrganisationRule {
  readonly place: OrganisationPlace;
  /** Undefined where a call does without. */
  readonly discover:
    | { readonly path: string; readonly scope: string; read(body: unknown): readonly Organisation[] }
    | undefined;
}

/** A secret that the user, or this tool, chooses and that Zoho signs with. */
interface SecretRule {
  readonly pattern: RegExp;
  /** Completes "the secret has to be …". */
  readonly says: string;
}

interface Endpoint<Args extends readonly unknown[], Result> {
  call(...args: Args): WebhookCall;
  read(body: unknown): Result;
}

/** A rule that calls a webhook, where a webhook alone never fires. */
interface RuleEndpoint {
  /** Values of `--rule`. */
  readonly kinds: readonly string[];
  call(webhook: { readonly id: string; readonly config: WebhookConfig }, kind: string): WebhookCall;
}

/** The management API of one product, as far as it is known: what is not known is not there. */
export interface ManagedProduct {
  readonly id: string;
  readonly title: string;
  /** Where in Zoho's settings the same is done by hand. */
  readonly settings: string;
  /** Its webhooks may be at an address without TLS. */
  readonly plainHttp?: boolean;
  readonly scopes: readonly string[];
  /** As it stands in an error message. */
  scopeFor(operation: WebhookOperation): string;
  host(centre: DataCentre, environment: Environment): string;
  readonly organisation: OrganisationRule;
  /** What `events` holds, and how many of them. */
  readonly events: {
    readonly noun: string;
    readonly many: boolean;
    /** Known names; undefined: those of the product's wire format. Others are taken as they are written. */
    readonly known?: readonly string[];
    /** Other names for them, lower case. */
    readonly aliases?: Readonly<Record<string, string>>;
  };
  readonly filters: readonly (keyof WebhookFilters)[];
  readonly secret: SecretRule | undefined;
  /** What makes Zoho refuse a configuration, as a usage error's message. */
  refuse?(config: WebhookConfig): string | undefined;
  /** What is worth knowing before it is made. */
  warn?(config: WebhookConfig): string | undefined;
  /** What is worth knowing once it is there. */
  note?(config: WebhookConfig, id: string, centre: DataCentre): string | undefined;
  /** Milliseconds between two calls, where Zoho is known to refuse a second one that comes sooner. */
  readonly pauseMs?: number;
  /** Its answer is read as undefined where it is none of the API's: what is there is not known then. */
  readonly list?: Endpoint<[page: number], Page | undefined>;
  readonly create?: Endpoint<[config: WebhookConfig], string | undefined>;
  readonly remove?: Endpoint<[id: string], void>;
  readonly rules?: RuleEndpoint;
}

/** As all of them do it: a DELETE of the webhook's own path. */
export function removeAt(path: string): NonNullable<ManagedProduct["remove"]> {
  return {
    call: (id) => ({
      method: "DELETE",
      path: `${path}/${id}`,
      repeatable: true,
      action: `delete webhook ${id}`,
      operation: "DELETE",
    }),
    read: () => undefined,
  };
}

/** An id of up to 19 digits, in whichever type it came. */
export function idText(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  return typeof value === "number" ? String(value) : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The objects in a list below one name of a body; none where there is no such list. */
export function itemsAt(body: unknown, name: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const list: unknown = Reflect.get(body, name);
  if (!Array.isArray(list)) return undefined;
  return list.filter((each) => typeof each === "object" && each !== null);
}

/** The same of an answer to a question for a list. One with the code of a success has none where it leaves the list out. */
export function listedAt(body: unknown, name: string): ReturnType<typeof itemsAt> {
  return itemsAt(body, name) ?? (memberOf(body, "code") === 0 ? [] : undefined);
}

export function memberOf(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}
