import { textAt } from "../../delivery/payload.ts";
import { echoChallenge } from "../../model/challenge.ts";
import {
  type Body,
  type Evidence,
  type Format,
  GUIDE_FORMAT,
  type Proof,
  type WebhookEvent,
} from "../../model/product.ts";
import { guideSignature } from "../../signatures/body-signature.ts";

const GUIDE = "Webhooks Guide for Zoho APIs 1.0";

interface GuideParts<Events extends readonly WebhookEvent[]> {
  readonly source: string;
  readonly evidence: Evidence;
  readonly events: Events;
  /** Default: the signature alone. */
  readonly proofs?: readonly Proof[];
  /** Default: by the `event` of the body. */
  readonly recognise?: Body["recognise"];
  readonly records: Body["records"];
  readonly envelope: NonNullable<Body["envelope"]>;
}

/** A format of the guide; id, signature and challenge are the same for all products. */
export function guideFormat<const Events extends readonly WebhookEvent[]>(
  parts: GuideParts<Events>,
): Format<Events, typeof GUIDE_FORMAT> {
  return {
    id: GUIDE_FORMAT,
    source: parts.source,
    evidence: parts.evidence,
    proofs: parts.proofs ?? [guideSignature],
    events: parts.events,
    body: {
      recognise: parts.recognise ?? ((payload) => textAt(payload.data, ["event"])),
      records: parts.records,
      envelope: parts.envelope,
    },
    setup: { handshake: echoChallenge },
  };
}

/** The source of a format with an envelope from the guide. */
export function printedInGuide(section: string) {
  return {
    source: `${GUIDE}, "${section}"; events not printed there use the same envelope`,
    evidence: "doc",
  } as const;
}

/** The source of a format whose events the guide lists without a body. */
export function modelledOnGuide(sibling: string) {
  const source = `modelled on "${sibling}" of the ${GUIDE}, which prints no payload for this product`;
  return { source, evidence: "modelled" } as const;
}
