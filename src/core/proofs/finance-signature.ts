import { createHmac } from "node:crypto";
import { type Delivery, headerValue, splitUrl, withHeader } from "../../body/delivery.ts";
import { type FieldPair, formFields, type Payload, readPayload } from "../../body/payload.ts";
import { type Secret, sameBytes } from "../../body/secret.ts";
import { counted } from "../../util/units.ts";
import { isSecretName, MASK, maskBody } from "../mask.ts";
import type { Proof } from "../product.ts";
import type { BodyVariant } from "./body-variants.ts";
import { explainHmac } from "./explain-hmac.ts";
import { checkHeader, type HeaderCheck, whyAltered } from "./verdict.ts";

const HEADER = "x-zoho-webhook-signature";
const HEX = /^[0-9a-f]{64}$/i;
/** Of what anybody can send not every reading is tried: to sort half a million pairs six times takes seconds. */
const MOST_PAIRS = 2_000;
const LEFT_OUT = "anybody could have added the other one, so do not repeat a parameter in the webhook's URL";
const BASE64 = /^[A-Za-z0-9+/]{43}=?$/;

/**
 * Zoho's finance products (Books, Inventory, Invoice, Expense, Billing): HMAC-SHA256 of the sorted query and form pairs
 * and the raw body. Zoho states neither the encoding nor a few corners of the string; whatever of these a signature
 * takes, a match with the secret proves it genuine, so each is accepted and named: but for one that leaves out a pair which
 * contradicts what is signed. An `event=invoice.deleted` put before the signed `event=invoice.created` would go for it.
 * https://www.zoho.com/us/billing/kb/webhooks/securing-webhooks.html
 */
export const financeSignature: Proof = {
  id: "finance-signature",
  proves: "body",
  credential: "secret",
  header: HEADER,
  coversQuery: true,
  title: `${HEADER}: HMAC-SHA256 of the sorted query and form pairs and the raw body`,
  sign(delivery, secret) {
    const read = readPayload(delivery);
    const canonical = read.ok ? financeCanonical(financeParts(delivery, read.payload)) : delivery.body;
    return withHeader(delivery, HEADER, hmac(canonical, secret).toString("hex"));
  },
  verify(delivery, payload, secrets) {
    const { id, proves } = this;
    const value = headerValue(delivery, HEADER);
    return checkHeader({ id, proves, header: HEADER, key: "secret" }, value, secrets, (signature) => {
      const given = decoded(signature);
      if (given === undefined) return { verdict: "failed", reason: whyUnreadable(signature) };
      const parts = financeParts(delivery, payload);
      const matching = (canonical: Buffer): Secret | undefined =>
        secrets.find((secret) => sameBytes(hmac(canonical, secret), given.bytes));
      const how = `over ${ingredients(parts)}${given.encoding === "hex" ? "" : ", in base64"}`;
      const exact = matching(financeCanonical(parts));
      if (exact !== undefined) return { verdict: "passed", reason: `signed with ${exact.origin} ${how}` };
      const readings = parts.query.length + parts.form.length > MOST_PAIRS ? [] : openReadings(delivery, payload);
      for (const { body, meaning, contradicts } of readings) {
        const open = matching(body);
        if (open === undefined) continue;
        return contradicts
          ? { verdict: "failed", reason: `matches only if ${meaning}: ${LEFT_OUT}` }
          : { verdict: "passed", reason: `signed with ${open.origin} ${how}; ${meaning}` };
      }
      return whyNot(parts, payload.text, matching);
    });
  },
  explain(delivery, payload, secrets, product) {
    const parts = financeParts(delivery, payload);
    const value = headerValue(delivery, HEADER);
    const given = value === undefined ? undefined : decoded(value);
    const prefix = financeCanonical({ ...parts, raw: Buffer.alloc(0) });
    const explanation = explainHmac({
      algorithm: "sha256",
      encoding: given?.encoding ?? "hex",
      body: parts.raw,
      text: parts.form.length > 0 ? undefined : payload.text,
      signed: (body) => Buffer.concat([prefix, body]),
      readings: [...openReadings(delivery, payload), ...financeMistakes(delivery, payload)],
      canonical: `${financeCanonical(maskedParts(parts)).toString("utf8")}\n(${ingredients(parts)}; Zoho does not say how the signature is encoded: ${given?.encoding ?? "hex"} is assumed)`,
      signature: given?.encoding === "hex" ? value?.trim().toLowerCase() : value?.trim(),
      header: HEADER,
      configured: secrets.for(this.credential, product),
      others: secrets.all(),
    });
    return { ...explanation, received: value };
  },
};

/** For a person to look at. */
function maskedParts({ query, form, raw }: FinanceParts): FinanceParts {
  const masked = (pairs: FinanceParts["query"]): FinanceParts["query"] =>
    pairs.map(([name, value]) => [name, isSecretName(name) ? MASK : value]);
  return { query: masked(query), form: masked(form), raw: maskBody(raw, "") };
}

/** The parts that were there, in words: `2 query pairs and 53 bytes of body`. */
function ingredients({ query, form, raw }: FinanceParts): string {
  const parts = [
    ...(query.length > 0 ? [counted(query.length, "query pair")] : []),
    ...(form.length > 0 ? [counted(form.length, "form pair")] : []),
    ...(raw.length > 0 ? [`${raw.length} bytes of body`] : []),
  ];
  return parts.length === 0 ? "nothing: no query, no form and no body" : parts.join(" and ");
}

function decoded(value: string): { bytes: Buffer; encoding: "hex" | "base64" } | undefined {
  const text = value.trim();
  if (HEX.test(text)) return { bytes: Buffer.from(text, "hex"), encoding: "hex" };
  return BASE64.test(text) ? { bytes: Buffer.from(text, "base64"), encoding: "base64" } : undefined;
}

function whyUnreadable(value: string): string {
  return /^\s*t=\d+\s*,/.test(value)
    ? `${HEADER} looks like that of Zoho Payments (t=…,v=…): is this the right product?`
    : `${HEADER} is neither 64 hex digits nor 32 bytes in base64`;
}

function whyNot(
  parts: FinanceParts,
  text: string | undefined,
  matching: (canonical: Buffer) => Secret | undefined,
): HeaderCheck {
  // A form is taken apart before it is signed.
  const altered =
    parts.form.length > 0
      ? undefined
      : whyAltered(parts.raw, text, (raw) => matching(financeCanonical({ ...parts, raw })) !== undefined);
  if (altered !== undefined) return altered;
  if (parts.query.length > 0 && matching(financeCanonical({ ...parts, query: [] })) !== undefined)
    return {
      verdict: "failed",
      reason: "the signature matches without the query: it was added to the URL after signing, or was not signed",
    };
  return {
    verdict: "failed",
    reason: `the signature does not match ${ingredients(parts)}: the secret is different, or the query or body was changed`,
  };
}

function hmac(canonical: Buffer, secret: Secret): Buffer {
  return createHmac("sha256", secret.reveal()).update(canonical).digest();
}

/** What a signature of the finance family covers, part by part. */
interface FinanceParts {
  readonly query: readonly FieldPair[];
  readonly form: readonly FieldPair[];
  /** The raw body where it is no form. */
  readonly raw: Buffer;
}

/**
 * The parts that are signed: the query's and the form's pairs, decoded, and any other body as its exact bytes.
 * A body that is announced as a form and is JSON counts as JSON.
 */
export function financeParts(delivery: Delivery, payload: Payload, readPlus = true): FinanceParts {
  const pairs = (text: string): readonly FieldPair[] => formFields(readPlus ? text : text.replaceAll("+", "%2B"));
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

interface OpenReading extends BodyVariant {
  /** A pair is not in the string that gives a signed key another value: anybody could have added it. */
  readonly contradicts: boolean;
}

/** Points that Zoho's page leaves open, each with the string that the other answer leads to. */
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
  return [
    reading(
      "plus-kept",
      "a + in the query or form is kept as it is",
      financeCanonical(financeParts(delivery, payload, false)),
    ),
    reading("keys-without-case", "keys are sorted without regard to case", joined(sorted(pairs, lower), parts.raw)),
    reading("values-sorted", "pairs of the same key are sorted by value", joined(sorted(pairs, both), parts.raw)),
    reading(
      "keys-last",
      "of pairs with the same key the last one counts",
      joined(sorted(onePerKey(pairs)), parts.raw),
      isRepeated,
    ),
    reading(
      "keys-first",
      "of pairs with the same key the first one counts",
      joined(sorted(onePerKey([...pairs].reverse())), parts.raw),
      isRepeated,
    ),
    reading(
      "empty-left-out",
      "pairs without a value are left out",
      joined(sorted(pairs.filter(([, v]) => v !== "")), parts.raw),
      isRepeated,
    ),
  ].filter(({ body }) => !body.equals(usual));
}

/** Mistakes that are made in building the string. */
function financeMistakes(delivery: Delivery, payload: Payload): readonly BodyVariant[] {
  const { query, form, raw } = financeParts(delivery, payload);
  // What is a mistake under one reading may be right under another.
  const right = [financeCanonical({ query, form, raw }), ...openReadings(delivery, payload).map(({ body }) => body)];
  const pairs = [...query, ...form];
  const undecoded = [splitUrl(delivery.url).query, ...(form.length > 0 ? [delivery.body.toString("utf8")] : [])]
    .flatMap((text) => text.split("&"))
    .filter((pair) => pair !== "")
    .map((pair): FieldPair => [pair.split("=", 1)[0] ?? "", pair.replace(/^[^=]*=?/, "")]);
  const canonicalOf =
    "sort the pairs of query and form by key, join key and value with nothing between, then add the raw body";
  const mistake = (id: string, meaning: string, body: Buffer): BodyVariant => ({
    id,
    body,
    meaning,
    remedy: canonicalOf,
  });
  return [
    mistake(
      "query-left-out",
      "the query's parameters were left out of the string",
      financeCanonical({ query: [], form, raw }),
    ),
    ...addedOnTheWay({ query, form, raw }),
    mistake(
      "body-left-out",
      "the body was left out of the string",
      financeCanonical({ query, form: [], raw: Buffer.alloc(0) }),
    ),
    mistake(
      "body-first",
      "the body was put before the pairs",
      Buffer.concat([raw, joined(sorted(pairs), Buffer.alloc(0))]),
    ),
    mistake("unsorted", "the pairs were not sorted by key", joined(pairs, raw)),
    mistake("sorted-apart", "query and form were sorted separately", joined([...sorted(query), ...sorted(form)], raw)),
    mistake("undecoded", "query and form were not percent-decoded", joined(sorted(undecoded), raw)),
    mistake(
      "separated",
      "the pairs were joined with = and &",
      Buffer.concat([
        Buffer.from(
          sorted(pairs)
            .map((pair) => pair.join("="))
            .join("&"),
        ),
        raw,
      ]),
    ),
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

/** Nobody adds more, and each is tried with everything else that goes wrong. */
const MOST_ADDED = 10;

/** The string without each of the query's parameters: a gateway may have added one, or a user who tried something. */
function addedOnTheWay({ query, form, raw }: FinanceParts): readonly BodyVariant[] {
  if (query.length < 2 || query.length > MOST_ADDED) return [];
  return query.map(([name], at) => ({
    id: "parameter-added",
    body: financeCanonical({ query: query.filter((_, i) => i !== at), form, raw }),
    meaning: `the parameter ${JSON.stringify(name.slice(0, 60))} was added to the URL after signing, or left out of what was signed`,
    remedy: "give Zoho the whole URL to call, and check that nothing on the way adds to it",
  }));
}

function joined(pairs: readonly FieldPair[], raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from(pairs.map((pair) => pair.join("")).join(""), "utf8"), raw]);
}

const same = ([key]: FieldPair): string => key;
const lower = ([key]: FieldPair): string => key.toLowerCase();
const both = ([key, value]: FieldPair): string => `${key}\0${value}`;

/** By code units, stable: neither the locale nor the engine has a say. */
function sorted(pairs: readonly FieldPair[], by: (pair: FieldPair) => string = same): readonly FieldPair[] {
  return [...pairs].sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
}

function onePerKey(pairs: readonly FieldPair[]): readonly FieldPair[] {
  return [...new Map(pairs)];
}
