import { createHmac } from "node:crypto";
import { z } from "zod";
import { type Delivery, headerValue, withHeader } from "../delivery/delivery.ts";
import { idsAt, textAt } from "../delivery/payload.ts";
import { type Secret, sameText } from "../delivery/secrets.ts";
import { type ExplainFinding, event, type Format, type Limits, type Product, type Proof } from "../model/product.ts";
import type { BodyVariant } from "../signatures/body-variants.ts";
import { explainHmac } from "../signatures/explain-hmac.ts";
import { type HeaderVerdict, verifyHeader } from "../signatures/header-verdict.ts";
import { formatAge } from "../util/units.ts";
import { amount, answerProbe, lazyObject, looseId, optionalText, requiredText, wireId } from "./shared/schema-parts.ts";

const HEADER = "x-zoho-webhook-signature";
/** From an older version of Zoho's page. */
const OLD_HEADER = "x-zohowebhook-signature";
/** The tolerance of receivers in use; Zoho documents none. */
const DEFAULT_TOLERANCE_MS = 300_000;

/**
 * Zoho Payments: `t=<epoch milliseconds>,v=<hex>` with HMAC-SHA256 over `<t>.<raw body>`, made for each attempt.
 * https://www.zoho.com/in/payments/developerdocs/webhooks/verification
 */
const paymentsSignature: Proof = {
  id: "payments-signature",
  proves: "body",
  credential: "secret",
  header: HEADER,
  keyPlace:
    "the webhook's own signing key (Settings > Developer Space > Webhooks > More > View Signing Key); the one in Authentication Keys there is another, for the checkout widget",
  title: `${HEADER}: t=<ms>,v=<HMAC-SHA256 of t, a dot and the body, hex>`,
  sign(delivery, secret, now) {
    const t = String(now.getTime());
    return withHeader(delivery, HEADER, `t=${t},v=${hmac(t, delivery.body, secret)}`);
  },
  verify({ delivery, secrets, now, limits }) {
    const { id, proves } = this;
    const given = { value: header(delivery), secrets };
    return verifyHeader({ id, proves, header: HEADER, credential: this.credential, key: "secret" }, given, (value) => {
      const parts = parse(value);
      if (parts === undefined) return { verdict: "failed", reason: whyUnreadable(value) };
      const match = secrets.find((secret) => sameText(parts.v, hmac(parts.t, delivery.body, secret)));
      if (match === undefined)
        return {
          verdict: "failed",
          reason: "the signature does not match timestamp and body: the secret is different, or the bytes were changed",
        };
      return isInSeconds(parts.t)
        ? { verdict: "failed", match: "seconds", reason: `the signature is right, but ${IN_SECONDS}` }
        : verifyAge(now.getTime() - Number(parts.t), match, limits);
    });
  },
  explain({ delivery, payload, secrets, product }) {
    const received = header(delivery);
    const parts = received === undefined ? undefined : partsOf(received);
    const t = parts?.t;
    const explanation = explainHmac({
      algorithm: "sha256",
      encoding: "hex",
      body: delivery.body,
      text: payload.text,
      signed: (body) => (t === undefined ? body : stamped(`${t}.`, body)),
      readings: t === undefined ? [] : wrongReadings(t, delivery.body),
      canonical:
        t === undefined
          ? `<t>.<raw body>; the header has no t`
          : `${t}. and the raw body, ${delivery.body.length} bytes (t is ${timeText(t)})`,
      signature: parts?.v ?? received,
      header: HEADER,
      configured: secrets.for(this.credential, product),
      others: secrets.all(),
    });
    const { findings } = explanation;
    const isExact = findings.some(({ id, matches }) => id === "exact" && matches);
    if (t === undefined || !isExact || !isInSeconds(t)) return { ...explanation, received };
    const rest = findings.filter(({ id }) => id !== "exact");
    return { ...explanation, received, findings: [inSeconds, ...rest] };
  },
};

const IN_SECONDS = "its t is in seconds, but Zoho Payments uses milliseconds";
const inSeconds: ExplainFinding = {
  id: "time-in-seconds",
  matches: true,
  meaning: IN_SECONDS,
  remedy: "write t in milliseconds since 1970, in the header and in what is signed",
};

function wrongReadings(t: string, body: Buffer): readonly BodyVariant[] {
  const remedy = "sign the value of t exactly as in the header, a dot, and the raw body";
  const reading = (id: string, meaning: string, signed: Buffer): BodyVariant => ({ id, meaning, body: signed, remedy });
  const seconds = Math.floor(Number(t) / 1000);
  return [
    reading("time-left-out", "the time was left out: only the body was signed", body),
    reading("dot-left-out", "the dot between time and body was left out", stamped(t, body)),
    reading("seconds", "the time was signed in seconds", stamped(`${seconds}.`, body)),
  ];
}

function stamped(stamp: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(stamp), body]);
}

/** In milliseconds it would be a time before 1974. */
function isInSeconds(t: string): boolean {
  return t.length < 12;
}

function header(delivery: Delivery): string | undefined {
  return headerValue(delivery, HEADER) ?? headerValue(delivery, OLD_HEADER);
}

function parse(value: string): { t: string; v: string } | undefined {
  const match = /^\s*t=(\d{1,17})\s*,\s*v=([0-9a-f]{64})\s*$/i.exec(value);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { t: match[1], v: match[2].toLowerCase() };
}

/** The parts even where the signature is malformed, which the explanation reports. */
function partsOf(value: string): { t: string; v: string } | undefined {
  const match = /^\s*t=(\d{1,17})\s*,\s*v=(\S+)\s*$/i.exec(value);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return parse(value) ?? { t: match[1], v: match[2] };
}

function verifyAge(ageMs: number, { origin }: Secret, limits: Limits | undefined): HeaderVerdict {
  const { toleranceMs = DEFAULT_TOLERANCE_MS, setting } = limits ?? {};
  if (ageMs > toleranceMs) {
    return {
      verdict: "failed",
      match: "too_old",
      reason: `the signature is right, but ${formatAge(ageMs)} old; the limit is ${formatAge(toleranceMs)}${setting === undefined ? "" : ` (${setting})`}`,
    };
  }
  if (-ageMs > toleranceMs) {
    return {
      verdict: "failed",
      match: "too_new",
      reason: `the signature is right, but its timestamp is ${formatAge(-ageMs)} ahead of this machine's clock`,
    };
  }
  return { verdict: "passed", reason: `signed with ${origin}` };
}

function whyUnreadable(value: string): string {
  return /^\s*[0-9a-f]{64}\s*$/i.test(value)
    ? `${HEADER} is a bare digest, as Zoho's finance products send it: is this the right product?`
    : `${HEADER} is not of the form t=<milliseconds>,v=<64 hex digits>`;
}

function timeText(t: string): string {
  const date = new Date(Number(t) * (isInSeconds(t) ? 1000 : 1));
  return Number.isNaN(date.getTime()) ? "not a valid time" : date.toISOString();
}

function hmac(t: string, body: Buffer, secret: Secret): string {
  return createHmac("sha256", secret.reveal()).update(`${t}.`).update(body).digest("hex");
}

/** https://www.zoho.com/us/payments/developerdocs/go-live/ */
const RETRIES = "two days of failures (it tries again hourly, on the second day every two hours) disable the endpoint";

const wire = {
  id: "wire",
  source: "https://www.zoho.com/us/payments/api/v1/webhooks-events/",
  evidence: "doc",
  proofs: [paymentsSignature],
  events: [
    paymentsEvent("payment.succeeded", "A payment succeeded"),
    paymentsEvent("payment.failed", "A payment attempt failed"),
    paymentsEvent("payment.pending", "A payment is waiting to be settled"),
    paymentsEvent("payment_link.paid", "A payment link was paid"),
    paymentsEvent("payment_link.expired", "A payment link expired"),
    paymentsEvent("payment_link.canceled", "A payment link was canceled"),
    // In India only: https://www.zoho.com/in/payments/api/v1/webhooks/
    paymentsEvent("virtual_account.paid", "A virtual account received a payment"),
    paymentsEvent("virtual_account.closed", "A virtual account was closed"),
    paymentsEvent("refund.succeeded", "A refund succeeded"),
    paymentsEvent("refund.failed", "A refund failed"),
    paymentsEvent("payout.initiated", "A payout was initiated"),
    paymentsEvent("payout.paid", "A payout was paid"),
    paymentsEvent("payout.failed", "A payout failed"),
    // Any name: Zoho publishes neither names nor bodies, and all other events are named after their object.
    event(
      "mandate.<Event>",
      "Something happened to a mandate for recurring payments (India); Zoho publishes no names, and no body",
      () => envelope().extend({ event_type: z.string() }),
      { open: true },
    ),
  ],
  body: {
    recognise: ({ data }) => textAt(data, ["event_type"]),
    envelope: () => envelope,
    records: recordsOf,
    // Documented: duplicates have the same `event_id`.
    identity: (data) => idsAt(data, ["event_id"])[0],
  },
  setup: { handshake: answerProbe },
  sender: {
    // Registering an endpoint makes one request, of an undocumented kind, which has to be answered.
    methods: ["GET", "HEAD"],
    answer: { withinMs: 15_000, endsBy: RETRIES },
    hint: (_payload, name) =>
      name === "payment.failed" ? "payment.failed is sent for each attempt: the next one may succeed" : undefined,
  },
} as const satisfies Format;

/** `payment.succeeded` is about a `payment`; the object of a payment link is `payment_links`. */
function recordsOf(data: unknown, name: string): readonly string[] {
  const [about = ""] = name.split(".", 1);
  return [about, `${about}s`].flatMap((key) => idsAt(data, ["event_object", key, `${about}_id`])).slice(0, 1);
}

function paymentsEvent<const Name extends string>(name: Name, summary: string) {
  return event(name, summary, () => envelope().extend({ event_type: z.literal(name) }));
}

const envelope = lazyObject({
  event_id: wireId,
  event_type: requiredText,
  account_id: wireId,
  live_mode: () => z.boolean().nullish(),
  event_time: wireId,
  // The keys of a payout and a virtual account are not certain.
  event_object: () =>
    z.looseObject({
      payment: payment().nullish(),
      payment_links: paymentLink().nullish(),
      refund: refund().nullish(),
      virtual_account: virtualAccount().nullish(),
      payout: payout().nullish(),
    }),
});

const text = optionalText;
const id = () => wireId().nullish();
/** An id that is missing or empty where there is none. */
const otherId = looseId;
const time = looseId;
/** Data that the merchant's app attached, such as the number of an order. */
const metaData = () => z.array(z.looseObject({ key: text(), value: text() })).nullish();

/** The members are documented partly on the pages of the events, partly on those of the API. Money is text, `"200.50"`. */
function payment() {
  return z.looseObject({
    payment_id: id(),
    payments_session_id: otherId(),
    payment_link_id: otherId(),
    amount: amount(),
    amount_captured: amount(),
    amount_refunded: amount(),
    fee_amount: amount(),
    net_tax_amount: amount(),
    total_fee_amount: amount(),
    net_amount: amount(),
    currency: text(),
    status: text(),
    date: time(),
    receipt_email: text(),
    phone: text(),
    reference_number: text(),
    transaction_reference_number: text(),
    invoice_number: text(),
    description: text(),
    statement_descriptor: text(),
    fraud_alert: text(),
    failure_reason: text(),
    fee_details: z.looseObject({}).nullish(),
    payment_method: z
      .looseObject({ type: text(), card: z.looseObject({ last_four_digits: text() }).nullish() })
      .nullish(),
    meta_data: metaData(),
  });
}

function paymentLink() {
  return z.looseObject({
    payment_link_id: id(),
    url: text(),
    amount: amount(),
    amount_paid: amount(),
    currency: text(),
    status: text(),
    reference_id: text(),
    description: text(),
    email: text(),
    phone: text(),
    return_url: text(),
    expires_at: text(),
    created_time: time(),
    payments: z
      .array(z.looseObject({ payment_id: otherId(), amount: amount(), type: text(), status: text(), date: time() }))
      .nullish(),
  });
}

function virtualAccount() {
  return z.looseObject({
    virtual_account_id: id(),
    account_number: text(),
    ifsc_code: text(),
    beneficiary_name: text(),
    customer_id: otherId(),
    minimum_amount: amount(),
    maximum_amount: amount(),
    amount_paid: amount(),
    reference_number: text(),
    description: text(),
    status: text(),
    expires_at: text(),
    created_time: time(),
    last_modified_time: time(),
    meta_data: metaData(),
  });
}

function refund() {
  return z.looseObject({
    refund_id: id(),
    payment_id: otherId(),
    amount: amount(),
    type: text(),
    reason: text(),
    description: text(),
    status: text(),
    reference_number: text(),
    network_reference_number: text(),
    failure_reason: text(),
    date: time(),
  });
}

function payout() {
  return z.looseObject({
    payout_id: id(),
    amount: amount(),
    currency: text(),
    status: text(),
    type: text(),
    failure_code: text(),
    failure_message: text(),
    statement_descriptor: text(),
    initiated_time: time(),
    processed_date: text(),
    payout_bank_reference_id: text(),
    bank_account_details: z.looseObject({}).nullish(),
  });
}

export const payments = { id: "payments", title: "Zoho Payments", formats: [wire] } as const satisfies Product;
