import { type Delivery, splitUrl, withHeader } from "../delivery.ts";
import { textAt } from "../field.ts";
import type { AuthPlace } from "../format-settings.ts";
import type { Payload } from "../payload.ts";
import type { Proof, Verdict } from "../product.ts";
import { type Secret, sameText } from "../secret.ts";
import { explainToken } from "./explain-token.ts";
import { says } from "./says.ts";

/**
 * A fixed value in a header, a parameter or HTTP's basic authentication, that a user has the sender add where the
 * product signs nothing itself. Shows who sent a delivery; anyone who has seen one can write another.
 */
export function staticAuth(place: AuthPlace): Proof {
  const where = placeText(place);
  const secretIn = "basic" in place ? {} : { secretIn: "header" in place ? place.header : place.parameter };
  return {
    id: "static-auth",
    proves: "sender",
    credential: "auth",
    ...headerOf(place),
    ...secretIn,
    title: `a fixed value in ${where}`,
    sign: (delivery, secret) => withValue(delivery, place, secret.reveal()),
    verify(delivery, payload, secrets) {
      return { ...judge(delivery, payload, secrets), ...secretIn };
    },
    explain(delivery, payload, secrets, product) {
      const [value] = valuesOf(delivery, payload, place).map((each) => passwordIn(place, each));
      const given = value === "" ? undefined : value;
      return {
        canonical: `the value in ${where}, exactly as it is configured`,
        findings: explainToken(given, secrets.for(this.credential, product), secrets.all(), "value", where),
        expected: undefined,
        received: undefined,
      };
    },
  };

  function judge(delivery: Delivery, payload: Payload, secrets: readonly Secret[]): Verdict {
    const of = { id: "static-auth", proves: "sender" } as const;
    const values = valuesOf(delivery, payload, place);
    if (values.length === 0) {
      return secrets.length === 0
        ? says(of, "absent", `nothing in ${where}`)
        : says(of, "failed", `a value is configured, but there is none in ${where}`);
    }
    if (secrets.length === 0)
      return says(of, "unconfigured", `carries ${where}, but there is no value to compare it with`);
    const match = secrets.find((secret) => values.every((value) => sameText(value, expected(place, secret))));
    return match === undefined
      ? says(of, "failed", `the value in ${where} is not the configured one`)
      : says(of, "passed", `the value in ${where} is ${match.origin}`);
  }
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

/** The part of it that is the user's value. */
function passwordIn(place: AuthPlace, value: string): string {
  if (!("basic" in place)) return value;
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.startsWith(`${place.basic}:`) ? text.slice(place.basic.length + 1) : text;
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
