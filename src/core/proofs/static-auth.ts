import { type Delivery, splitUrl, withHeader } from "../delivery.ts";
import { textAt } from "../field.ts";
import type { AuthPlace } from "../format-settings.ts";
import type { Payload } from "../payload.ts";
import type { Proof } from "../product.ts";
import { type Secret, sameText } from "../secret.ts";
import { says } from "./says.ts";

/**
 * A fixed value in a header, a parameter or HTTP's basic authentication, that a user has the sender add where the
 * product signs nothing itself. Shows who sent a delivery; anyone who has seen one can write another.
 */
export function staticAuth(place: AuthPlace): Proof {
  const where = placeText(place);
  return {
    id: "static-auth",
    proves: "sender",
    credential: "auth",
    ...headerOf(place),
    title: `a fixed value in ${where}`,
    sign: (delivery, secret) => withValue(delivery, place, secret.reveal()),
    verify(delivery, payload, secrets) {
      const values = valuesOf(delivery, payload, place);
      if (values.length === 0) {
        return secrets.length === 0
          ? says(this, "absent", `nothing in ${where}`)
          : says(this, "failed", `a value is configured, but there is none in ${where}`);
      }
      if (secrets.length === 0)
        return says(this, "unconfigured", `carries ${where}, but there is no value to compare it with`);
      const match = secrets.find((secret) => values.every((value) => sameText(value, expected(place, secret))));
      return match === undefined
        ? says(this, "failed", `the value in ${where} is not the configured one`)
        : says(this, "passed", `the value in ${where} is ${match.origin}`);
    },
  };
}

function placeText(place: AuthPlace): string {
  if ("header" in place) return `the header ${place.header}`;
  return "parameter" in place ? `the parameter ${place.parameter}` : `basic authentication as ${place.basic}`;
}

function headerOf(place: AuthPlace): { header?: string } {
  if ("header" in place) return { header: place.header };
  return "basic" in place ? { header: "authorization" } : {};
}

function expected(place: AuthPlace, secret: Secret): string {
  if (!("basic" in place)) return secret.reveal();
  return Buffer.from(`${place.basic}:${secret.reveal()}`).toString("base64");
}

/** Every value that stands there: with two different ones nobody can say which of them the app will read. */
function valuesOf(delivery: Delivery, payload: Payload, place: AuthPlace): readonly string[] {
  if ("header" in place) return headerValues(delivery, place.header);
  if ("basic" in place)
    return headerValues(delivery, "authorization").map((value) => /^basic +(\S+)$/i.exec(value)?.[1] ?? "");
  const query = new URLSearchParams(splitUrl(delivery.url).query).getAll(place.parameter);
  const fields = payload.kind === "query" ? [] : payload.fields;
  const sent = fields.filter(([name]) => name === place.parameter).map(([, value]) => value);
  const written = payload.kind === "json" ? textAt(payload.data, [place.parameter]) : undefined;
  return [...query, ...sent, ...(written === undefined ? [] : [written])];
}

function headerValues(delivery: Delivery, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  return delivery.headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value);
}

function withValue(delivery: Delivery, place: AuthPlace, value: string): Delivery {
  if ("header" in place) return withHeader(delivery, place.header, value);
  if ("basic" in place)
    return withHeader(delivery, "authorization", `Basic ${Buffer.from(`${place.basic}:${value}`).toString("base64")}`);
  const [beforeHash = ""] = delivery.url.split("#", 1);
  const added = new URLSearchParams([[place.parameter, value]]).toString();
  return { ...delivery, url: `${beforeHash}${beforeHash.includes("?") ? "&" : "?"}${added}` };
}
