import { formatDuration } from "../../util/units.ts";
import { type Check, isAccepted, isRedirect } from "./check.ts";
import { type Endpoint, mayBeInsecure } from "./endpoint.ts";
import type { Subject } from "./samples.ts";
import { keyOf, setVariables } from "./samples.ts";

export const NO_NAME = "the name does not resolve";

/** Why a check cannot be tried: what must have worked before it does not. */
export async function blockedBy({ after }: Pick<Check, "after">, endpoint: Endpoint): Promise<string | undefined> {
  if (after === "nothing") return undefined;
  const closed = await unreachable(endpoint);
  if (closed !== undefined || after === "reachable") return closed;
  const silent = await unanswered(endpoint);
  if (silent !== undefined || after === "answer") return silent;
  const answer = await endpoint.baseline();
  if (isAccepted(answer)) return undefined;
  return refusesUnsigned(endpoint.subject, answer) ?? "it does not accept a valid delivery";
}

/** Why nothing can be sent. A certificate that is not valid keeps the secrets from whoever has it. */
async function unreachable(endpoint: Endpoint): Promise<string | undefined> {
  const seen = await endpoint.network();
  if (seen === undefined) return undefined;
  if (seen.nameError !== undefined) return NO_NAME;
  if (seen.portError !== undefined) return seen.portError;
  const { tls } = seen;
  if (tls === undefined) return undefined;
  if (tls.error !== undefined) return "there is no TLS connection";
  const { chainError, nameError, validFrom = new Date(NaN), validTo = new Date(NaN) } = tls;
  const now = endpoint.now();
  const isValid = chainError === undefined && nameError === undefined && validFrom <= now && now <= validTo;
  return isValid || mayBeInsecure(endpoint.subject) ? undefined : "the certificate is not valid, so nothing is sent";
}

/** Why no further delivery is sent: the first was not answered, or not by the app. */
async function unanswered({ baseline, subject }: Endpoint): Promise<string | undefined> {
  const answer = await baseline();
  if (answer.error?.code === "timeout" || answer.latencyMs > subject.deadlineMs)
    return `it takes longer than ${formatDuration(subject.deadlineMs)} to answer`;
  if (answer.error !== undefined) return "it gave no answer to a valid delivery";
  return isRedirect(answer) ? "it redirects" : undefined;
}

/** Why a delivery was refused that could not be signed, which is right; undefined for any other. */
export function refusesUnsigned(
  subject: Subject,
  { status }: { readonly status: number | undefined },
): string | undefined {
  const missing = subject.format.proofs.filter((proof) => keyOf(subject, proof) === undefined);
  if (missing.length === 0 || (status !== 401 && status !== 403)) return undefined;
  return `it refuses unsigned deliveries (${status}): ${setVariables(missing)}`;
}
