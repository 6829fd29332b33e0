import { textAt } from "../../body/payload.ts";
import { echoChallenge } from "../../core/handshake.ts";
import type { Format, Proof, WebhookEvent } from "../../core/product.ts";
import { guideSignature } from "../../core/proofs/body-signature.ts";

const GUIDE = "Webhooks Guide for Zoho APIs 1.0";

interface GuideParts<Events extends readonly WebhookEvent[]> {
  readonly source: string;
  readonly events: Events;
  /** The signature alone, unless the product's bodies carry more. */
  readonly proofs?: readonly Proof[];
  /** By the body's `event`, unless the product's envelope says it otherwise. */
  readonly recognise?: Format["recognise"];
  readonly records: Format["records"];
}

/** A format of the guide: its id, its signature and its challenge are the same for every product. */
export function guideFormat<const Events extends readonly WebhookEvent[]>(
  parts: GuideParts<Events>,
): Format<Events, "guide"> {
  return {
    id: "guide",
    source: parts.source,
    proofs: parts.proofs ?? [guideSignature],
    events: parts.events,
    recognise: parts.recognise ?? ((payload) => textAt(payload.data, ["event"])),
    records: parts.records,
    handshake: echoChallenge,
  };
}

/** The source of a format whose envelope the guide prints. */
export function printedInGuide(section: string): string {
  return `${GUIDE}, "${section}"; events that it does not print keep that envelope`;
}

/** The source of a format that the guide names events for, without printing a body. */
export function modelledOnGuide(sibling: string): string {
  return `modelled on "${sibling}" of the ${GUIDE}, which prints no payload for this product`;
}
