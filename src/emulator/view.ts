import type { ApiRequest, Subscription } from "./answer.ts";
import type { DeliveryFault } from "./faults.ts";

/** `GET /_emulator/state`. Times are milliseconds since the epoch; lists have the newest first. */
export interface EmulatorView {
  readonly url: string;
  /** How `zoho-hooks` is called in a terminal, such as `npx zoho-hooks`. */
  readonly invocation: string;
  /** The command that gives a shell its variables. */
  readonly variables: string;
  /** How many answers and deliveries still fail on purpose. */
  readonly faults: { readonly answers: number; readonly deliveries: number };
  readonly now: number;
  readonly modules: readonly { readonly product: string; readonly name: string; readonly count: number }[];
  readonly subscriptions: readonly Subscription[];
  readonly requests: readonly RequestView[];
  readonly deliveries: readonly DeliveryView[];
  /** How many old ones are gone. */
  readonly dropped: { readonly requests: number; readonly deliveries: number };
}

/** A request that was answered, or that a fault left without an answer. */
export interface SeenRequest extends Pick<ApiRequest, "at" | "method" | "path" | "headers"> {
  readonly query: string;
  readonly body: string;
  /** Body of the answer. */
  readonly answer: string;
  /** Undefined where the connection was cut or stays silent. */
  readonly status: number | undefined;
  readonly ms: number;
  /** What the request asks for that the emulator does not have, such as its method and path. */
  readonly lacks: string | undefined;
  /** What to change in the request. */
  readonly hint: string | undefined;
}
export type NumberedRequest = SeenRequest & { readonly n: number };
export type RequestView = Omit<NumberedRequest, "headers" | "body" | "answer">;

/** What became of a delivery. */
export interface DeliveryResult {
  readonly at: number;
  readonly product: string;
  readonly event: string;
  /** Signed with the published secrets, which a receiver has in its variables. */
  readonly isPublished: boolean;
  readonly fault: DeliveryFault | undefined;
  /** Number of the delivery that was sent again. */
  readonly again: number | undefined;
  /** Undefined without an answer. */
  readonly status: number | undefined;
  readonly error: string | undefined;
  /** To the end of the answer. */
  readonly ms: number | undefined;
}

/** Whether the receiver seems not to have the published secrets. */
export function lacksSecrets({ isPublished, status }: Pick<DeliveryResult, "isPublished" | "status">): boolean {
  return isPublished && (status === 401 || status === 403);
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
