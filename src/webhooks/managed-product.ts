import { valueAt } from "../delivery/payload.ts";
import type { DataCentre, Environment } from "../zoho-api/data-centres.ts";
import type { ZohoRequest } from "../zoho-api/http.ts";

/** A webhook as Zoho lists it. */
export interface Webhook {
  readonly id: string;
  readonly name: string | undefined;
  readonly url: string | undefined;
  /** In the product's words: events, actions, or the one module whose rules call it. */
  readonly events: readonly string[];
  /** Undefined if Zoho does not say. */
  readonly enabled: boolean | undefined;
  /** The workflow rules that call it; undefined if it needs none, or Zoho does not say. */
  readonly rules: readonly string[] | undefined;
}

/** A webhook to create. */
export interface WebhookConfig {
  readonly name: string;
  readonly description: string | undefined;
  readonly url: string;
  readonly events: readonly string[];
  /** Undefined if it does not sign, or signs with a key of Zoho's. */
  readonly secret: string | undefined;
  readonly filters: WebhookFilters;
}

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

/** The part of a request that names the organisation. */
type OrganisationPlace = { readonly header: string } | { readonly query: string } | { readonly field: string };

export interface Organisation {
  readonly id: string;
  readonly name: string | undefined;
}

interface OrganisationRule {
  readonly place: OrganisationPlace;
  /** Undefined if calls do not need one. */
  readonly discover:
    | { readonly path: string; readonly scope: string; read(body: unknown): readonly Organisation[] }
    | undefined;
}

/** A secret that the user or this tool chooses, and that Zoho signs with. */
interface SecretRule {
  readonly pattern: RegExp;
  /** Completes "the secret must be …". */
  readonly rule: string;
}

interface Endpoint<Args extends readonly unknown[], Result> {
  call(...args: Args): WebhookCall;
  read(body: unknown): Result;
}

/** A rule that calls a webhook, for products whose webhooks never fire alone. */
interface RuleEndpoint {
  /** Values of `--rule`. */
  readonly kinds: readonly string[];
  call(webhook: { readonly id: string; readonly config: WebhookConfig }, kind: string): WebhookCall;
}

/** The documented management API of one product. */
export interface ManagedProduct {
  readonly id: string;
  readonly title: string;
  /** The place in Zoho's settings for doing the same by hand. */
  readonly settings: string;
  /** Its webhooks may have http URLs. */
  readonly plainHttp?: boolean;
  readonly loginScopes: readonly string[];
  scopeNamedInErrors(operation: WebhookOperation): string;
  host(centre: DataCentre, environment: Environment): string;
  readonly organisation: OrganisationRule;
  readonly events: {
    readonly noun: string;
    readonly many: boolean;
    /** Default: those of the product's wire format. Unknown names are passed on. */
    readonly known?: readonly string[];
    /** Other names for them, lower case. */
    readonly aliases?: Readonly<Record<string, string>>;
  };
  readonly filters: readonly (keyof WebhookFilters)[];
  readonly secret: SecretRule | undefined;
  /** Why Zoho would reject a configuration. */
  rejection?(config: WebhookConfig): string | undefined;
  /** A warning before it is created. */
  warn?(config: WebhookConfig): string | undefined;
  /** A notice after it was created. */
  note?(config: WebhookConfig, id: string, centre: DataCentre): string | undefined;
  /** Pause between calls, if Zoho is known to reject a second one that comes sooner. */
  readonly pauseMs?: number;
  /** Reads undefined from an answer that is not the API's. */
  readonly list?: Endpoint<[page: number], Page | undefined>;
  readonly create?: Endpoint<[config: WebhookConfig], string | undefined>;
  readonly remove?: Endpoint<[id: string], void>;
  readonly rules?: RuleEndpoint;
}

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

/** Ids come as strings or as numbers. */
export function idText(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  return typeof value === "number" ? String(value) : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The objects in a list of a body; undefined if there is no such list. */
export function itemsAt(body: unknown, name: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  const list = valueAt(body, [name]);
  if (!Array.isArray(list)) return undefined;
  return list.filter((each) => typeof each === "object" && each !== null);
}

/** The same for a list request: a success without the list means an empty one. */
export function listedAt(body: unknown, name: string): ReturnType<typeof itemsAt> {
  return itemsAt(body, name) ?? (valueAt(body, ["code"]) === 0 ? [] : undefined);
}
