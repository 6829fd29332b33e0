import { createHmac } from "node:crypto";
import { type Delivery, headerValue, splitUrl, withHeader } from "../delivery/delivery.ts";
import { isSecretName, MASK, maskBody } from "../delivery/mask.ts";
import { type FieldPair, formFields, type Payload, readPayload } from "../delivery/payload.ts";
import { type Secret, sameBytes } from "../delivery/secrets.ts";
import type { ExplainInput, Explanation, Proof, ProofInput } from "../model/product.ts";
import { counted } from "../util/units.ts";
import type { BodyVariant } from "./body-variants.ts";
import { explainHmac } from "./explain-hmac.ts";
import { alteredBodyVerdict, type HeaderVerdict, verifyHeader } from "./header-verdict.ts";

const HEADER = "x-zoho-webhook-signature";

/**
 * Zoho's finance products (Books, Inventory, Invoice, Expense, Billing): HMAC-SHA256 of the sorted query and form pairs
 * and the raw body. Zoho's page leaves open the encoding and a few details of the string: a match with the secret under
 * any reading proves the delivery, and the verdict names the reading. Except one that ignores a pair which contradicts a
 * signed one: an `event=invoice.deleted` put before the signed `event=invoice.created` would pass for it. And an app takes
 * the first reading only (`Limits.openReadings`): with the others anybody can add `&force=`, or send `+` for a signed `%2B`.
 * https://www.zoho.com/us/billing/kb/webhooks/securing-webhooks.html
 */
export const financeSignature: Proof = {
  id: "finance-signature",
  proves: "body",
  credential: "secret",
  header: HEADER,
  coversQuery: true,
  title: `${HEADER}: HMAC-SHA256 of the sorted query and form pairs and the raw body, hex`,
  sign(delivery, secret) {
    const read = readPayload(delivery);
    const canonical = read.ok ? financeCanonical(financeParts(delivery, read.payload)) : delivery.body;
    return withHeader(delivery, HEADER, hmac(canonical, secret).toString("hex"));
  },
  verify(input) {
    const { id, proves, credential } = this;
    const given = { value: headerValue(input.delivery, HEADER), secrets: input.secrets };
    return verifyHeader({ id, proves, header: HEADER, credential, key: "secret" }, given, (value) =>
      verifySignature(value, input),
    );
  },
  explain: explainSignature,
};

/** Further readings of a larger query or form are not tried: sorting half a million pairs six times takes seconds. */
const MAX_PAIRS = 2_000;
const ONLY_EXACT =
  "this reading is not accepted here, since anybody could have made that change: keep such parameters out of the webhook's URL";
const LEFT_OUT = "anybody could have added the other one, so do not repeat a parameter in the webhook's URL";

function verifySignature(signature: string, { delivery, payload, secrets, limits }: ProofInput): HeaderVerdict {
  const given = decode(signature);
  if (given === undefined) return { verdict: "failed", reason: whyUnreadable(signature) };
  const parts = financeParts(delivery, payload);
  const matching = (canonical: Buffer): Secret | undefined =>
    secrets.find((secret) => sameBytes(hmac(canonical, secret), given.bytes));
  const how = `over ${ingredients(parts)}${given.encoding === "hex" ? "" : ", in base64"}`;
  const exact = matching(financeCanonical(parts));
  if (exact !== undefined) return { verdict: "passed", reason: `signed with ${exact.origin} ${how}` };
  const readings = parts.query.length + parts.form.length > MAX_PAIRS ? [] : openReadings(delivery, payload);
  for (const { body, meaning, contradicts } of readings) {
    const match = matching(body);
    if (match === undefined) continue;
    if (contradicts || limits?.openReadings === false)
      return { verdict: "failed", reason: `matches only if ${meaning}: ${contradicts ? LEFT_OUT : ONLY_EXACT}` };
    return { verdict: "passed", reason: `signed with ${match.origin} ${how}; ${meaning}` };
  }
  // A form is decoded before it is signed, so changes of its bytes do not matter.
  const altered =
    parts.form.length > 0
      ? undefined
      : alteredBodyVerdict(parts.raw, payload, (raw) => matching(financeCanonical({ ...parts, raw })) !== undefined);
  if (altered !== undefined) return altered;
  const reason =
    matching(financeCanonical({ ...parts, query: [] })) !== undefined
      ? "the signature matches without the query: it was added to the URL after signing, or was not signed"
      : `the signature does not match this request (${ingredients(parts)}): the secret is different, or the query or body was changed`;
  return { verdict: "failed", reason };
}

const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/]{43}=?$/;

function decode(value: string): { bytes: Buffer; encoding: "hex" | "base64" } | undefined {
  const text = value.trim();
  if (HEX.test(text)) return { bytes: Buffer.from(text, "hex"), encoding: "hex" };
  return BASE64.test(text) ? { bytes: Buffer.from(text, "base64"), encoding: "base64" } : undefined;
}

function whyUnreadable(value: string): string {
  return /^\s*t=\d+\s*,/.test(value)
    ? `${HEADER} looks like that of Zoho Payments (t=…,v=…): is this the right product?`
    : `${HEADER} is neither 64 hex digits nor 32 bytes in base64`;
}

function hmac(canonical: Buffer, secret: Secret): Buffer {
  return createHmac("sha256", secret.reveal()).update(canonical).digest();
}

/** `2 query pairs and 53 bytes of body` */
function ingredients({ query, form, raw }: FinanceParts): string {
  const parts = [
    ...(query.length > 0 ? [counted(query.length, "query pair")] : []),
    ...(form.length > 0 ? [counted(form.length, "form pair")] : []),
    ...(raw.length > 0 ? [`${raw.length} bytes of body`] : []),
  ];
  return parts.length === 0 ? "nothing: no query, no form and no body" : parts.join(" and ");
}

interface FinanceParts {
  readonly query: readonly FieldPair[];
  readonly form: readonly FieldPair[];
  /** The raw body, empty for a form. */
  readonly raw: Buffer;
}

/**
 * The parts that are signed: the query's and the form's pairs, decoded, and any other body as its exact bytes.
 * A body that is announced as a form and is JSON counts as JSON.
 */
export function financeParts(delivery: Delivery, payload: Payload, decodePlus = true): FinanceParts {
  const pairs = (text: string): readonly FieldPair[] => formFields(decodePlus ? text : text.replaceAll("+", "%2B"));
  const isForm = payload.kind === "form";
  return {
    query: pairs(splitUrl(delivery.url).query),
    form: isForm ? pairs(delivery.body.toString("utf8")) : [],
    raw: isForm ? Buffer.alloc(0) : delivery.body,
  };
}

/**
 * The string that is signed: all pairs sorted by key, each key followed by its value with nothing between, then the
 * raw body. https://www.zoho.com/us/billing/kb/webhooks/securing-webhooks.html
 */
export function financeCanonical({ query, form, raw }: FinanceParts): Buffer {
  return joined(sorted([...query, ...form]), raw);
}

function joined(pairs: readonly FieldPair[], raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from(pairs.map((pair) => pair.join("")).join(""), "utf8"), raw]);
}

const byKey = ([key]: FieldPair): string => key;
const byLowerKey = ([key]: FieldPair): string => key.toLowerCase();
const byKeyAndValue = ([key, value]: FieldPair): string => `${key}\0${value}`;

/** Sorts by code units: stable, independent of locale and engine. */
function sorted(pairs: readonly FieldPair[], by: (pair: FieldPair) => string = byKey): readonly FieldPair[] {
  return [...pairs].sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
}

interface OpenReading extends BodyVariant {
  /** It ignores a pair that gives a signed key another value: anybody could have added it. */
  readonly contradicts: boolean;
}

/** The other strings that Zoho's page may mean. */
function openReadings(delivery: Delivery, payload: Payload): readonly OpenReading[] {
  const parts = financeParts(delivery, payload);
  const pairs = [...parts.query, ...parts.form];
  const usual = financeCanonical(parts);
  const isRepeated = new Map(pairs).size < new Set(pairs.map((pair) => pair.join("="))).size;
  const reading = (id: string, meaning: string, body: Buffer, contradicts = false): OpenReading => ({
    id,
    body,
    contradicts,
    meaning: `${meaning} (Zoho's documentation does not say which is right)`,
    remedy: "build the string the same way in your own check",
  });
  const of = (chosen: readonly FieldPair[], by = byKey): Buffer => joined(sorted(chosen, by), parts.raw);
  const last = onePerKey(pairs);
  const first = onePerKey([...pairs].reverse());
  const withValue = pairs.filter(([, value]) => value !== "");
  const plusKept = financeCanonical(financeParts(delivery, payload, false));
  return [
    reading("plus-kept", "a + in the query or form is kept as it is", plusKept),
    reading("keys-without-case", "keys are sorted without regard to case", of(pairs, byLowerKey)),
    reading("values-sorted", "pairs of the same key are sorted by value", of(pairs, byKeyAndValue)),
    reading("keys-last", "the last of several pairs with the same key counts", of(last), isRepeated),
    reading("keys-first", "the first of several pairs with the same key counts", of(first), isRepeated),
    reading("empty-left-out", "pairs without a value are left out", of(withValue), isRepeated),
  ].filter(({ body }) => !body.equals(usual));
}

function onePerKey(pairs: readonly FieldPair[]): readonly FieldPair[] {
  return [...new Map(pairs)];
}

function explainSignature({ delivery, payload, secrets, product }: ExplainInput): Explanation {
  const parts = financeParts(delivery, payload);
  const value = headerValue(delivery, HEADER);
  const given = value === undefined ? undefined : decode(value);
  const encoding = given?.encoding ?? "hex";
  const prefix = financeCanonical({ ...parts, raw: Buffer.alloc(0) });
  const explanation = explainHmac({
    algorithm: "sha256",
    encoding,
    body: parts.raw,
    text: parts.form.length > 0 ? undefined : payload.text,
    signed: (body) => Buffer.concat([prefix, body]),
    readings: [...openReadings(delivery, payload), ...mistakes(delivery, payload)],
    canonical: `${financeCanonical(masked(parts)).toString("utf8")}\n(${ingredients(parts)}; Zoho does not say how the signature is encoded: ${encoding} is assumed)`,
    signature: given?.encoding === "hex" ? value?.trim().toLowerCase() : value?.trim(),
    header: HEADER,
    configured: secrets.for("secret", product),
    others: secrets.all(),
  });
  return { ...explanation, summary: coverage(parts), received: value };
}

/** `the sorted query pairs and the raw body, 53 bytes` */
function coverage({ query, form, raw }: FinanceParts): string {
  const kinds = [...(query.length > 0 ? ["query"] : []), ...(form.length > 0 ? ["form"] : [])];
  const pairs = kinds.length === 0 ? [] : [`the sorted ${kinds.join(" and ")} pairs`];
  if (raw.length > 0) return [...pairs, `the raw body, ${raw.length} bytes`].join(" and ");
  if (form.length > 0) return pairs.join();
  return pairs.length === 0 ? "nothing: no query, and the body is empty" : `${pairs.join()}; the body is empty`;
}

function masked({ query, form, raw }: FinanceParts): FinanceParts {
  const maskPairs = (pairs: readonly FieldPair[]): readonly FieldPair[] =>
    pairs.map(([name, value]) => [name, isSecretName(name) ? MASK : value]);
  return { query: maskPairs(query), form: maskPairs(form), raw: maskBody(raw, "") };
}

/** Common mistakes in building the string, without those that are right under one reading. */
function mistakes(delivery: Delivery, payload: Payload): readonly BodyVariant[] {
  const { query, form, raw } = financeParts(delivery, payload);
  const right = [financeCanonical({ query, form, raw }), ...openReadings(delivery, payload).map(({ body }) => body)];
  const pairs = [...query, ...form];
  const undecoded = [splitUrl(delivery.url).query, ...(form.length > 0 ? [delivery.body.toString("utf8")] : [])]
    .flatMap((text) => text.split("&"))
    .filter((pair) => pair !== "")
    .map((pair): FieldPair => [pair.split("=", 1)[0] ?? "", pair.replace(/^[^=]*=?/, "")]);
  const separated = sorted(pairs)
    .map((pair) => pair.join("="))
    .join("&");
  const empty = Buffer.alloc(0);
  const remedy =
    "sort the pairs of query and form by key, join key and value with nothing between, then add the raw body";
  const mistake = (id: string, meaning: string, body: Buffer): BodyVariant => ({ id, body, meaning, remedy });
  return [
    {
      id: "query-left-out",
      body: joined(sorted(form), raw),
      meaning: "the query was added to the URL after signing, or left out of what was signed",
      remedy: WHOLE_URL,
    },
    ...addedParameters({ query, form, raw }),
    mistake("body-left-out", "the body was left out of the string", joined(sorted(query), empty)),
    mistake("body-first", "the body was put before the pairs", Buffer.concat([raw, joined(sorted(pairs), empty)])),
    mistake("unsorted", "the pairs were not sorted by key", joined(pairs, raw)),
    mistake("sorted-apart", "query and form were sorted separately", joined([...sorted(query), ...sorted(form)], raw)),
    mistake("undecoded", "query and form were not percent-decoded", joined(sorted(undecoded), raw)),
    mistake("separated", "the pairs were joined with = and &", Buffer.concat([Buffer.from(separated), raw])),
    mistake(
      "form-as-text",
      "the form's raw text was signed instead of its pairs",
      joined(sorted(query), delivery.body),
    ),
    mistake(
      "wrapped-json",
      "the JSON in the form was signed as a raw body",
      joined(sorted(query), Buffer.from(payload.text ?? "")),
    ),
  ].filter(({ body }) => !right.some((each) => each.equals(body)));
}

/** Each parameter is tried with every other mistake, so a larger query is not tried. */
const MAX_PARAMETERS = 10;

const WHOLE_URL = "give Zoho the whole URL, and check that no proxy adds parameters to it";

/** The string without any one parameter of the query, or several at its end: a gateway or a user may have added them. */
function addedParameters({ query, form, raw }: FinanceParts): readonly BodyVariant[] {
  if (query.length < 2 || query.length > MAX_PARAMETERS) return [];
  const withoutOne = query.map((_, at) => query.filter((_, i) => i !== at));
  const withoutEnd = query.slice(2).map((_, at) => query.slice(0, at + 1));
  return [...withoutOne, ...withoutEnd].map((kept) => {
    const added = query.filter((pair) => !kept.includes(pair)).map(([name]) => JSON.stringify(name.slice(0, 60)));
    const what = added.length > 1 ? `parameters ${added.join(", ")} were` : `parameter ${added[0]} was`;
    return {
      id: "parameter-added",
      body: financeCanonical({ query: kept, form, raw }),
      meaning: `the ${what} added to the URL after signing, or left out of what was signed`,
      remedy: WHOLE_URL,
    };
  });
}
