import { type Delivery, splitUrl, withHeader } from "../delivery.ts";
import { idsAt } from "../field.ts";
import type { AuthPlace } from "../format-settings.ts";
import { formFields, type Payload } from "../payload.ts";
import type { Finding, Proof, Verdict } from "../product.ts";
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
    verify: judge,
    explain(delivery, payload, secrets, product) {
      const values = valuesOf(delivery, payload, place);
      const configured = secrets.for(this.credential, product);
      const isRight = (value: string): boolean => isOneOf(configured, value);
      const wrong = values.find((value) => !isRight(value)) ?? values[0];
      const given = wrong === undefined ? undefined : passwordIn(place, wrong) || undefined;
      return {
        canonical: `the value in ${where}, exactly as it is configured`,
        findings: [
          ...(values.some(isRight) ? [REPEATED] : []),
          ...("basic" in place && wrong ? [otherUser(place.basic, wrong)] : []),
          ...explainToken(given, configured, secrets.all(), "value", where),
        ],
        expected: undefined,
        received: undefined,
      };
    },
  };

  function isOneOf(secrets: readonly Secret[], value: string): boolean {
    return secrets.some((secret) => sameText(value, expected(place, secret)));
  }

  function judge(delivery: Delivery, payload: Payload, secrets: readonly Secret[]): Verdict {
    const of = { id: "static-auth", proves: "sender" } as const;
    const values = valuesOf(delivery, payload, place);
    if (values.length === 0) {
      return secrets.length === 0
        ? says(of, "absent", `nothing in ${where}`)
        : says(of, "failed", `a value is configured, but there is none in ${where}`);
    }
    if (secrets.length === 0)
      return says(of, "unconfigured", `there is a value in ${where}, but none is configured to compare it with`);
    const match = secrets.find((secret) => values.every((value) => isOneOf([secret], value)));
    if (match !== undefined) return says(of, "passed", `the value in ${where} is ${match.origin}`);
    return values.some((value) => isOneOf(secrets, value))
      ? says(of, "failed", `${where} has the right value, but also another one`)
      : says(of, "failed", `the value in ${where} is not the configured one`);
  }
}

const REPEATED: Finding = {
  id: "repeated",
  matches: true,
  meaning: "the right value is there, but also another one, and it is not certain which of them an app reads",
  remedy: "have the sender write it once, and check that nothing on the way adds another",
};

function otherUser(name: string, given: string): Finding {
  return {
    id: "user",
    matches: !decoded(given).startsWith(`${name}:`),
    meaning: `it uses another user name than ${name}`,
    remedy: "write the same name in the webhook's settings and in the config",
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

/** The part of it that is the user's value. */
function passwordIn(place: AuthPlace, value: string): string {
  return "basic" in place ? decoded(value).replace(/^[^:]*:/, "") : value;
}

function decoded(basic: string): string {
  return Buffer.from(basic, "base64").toString("utf8");
}

/** Every value that stands there: with two different ones nobody can say which of them the app will read. */
function valuesOf(delivery: Delivery, payload: Payload, place: AuthPlace): readonly string[] {
  if ("header" in place) return headerValues(delivery, place.header);
  if ("basic" in place)
    return headerValues(delivery, "authorization").map((value) => /^basic +(\S+)$/i.exec(value)?.[1] ?? "");
  const fields = payload.kind === "query" ? [] : payload.fields;
  const sent = [...formFields(splitUrl(delivery.url).query), ...fields]
    .filter(([name]) => name === place.parameter)
    .map(([, value]) => value);
  const written = payload.kind === "json" ? idsAt(payload.data, [place.parameter]) : [];
  return [...sent, ...written];
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
