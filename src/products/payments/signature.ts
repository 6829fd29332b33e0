import { createHmac } from "node:crypto";
import { type Delivery, headerValue, withHeader } from "../../core/delivery.ts";
import type { Finding, Limits, Proof } from "../../core/product.ts";
import { explainHmac } from "../../core/proofs/explain-hmac.ts";
import { type Judged, judgeHeader } from "../../core/proofs/header-present.ts";
import { type Secret, sameText } from "../../core/secret.ts";
import { formatDuration } from "../../core/units.ts";

const HEADER = "x-zoho-webhook-signature";
/** An older edition of Zoho's page writes it this way. */
const OLD_HEADER = "x-zohowebhook-signature";
/** What the receivers that are known allow; Zoho names no window. */
const DEFAULT_TOLERANCE_MS = 300_000;

/**
 * Zoho Payments: `t=<epoch milliseconds>,v=<hex>` with HMAC-SHA256 over `<t>.<raw body>`, made anew for each attempt.
 * https://www.zoho.com/in/payments/developerdocs/webhooks/verification
 */
export const paymentsSignature: Proof = {
  id: "payments-signature",
  proves: "body",
  credential: "secret",
  header: HEADER,
  title: `${HEADER}: t=<ms>,v=<HMAC-SHA256 of t, a dot and the body, hex>`,
  sign(delivery, secret, now) {
    const t = String(now.getTime());
    return withHeader(delivery, HEADER, `t=${t},v=${hmac(t, delivery.body, secret)}`);
  },
  verify(delivery, _payload, secrets, now, limits) {
    const { id, proves } = this;
    return judgeHeader({ id, proves, header: HEADER, key: "secret" }, header(delivery), secrets, (value) => {
      const parts = parse(value);
      if (parts === undefined) return { verdict: "failed", reason: whyUnreadable(value) };
      const match = secrets.find((secret) => sameText(parts.v, hmac(parts.t, delivery.body, secret)));
      if (match === undefined)
        return {
          verdict: "failed",
          reason: "the signature does not match time and body: another secret, or changed bytes",
        };
      return isInSeconds(parts.t)
        ? { verdict: "failed", match: "seconds", reason: `the signature is right, but ${IN_SECONDS}` }
        : judgeAge(now.getTime() - Number(parts.t), match, limits);
    });
  },
  explain(delivery, payload, secrets, product) {
    const received = header(delivery);
    const parts = received === undefined ? undefined : partsOf(received);
    const t = parts?.t;
    const stamped = (stamp: string, dot: string) => (body: Buffer) => Buffer.concat([Buffer.from(stamp + dot), body]);
    const remedy = "sign the value of t exactly as it stands in the header, a dot, and the raw body";
    const reading = (id: string, meaning: string, body: Buffer) => ({ id, meaning, body, remedy });
    const explanation = explainHmac({
      algorithm: "sha256",
      encoding: "hex",
      body: delivery.body,
      text: payload.text,
      signed: t === undefined ? (body) => body : stamped(t, "."),
      readings:
        t === undefined
          ? []
          : [
              reading("time-left-out", "the time was left out: only the body was signed", delivery.body),
              reading("dot-left-out", "the dot between time and body was left out", stamped(t, "")(delivery.body)),
              reading(
                "seconds",
                "the time was signed in seconds",
                stamped(String(Math.floor(Number(t) / 1000)), ".")(delivery.body),
              ),
            ],
      canonical:
        t === undefined
          ? `<t>.<raw body>; the header names no t`
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

const IN_SECONDS = "its t counts seconds, where Zoho Payments counts milliseconds";
const inSeconds: Finding = {
  id: "time-in-seconds",
  matches: true,
  meaning: IN_SECONDS,
  remedy: "write t in milliseconds since 1970, in the header and in what is signed",
};

/** As milliseconds it would be a time before 1974. */
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

/** The same however its signature is written: what is wrong with that is for the explanation to say. */
function partsOf(value: string): { t: string; v: string } | undefined {
  const match = /^\s*t=(\d{1,17})\s*,\s*v=(\S+)\s*$/i.exec(value);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  // Upper case is taken, too.
  return parse(value) ?? { t: match[1], v: match[2] };
}

function judgeAge(ageMs: number, { origin }: Secret, limits: Limits | undefined): Judged {
  const { toleranceMs = DEFAULT_TOLERANCE_MS, setting } = limits ?? {};
  if (ageMs > toleranceMs) {
    return {
      verdict: "failed",
      match: "too_old",
      reason: `the signature is right, but ${formatDuration(ageMs)} old, and ${formatDuration(toleranceMs)} is allowed${setting === undefined ? "" : ` (${setting})`}`,
    };
  }
  if (-ageMs > toleranceMs) {
    return {
      verdict: "failed",
      match: "too_new",
      reason: `the signature is right, but its time is ${formatDuration(-ageMs)} ahead of this machine's clock`,
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
  return Number.isNaN(date.getTime()) ? "no valid time" : date.toISOString();
}

function hmac(t: string, body: Buffer, secret: Secret): string {
  return createHmac("sha256", secret.reveal()).update(`${t}.`).update(body).digest("hex");
}
