import type { ApiRequest, NumberedRequest, Subscription } from "./answer.ts";
import type { DeliveryFault } from "./faults.ts";

/** `GET /_emulator/state`. Times are milliseconds since the epoch; lists have the newest first. */
export interface EmulatorView {
  readonly url: string;
  readonly now: number;
  readonly modules: readonly { readonly product: string; readonly name: string; readonly count: number }[];
  readonly subscriptions: readonly Subscription[];
  readonly requests: readonly RequestView[];
  readonly deliveries: readonly DeliveryView[];
  /** How many old ones are gone. */
  readonly dropped: { readonly requests: number; readonly deliveries: number };
}

export type RequestView = Omit<NumberedRequest, "request"> &
  Pick<ApiRequest, "at" | "method" | "path"> & { readonly query: string };

/** What became of a delivery. */
export interface DeliveryResult {
  readonly at: number;
  readonly product: string;
  readonly event: string;
  readonly fault?: DeliveryFault;
  /** Number of the delivery that was sent again. */
  readonly again?: number;
  /** Undefined without an answer. */
  readonly status?: number;
  readonly error?: string;
  /** To the end of the answer. */
  readonly ms?: number;
}

export type DeliveryView = DeliveryResult & { readonly n: number; readonly url: string };

/** `GET /_emulator/deliveries/<n>`. */
export interface WholeDelivery extends DeliveryView {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A product of `GET /_emulator/samples`, with the events that `POST /_emulator/deliver` takes. */
export interface SampleProduct {
  readonly product: string;
  readonly name: string;
  readonly events: readonly string[];
}
