import { UNKNOWN_KEY } from "../core/key-set.ts";
import { type Arrival, type Judgement, type JudgeOptions, judge } from "./judge.ts";
import type { WebhookRoute } from "./route.ts";

export interface KeyOptions extends JudgeOptions {
  /** Fetches the public keys of a product anew; resolves soon, and to whether there are other ones now. */
  renewKeys?(product: string): Promise<boolean>;
}

/**
 * Judges a delivery, once more where its key was not known and the keys have changed since they were fetched. A promise
 * only where that is so: nearly no delivery has to wait.
 */
export function judgeWithKeys(
  arrival: Arrival,
  found: WebhookRoute,
  options: KeyOptions,
): Judgement | Promise<Judgement> {
  const first = judge(arrival, found, options);
  const { product, verdicts } = first.receipt;
  if (product === undefined || !verdicts.some(({ match }) => match === UNKNOWN_KEY)) return first;
  return judgeAgain(first, product, arrival, found, options);
}

async function judgeAgain(
  first: Judgement,
  product: string,
  arrival: Arrival,
  found: WebhookRoute,
  options: KeyOptions,
): Promise<Judgement> {
  return (await options.renewKeys?.(product)) === true ? judge(arrival, found, options) : first;
}
