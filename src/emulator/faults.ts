import type { Answer, ApiRequest, Wording } from "./answer.ts";

/** Instead of an answer: `cut` closes the connection, `silence` never answers, a function words it as the product does. */
export type RequestFault = "cut" | "silence" | Answer | ((fail: Wording) => Answer);

/** What happens to a delivery: `out-of-order` puts it behind the next one to the same URL. */
export const DELIVERY_FAULTS = ["lost", "late", "twice", "out-of-order"] as const;
export type DeliveryFault = (typeof DELIVERY_FAULTS)[number];

/** Faults on demand: each applies to the next subjects that match, and then is over. */
class Plan<Fault, Subject> {
  #planned: { readonly fault: Fault; times: number; readonly matches: (subject: Subject) => boolean }[] = [];

  add(fault: Fault, times = 1, matches: (subject: Subject) => boolean = () => true): void {
    this.#planned.push({ fault, times, matches });
  }

  take(subject: Subject): Fault | undefined {
    const found = this.#planned.find(({ matches }) => matches(subject));
    if (found !== undefined && --found.times <= 0) this.#planned = this.#planned.filter((each) => each !== found);
    return found?.fault;
  }

  clear(): void {
    this.#planned = [];
  }
}

export class Faults {
  readonly requests = new Plan<RequestFault, ApiRequest>();
  readonly deliveries = new Plan<DeliveryFault, { readonly product: string }>();

  clear(): void {
    this.requests.clear();
    this.deliveries.clear();
  }
}
