import type { Payload } from "../delivery/payload.ts";
import { jsonAt } from "../util/json.ts";
import type { Reply } from "./product.ts";

/** Whether a body is a challenge and nothing else: then it is no event, even where any body counts as one. */
export function isBareChallenge({ data }: Payload): boolean {
  return hasChallenge(data) && Object.keys(data).length === 1;
}

function hasChallenge(data: unknown): data is { readonly challenge: unknown } {
  return typeof data === "object" && data !== null && Object.hasOwn(data, "challenge");
}

/**
 * The guide's verification challenge: a body with `challenge` gets the same value back as JSON.
 * A body that is an event as well is not a challenge, whatever fields its user has added.
 */
export function echoChallenge(payload: Payload): Reply | undefined {
  if (!hasChallenge(payload.data)) return undefined;
  const { challenge } = payload.data;
  if (challenge === undefined || challenge === null || challenge === "" || challenge === false) return undefined;
  // The text as received: a number may have more digits than a JavaScript number holds.
  const text = payload.text === undefined ? undefined : jsonAt(payload.text, ["challenge"]);
  const body = `{"challenge":${text ?? JSON.stringify(challenge)}}`;
  return { status: 200, contentType: "application/json; charset=utf-8", body };
}
