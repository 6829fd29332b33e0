import { usageError } from "../util/errors.ts";
import type { Answer, ApiRequest, Wording } from "./answer.ts";

/** The usual answer, that much later. What the request does, it does at once. */
interface Delay {
  readonly delayMs: number;
}

/** What happens to a request: `cut` closes the connection, `silence` never answers, a function words it as the product does. */
export type RequestFault = "cut" | "silence" | Delay | Answer | ((fail: Wording) => Answer);

/** What happens to a delivery: `out-of-order` puts it behind the next one to the same URL. */
export const DELIVERY_FAULTS = ["lost", "late", "twice", "out-of-order"] as const;
export type DeliveryFault = (typeof DELIVERY_FAULTS)[number];

const MAX_PLANNED = 1000;

/** Faults on demand: each applies to the next subjects that match, and then is over. */
class Plan<Fault, Subject> {
  #planned: { readonly fault: Fault; times: number; readonly matches: (subject: Subject) => boolean }[] = [];

  /** Throws a usage error beyond the limit of faults. */
  add(fault: Fault, times = 1, matches: (subject: Subject) => boolean = () => true): void {
    if (this.#planned.length >= MAX_PLANNED)
      throw usageError(`more than ${MAX_PLANNED} faults are planned`, "POST /_emulator/reset removes them");
    this.#planned.push({ fault, times, matches });
  }

  take(subject: Subject): Fault | undefined {
    const found = this.#planned.find(({ matches }) => matches(subject));
    if (found !== undefined && --found.times <= 0) this.#planned = this.#planned.filter((each) => each !== found);
    return found?.fault;
  }

  /** How many subjects still fail. */
  get remaining(): number {
    return this.#planned.reduce((sum, { times }) => sum + times, 0);
  }

  clear(): void {
    this.#planned = [];
  }
}

const MAX_TIMES = 1_000_000;

/** How often something planned happens. Throws a usage error for another value. */
export function requireTimes(times: unknown): number {
  if (Number.isInteger(times) && Number(times) >= 1 && Number(times) <= MAX_TIMES) return Number(times);
  throw usageError(`times: ${JSON.stringify(times)} is not a whole number from 1 to ${MAX_TIMES}`);
}

export class Faults {
  readonly requests = new Plan<RequestFault, ApiRequest>();
  readonly deliveries = new Plan<DeliveryFault, { readonly product: string }>();

  clear(): void {
    this.requests.clear();
    this.deliveries.clear();
  }
}
