import { type Delivery, headerValue, splitUrl, withHeader } from "../delivery/delivery.ts";
import { MASK } from "../delivery/mask.ts";
import { formFields, idsAt, type Payload } from "../delivery/payload.ts";
import { rewriteBody } from "../delivery/rewrite-body.ts";
import { type BodyEdit, rewriteForm } from "../delivery/rewrite-text.ts";
import { type Secret, sameText } from "../delivery/secrets.ts";
import type { AuthPlace } from "../model/format-settings.ts";
import type { ExplainFinding, Proof } from "../model/product.ts";
import { makeVerdict, missingVerdict, noKeyReason } from "../model/verdict.ts";
import { readExact, writeJson } from "../util/json.ts";

/**
 * The guide's "Method 1": `token` in the body equals the one given when the webhook was set up.
 * Shows who sent the delivery; anyone who has seen one can write another, so it does not prove the body.
 */
export const bodyToken: Proof = {
  id: "token",
  proves: "sender",
  credential: "token",
  title: "token in the body",
  sign(delivery, secret) {
    const data = readExact(delivery.body.toString("utf8"));
    if (typeof data !== "object" || data === null || Array.isArray(data)) return delivery;
    return { ...delivery, body: Buffer.from(writeJson({ ...data, token: secret.reveal() })) };
  },
  verify({ payload, secrets }) {
    const token = tokenOf(payload);
    const { ofChannel, required, accepted } = tokensFor(payload, secrets);
    const [channel] = ofChannel;
    const isRequired = ofChannel.length > 0 || required.length > 0;
    if (token === undefined) {
      if (!isRequired) return makeVerdict(this, "absent", "no token in the body");
      const whose = channel === undefined ? "a token is configured" : `${channel.origin} has a token`;
      return missingVerdict(this, `${whose}, but the body has none`);
    }
    const match = accepted.find((secret) => sameText(token, secret.reveal()));
    if (match !== undefined) return makeVerdict(this, "passed", `the token is ${match.origin}`);
    if (!isRequired) return makeVerdict(this, "unconfigured", noKeyReason(this.credential));
    const right = channel === undefined ? "the configured one" : `that of ${channel.origin}`;
    return makeVerdict(this, "failed", `the token in the body is not ${right}`);
  },
  explain({ payload, secrets, product }) {
    const configured = secrets.for(this.credential, product);
    return {
      canonical: "the token in the body, exactly as it is configured",
      findings: explainValue({
        value: tokenOf(payload),
        configured: tokensFor(payload, configured).accepted,
        all: [...configured, ...secrets.all()],
        noun: "token",
        where: "the body",
      }),
      // The expected value would be the secret itself.
      expected: undefined,
      received: undefined,
    };
  },
};

/** A body that names a channel must have the token of that channel: another channel's is not accepted. */
function tokensFor({ data }: Payload, secrets: readonly Secret[]) {
  const ofChannel = secrets.filter(({ requiredBy }) => requiredBy?.(data) === true);
  const required = secrets.filter(({ optional }) => optional !== true);
  return { ofChannel, required, accepted: ofChannel.length > 0 ? [...ofChannel, ...required] : secrets };
}

/** Whether the token is that of a sample, which Zoho never sends. */
export function hasSampleToken(payload: Payload): boolean {
  return isPlaceholder(tokenOf(payload) ?? "");
}

function tokenOf(payload: Payload): string | undefined {
  const data = payload.data;
  if (typeof data !== "object" || data === null) return undefined;
  const token: unknown = Reflect.get(data, "token");
  if (token === undefined || token === null || token === "") return undefined;
  // `String` would throw for an object without a prototype.
  return typeof token === "string" ? token : JSON.stringify(token);
}

/**
 * A fixed value in a header, a parameter or HTTP's basic authentication, which a user configures in a sender that does not
 * sign. Shows who sent a delivery; anyone who has seen one can write another.
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
    verify({ delivery, payload, secrets }) {
      const values = valuesOf(delivery, payload, place);
      if (values.length === 0) {
        return secrets.length === 0
          ? makeVerdict(this, "absent", `nothing in ${where}`)
          : missingVerdict(this, `a value is configured, but there is none in ${where}`);
      }
      if (secrets.length === 0) return makeVerdict(this, "unconfigured", noKeyReason(this.credential));
      const match = secrets.find((secret) => values.every((value) => sameText(value, expected(place, secret))));
      if (match !== undefined) return makeVerdict(this, "passed", `the value in ${where} is ${match.origin}`);
      return values.some((value) => isOneOf(place, secrets, value))
        ? makeVerdict(this, "failed", `${where} has the right value, but also another one`)
        : makeVerdict(this, "failed", `the value in ${where} is not the configured one`);
    },
    explain({ delivery, payload, secrets, product }) {
      const values = valuesOf(delivery, payload, place);
      const configured = secrets.for(this.credential, product);
      const isRight = (value: string): boolean => isOneOf(place, configured, value);
      const wrong = values.find((value) => !isRight(value)) ?? values[0];
      const value = wrong === undefined ? undefined : passwordIn(place, wrong) || undefined;
      return {
        canonical: `the value in ${where}, exactly as it is configured`,
        findings: [
          ...(values.some(isRight) ? [REPEATED] : []),
          ...("basic" in place && wrong ? [otherUser(place.basic, wrong)] : []),
          ...explainValue({ value, configured, all: secrets.all(), noun: "value", where }),
        ],
        expected: undefined,
        received: undefined,
      };
    },
  };
}

function isOneOf(place: AuthPlace, secrets: readonly Secret[], value: string): boolean {
  return secrets.some((secret) => sameText(value, expected(place, secret)));
}

const REPEATED: ExplainFinding = {
  id: "repeated",
  matches: true,
  meaning: "the right value is there, but also another one, and an app may read either",
  remedy: "make the sender send it once, and check that no proxy adds another",
};

function otherUser(name: string, given: string): ExplainFinding {
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

/** The configured part of the value. */
function passwordIn(place: AuthPlace, value: string): string {
  return "basic" in place ? decoded(value).replace(/^[^:]*:/, "") : value;
}

function decoded(basic: string): string {
  return Buffer.from(basic, "base64").toString("utf8");
}

/** All values in that place: of two different ones an app may read either. */
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
  // A saved sample has the mask where the value stood.
  const fill: BodyEdit = ({ path, text }) => (path.at(-1) === place.parameter && text === MASK ? value : undefined);
  const url = beforeHash.replace(/(?<=\?).*/s, (query) => rewriteForm(query, fill));
  const body = rewriteBody(delivery.body, headerValue(delivery, "content-type") ?? "", fill);
  if (url !== beforeHash || body !== delivery.body) return { ...delivery, url, body };
  const added = new URLSearchParams([[place.parameter, value]]).toString();
  return { ...delivery, url: `${beforeHash}${beforeHash.includes("?") ? "&" : "?"}${added}` };
}

/** The token in the guide's sample, and so in every payload copied from it. */
export const PLACEHOLDER = "YOUR_NOTIFICATION_TOKEN";

function isPlaceholder(value: string): boolean {
  return value.trim().toUpperCase() === PLACEHOLDER;
}

interface ValueCase {
  readonly value: string | undefined;
  readonly configured: readonly Secret[];
  readonly all: readonly Secret[];
  /** `token`, `value` */
  readonly noun: string;
  readonly where: string;
}

/** Why a value is not the configured one, without showing either. */
function explainValue({ value, configured, all, noun, where }: ValueCase): readonly ExplainFinding[] {
  if (value === undefined) {
    const remedy = `enter the ${noun} when you set up the webhook, so that Zoho sends it`;
    return [{ id: "missing", matches: true, meaning: `${where} has no ${noun}, or an empty one`, remedy }];
  }
  const placeholder: ExplainFinding = {
    id: "placeholder",
    matches: isPlaceholder(value),
    meaning: `the ${noun} is the sample's placeholder ${PLACEHOLDER}`,
    remedy: "use the real token: send inserts it if it is configured",
  };
  const own = new Set(configured.map(({ origin }) => origin));
  return [
    placeholder,
    ...configured.flatMap((secret) => comparisons(value, secret, noun)),
    ...all
      .filter(({ origin }) => !own.has(origin))
      .map(({ origin, reveal, requiredBy }) => ({
        id: "other-secret",
        matches: sameText(value.trim(), reveal().trim()),
        meaning:
          requiredBy === undefined
            ? `the ${noun} is ${origin}, which is configured for something else`
            : `the ${noun} is that of ${origin}, but ${where} names another channel`,
        remedy:
          requiredBy === undefined
            ? `use ${origin} for this product, or set up the webhook with the ${noun} that is configured for it`
            : "give that channel its token again: set ZOHO_WEBHOOK_TOKEN to it, then zoho-hooks channels create <event> --id <id>",
      })),
  ].filter((finding, i, list) => finding.matches || list.findIndex(({ id }) => id === finding.id) === i);
}

function comparisons(given: string, { origin, reveal }: Secret, noun: string): readonly ExplainFinding[] {
  const value = reveal();
  const [a, b] = [bare(given), bare(value)];
  const isSame = sameText(a, b);
  const isSameAfter = (change: (text: string) => string): boolean => !isSame && sameText(change(a), change(b));
  const differs = (id: string, by: string, remedy: string, matches: boolean): ExplainFinding => ({
    id,
    matches,
    meaning: `the ${noun} differs from ${origin} only by ${by}`,
    remedy,
  });
  const settings = "the webhook's settings";
  return [
    differs(
      "white-space",
      "white space or quotes around it",
      `remove them in ${settings} or in ${origin}`,
      isSame && given !== value,
    ),
    differs(
      "case",
      "upper and lower case",
      `write it the same in ${settings} and in ${origin}`,
      isSameAfter((text) => text.toLowerCase()),
    ),
    differs(
      "encoded",
      "percent-encoding, or a + for a space",
      `enter the ${noun} as it is, without URL encoding`,
      isSameAfter(urlDecoded),
    ),
    differs(
      "scheme",
      "a word before it, such as Bearer",
      `write the word in both ${settings} and ${origin}, or in neither`,
      isSameAfter(withoutScheme),
    ),
    {
      id: "cut-off",
      matches: !isSame && startsAlike(a, b),
      meaning: `either the ${noun} or ${origin} is only the beginning of the other`,
      remedy: `one of them was cut off: copy the whole ${noun}`,
    },
  ];
}

/** Without white space and quotes around it. */
function bare(text: string): string {
  return text
    .trim()
    .replace(/^(["'])(.*)\1$/s, "$2")
    .trim();
}

function urlDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** `Bearer`, `Zoho-oauthtoken` */
function withoutScheme(text: string): string {
  return text.replace(/^[A-Za-z-]+ +(?=\S+$)/, "");
}

function startsAlike(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  return length >= 8 && sameText(a.slice(0, length), b.slice(0, length));
}
