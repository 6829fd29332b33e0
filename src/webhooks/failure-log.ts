import type { DataCentre, Environment } from "../zoho-api/data-centres.ts";
import type { ZohoRequest } from "../zoho-api/http.ts";
import type { FailureFacts } from "./reports.ts";

export interface FailedDelivery extends FailureFacts {
  /** The request that makes Zoho send it again. */
  readonly again?: FailureCall;
}

interface FailureCall extends Pick<ZohoRequest, "method" | "repeatable"> {
  /** With its query. */
  readonly path: string;
  /** Completes "Zoho refused to …". */
  readonly action: string;
  readonly scope: string;
}

/** Throws if Zoho refuses the call, or if `read` returns undefined: the answer is not the API's. */
export type SendCall = <T>(call: FailureCall, read: (body: unknown, status: number) => T | undefined) => Promise<T>;

export interface FailureFilter {
  readonly since: Date;
  /** The value of `--org`. */
  readonly org: string | undefined;
}

export interface FoundFailures {
  readonly items: readonly FailedDelivery[];
  /** There are more than were read. */
  readonly more: boolean;
}

/** A product's list of failed deliveries, as far as its API is documented. */
export interface FailureLog {
  readonly id: string;
  readonly title: string;
  readonly loginScopes: readonly string[];
  /** A scope that `login --product` does not request. */
  readonly extraScope?: string;
  /** Each of them allows reading the list. */
  readonly readScopes: readonly string[];
  /** How far the list goes back. */
  readonly maxDays: number;
  host(centre: DataCentre, environment: Environment): string;
  /** May include deliveries from before `since`, since Zoho filters by day or not at all. */
  read(send: SendCall, filter: FailureFilter): Promise<FoundFailures>;
  /** Why Zoho does not send a delivery again, by its answer. Undefined for products that cannot send again. */
  readonly refusal?: (body: unknown, failure: FailedDelivery) => string | undefined;
}

/** At most this many pages of a list are read: API calls are limited, and nobody reads more. */
export const MAX_FAILURE_PAGES = 20;
