import { jsonAt } from "./json-text.ts";
import type { Payload } from "./payload.ts";
import type { Reply } from "./product.ts";

/** A challenge and nothing else: no event, also where any body is one. */
export function isBareChallenge({ data }: Payload): boolean {
  return (
    typeof data === "object" && data !== null && Object.hasOwn(data, "challenge") && Object.keys(data).length === 1
  );
}

/**
 * The guide's verification challenge: a body with `challenge` gets the same value back as JSON.
 * A body that is an event as well is not a challenge, whatever fields its user has added.
 */
export function echoChallenge(payload: Payload): Reply | undefined {
  const data = payload.data;
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, "challenge")) return undefined;
  const challenge: unknown = Reflect.get(data, "challenge");
  if (challenge === undefined || challenge === null || challenge === "" || challenge === false) return undefined;
  // As it came: a number may have more digits than JavaScript's would keep.
  const text = payload.text === undefined ? undefined : jsonAt(payload.text, ["challenge"]);
  const body = `{"challenge":${text ?? JSON.stringify(challenge)}}`;
  return { status: 200, contentType: "application/json; charset=utf-8", body };
}
