import { CREDENTIAL_VARIABLES } from "../../config/secrets.ts";
import { echoChallenge } from "../../core/challenge.ts";
import type { HeaderPair } from "../../core/delivery.ts";
import { usageError } from "../../core/errors.ts";
import type { Format, Probe, Product } from "../../core/product.ts";
import type { Secrets } from "../../core/secret.ts";
import type { SendPlan } from "./plan.ts";

/** The guide's challenge, which wants its echo. */
export function isChallenged(format: Format): boolean {
  return format.handshake === echoChallenge;
}

/** What Zoho itself asks in the place of the guide's challenge. An app that is never asked must not be told that it fails. */
export function requireProbes(product: Product, format: Format, plan: SendPlan): readonly Probe[] {
  const { probes } = format;
  if (probes === undefined) {
    const guide = product.formats.find(isChallenged);
    throw usageError(
      `${product.title} has no known challenge in its format ${format.id}`,
      guide === undefined
        ? "leave --challenge out, and send one of its events"
        : `for the guide's challenge, use --format ${guide.id}`,
    );
  }
  if (plan.challenge !== true)
    throw usageError(`the probe of ${product.title} has no value`, "use --challenge without one");
  if (plan.count > 1 || plan.repeat > 0 || plan.breakage !== undefined) {
    throw usageError(
      `the probe of ${product.title} is sent once, and complete`,
      "leave --count, --repeat, --malformed and --truncate out",
    );
  }
  return probes;
}

/** The header that a secret is handed over in: the configured one, so that later deliveries are signed with it. */
export function handedOver({ handsOver }: Probe, product: Product, secrets: Secrets): readonly HeaderPair[] {
  if (handsOver === undefined) return [];
  const [secret] = secrets.for(handsOver.credential, product.id);
  if (secret !== undefined) return [[handsOver.header, secret.reveal()]];
  throw usageError(
    `${product.title} hands over a secret in ${handsOver.header}, and none is configured`,
    `set ${CREDENTIAL_VARIABLES[handsOver.credential]} to a value of your choice: send uses it to sign later events, too`,
  );
}
