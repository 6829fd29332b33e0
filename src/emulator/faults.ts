import type { Answer, ApiRequest } from "./answer.ts";

/** Instead of an answer: `cut` closes the connection, `silence` never answers. */
export type RequestFault = "cut" | "silence" | Answer;

/** What happens to a delivery: `out-of-order` puts it behind the next one to the same URL. */
export const DELIVERY_FAULTS = ["lost", "late", "twice", "out-of-order"] as const;
export type DeliveryFault = (typeof DELIVERY_FAULTS)[number];

interface Planned<Fault, Subject> {
  readonly fault: Fault;
  times: number;
  matches(subject: Subject): boolean;
}

/** Faults on demand: each applies to the next requests or deliveries that match, and then is over. */
export class Faults {
  #requests: Planned<RequestFault, ApiRequest>[] = [];
  #deliveries: Planned<DeliveryFault, { readonly product: string; readonly event: string }>[] = [];

  failRequests(fault: RequestFault, times = 1, matches: (request: ApiRequest) => boolean = () => true): void {
    this.#requests.push({ fault, times, matches });
  }

  failDeliveries(
    fault: DeliveryFault,
    times = 1,
    matches: (delivery: { readonly product: string; readonly event: string }) => boolean = () => true,
  ): void {
    this.#deliveries.push({ fault, times, matches });
  }

  ofRequest(request: ApiRequest): RequestFault | undefined {
    return take(this.#requests, request);
  }

  ofDelivery(delivery: { readonly product: string; readonly event: string }): DeliveryFault | undefined {
    return take(this.#deliveries, delivery);
  }

  clear(): void {
    this.#requests = [];
    this.#deliveries = [];
  }
}

function take<Fault, Subject>(planned: Planned<Fault, Subject>[], subject: Subject): Fault | undefined {
  const i = planned.findIndex(({ matches }) => matches(subject));
  const found = planned[i];
  if (found === undefined) return undefined;
  if (--found.times <= 0) planned.splice(i, 1);
  return found.fault;
}
