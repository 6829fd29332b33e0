import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withHeader } from "../../src/delivery/delivery.ts";
import type { Proof } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { canonicalOf, matchesOf, named, payloadOf, posted, signatureOf, verdictOf } from "../support/deliveries.ts";
import { lacks } from "../support/needs.ts";
import { openssl } from "../support/openssl.ts";

const proofOf = (product: string): Proof => {
  const found = products.find(({ id }) => id === product)?.formats[0]?.proofs[0];
  if (found === undefined) throw new Error(`${product} has no proof`);
  return found;
};
const mailSignature = proofOf("mail");
const paymentsSignature = proofOf("payments");
const signSignature = proofOf("sign");
const webinarSignature = proofOf("webinar");
const zeptomailSignature = proofOf("zeptomail");

const FORM = "application/x-www-form-urlencoded";
const hex = (text: string, key: string): string => createHmac("sha256", key).update(text).digest("hex");
const base64 = (text: string, key: string): string => createHmac("sha256", key).update(text).digest("base64");

describe("HMAC-SHA256", () => {
  // https://www.zoho.com/deluge/help/encryption/hmac-sha256.html
  const key = "sk_5Ow7B_4eC39H";
  const data = "{Order ID: 0932, Currency: USD, Amount: 2500}";

  it("matches the values that Zoho prints for Deluge", () => {
    expect(hex(data, key)).toBe("13721963e7ac439f5a2e63c261856393647f3f51b493beebf5919af4bc3de19c");
    const delivery = posted(data, { type: "text/plain" });
    expect(signatureOf(signSignature, delivery, named(key))).toBe("E3IZY+esQ59aLmPCYYVjk2R/P1G0k77r9ZGa9Lw94Zw=");
  });
});

describe("the signature of Zoho Sign", () => {
  // https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/securing-zoho-sign-webhooks-with-hmac-authentication
  const key = named("thisisthesamplekeyfortestingpurposes");
  const sample =
    '{{"requests":{"request_name":"Test Name"},"notifications":{"operation_type":"RequestSigningSuccess"}}';
  const published = "drbSrM4H816RYKpZiRBLddUa0yHaTrwjtY04sIZFZus=";

  it("matches the one that Zoho prints for its sample, with its doubled brace", () => {
    expect(Buffer.byteLength(sample)).toBe(101);
    expect(signatureOf(signSignature, posted(sample), key)).toBe(published);
  });

  it("does not match the sample with a corrected brace", () => {
    const delivery = withHeader(posted(sample.slice(1)), "X-ZS-WEBHOOK-SIGNATURE", published);
    expect(verdictOf(signSignature, delivery, [key]).verdict).toBe("failed");
  });

  it("names the exception for a missing one", () => {
    const { verdict, reason } = verdictOf(signSignature, posted("{}"), [key]);
    expect(verdict).toBe("failed");
    expect(reason).toContain('"Test URL" button sends none');
  });

  it("passes with an old timestamp, which it does not cover, and a remark", () => {
    const signed = withHeader(posted("{}"), "X-ZS-WEBHOOK-SIGNATURE", base64("{}", key.reveal()));
    const at = (seconds: number) => withHeader(signed, "X-ZS-WEBHOOK-TIMESTAMP", String(seconds));
    const now = new Date("2025-01-15T10:30:00Z");
    const nowSeconds = now.getTime() / 1000;
    expect(verdictOf(signSignature, at(nowSeconds - 60), [key], now).reason).toBe("signed with THE_SECRET");
    expect(verdictOf(signSignature, at(nowSeconds - 720), [key], now)).toEqual({
      verdict: "passed",
      reason: "signed with THE_SECRET; x-zs-webhook-timestamp is 12 min old; the signature does not cover it",
    });
    expect(verdictOf(signSignature, withHeader(signed, "x-zs-webhook-timestamp", "soon"), [key], now).verdict).toBe(
      "passed",
    );
  });

  it("may cover the timestamp, which is not documented", () => {
    const timed = (time: string, body: string, over: string) =>
      posted(body, {
        headers: [
          ["x-zs-webhook-timestamp", time],
          ["x-zs-webhook-signature", base64(over, key.reveal())],
        ],
      });
    expect(verdictOf(signSignature, timed("1736937000", "{}", "1736937000.{}"), [key])).toEqual({
      verdict: "passed",
      reason: "signed with THE_SECRET; the time, a dot and the body were signed",
    });
    expect(verdictOf(signSignature, timed("1736937001", "{}", "1736937000.{}"), [key]).verdict).toBe("failed");
    // The beginning of a signed body must not pass as the timestamp.
    expect(verdictOf(signSignature, timed("x", "{}", "x{}"), [key]).verdict).toBe("failed");
  });
});

describe("the signature of Zoho Mail", () => {
  const key = named("my-hook-secret");
  const body = '{"messageId":"1","subject":"Hi"}';

  it("is deterministic for a body", () => {
    expect(signatureOf(mailSignature, posted(body), key)).toBe("T7125Kr6/rd67BKMxU18rWQUV+ceqyZU4NZq9auyxjE=");
  });

  it("is explained when it is written in hex", () => {
    const delivery = posted(body, { headers: [["x-hook-signature", hex(body, key.reveal())]] });
    expect(verdictOf(mailSignature, delivery, [key])).toEqual({
      verdict: "failed",
      reason: "x-hook-signature is not 32 bytes in base64",
    });
    expect(matchesOf(mailSignature, delivery, key)).toEqual(["hex-for-base64"]);
  });
});

describe.skipIf(lacks("openssl"))("openssl over the sent bytes", () => {
  const body = Buffer.from('{"a":"\u00e9\u4e2d"}\n');

  it.each<[string, Proof, string]>([
    ["Zoho Sign", signSignature, "a-secret"],
    ["Zoho Mail", mailSignature, "another-secret"],
  ])("gives the same signature for %s", (_product, proof, key) => {
    const digest = openssl(["dgst", "-sha256", "-hmac", key, "-binary"], body);
    expect(signatureOf(proof, posted(body), named(key))).toBe(digest.toString("base64"));
  });

  it("is the same for Zoho Webinar, in hex", () => {
    const digest = openssl(["dgst", "-sha256", "-hmac", "a-token", "-binary"], body);
    expect(signatureOf(webinarSignature, posted(body), named("a-token"))).toBe(digest.toString("hex"));
  });

  it("is the same for ZeptoMail, URL-encoded, with a time that is not signed", () => {
    const digest = openssl(["dgst", "-sha256", "-hmac", "a-key", "-binary"], body).toString("base64");
    expect(signatureOf(zeptomailSignature, posted(body), named("a-key"), new Date(1_596_109_465_823))).toBe(
      `ts=1596109465823;s=${encodeURIComponent(digest)};s-algorithm=HmacSHA256`,
    );
  });
});

describe("the signature of ZeptoMail", () => {
  const key = named("a-key");
  const body = '{"event_name":["softbounce"]}';
  const signature = base64(body, key.reveal());
  const sent = (value: string, text = body) => posted(text, { headers: [["Producer-Signature", value]] });

  it.each([
    ["with its parts as Zoho sends them", `ts=1596109465823;s=${encodeURIComponent(signature)};s-algorithm=HmacSHA256`],
    ["in plain base64, as an older sample has it", `ts=1596109465823;s=${signature}`],
    ["in another order, with spaces", `s-algorithm=HmacSHA256; s=${encodeURIComponent(signature)}; ts=1`],
  ])("passes %s", (_how, value) => {
    expect(signature).toMatch(/[+/=]/);
    expect(verdictOf(zeptomailSignature, sent(value), [key])).toEqual({
      verdict: "passed",
      reason: "signed with THE_SECRET",
    });
    expect(verdictOf(zeptomailSignature, sent(value, `${body} `), [key]).verdict).toBe("failed");
  });

  it.each([
    ["is a bare signature", signature, ["parts-missing"]],
    ["has it in hex", `ts=1;s=${hex(body, key.reveal())}`, ["hex-for-base64"]],
    ["has a sign that is not encoded", "ts=1;s=%zz", ["unreadable"]],
    ["is over the body and a newline", `ts=1;s=${base64(`${body}\n`, key.reveal())}`, ["newline-removed"]],
  ])("is explained when the header %s", (_what, value, findings) => {
    expect(verdictOf(zeptomailSignature, sent(value), [key]).verdict).toBe("failed");
    expect(matchesOf(zeptomailSignature, sent(value), key)).toEqual(findings);
  });

  it("is explained when it is over the JSON within a form", () => {
    const delivery = posted(`data=${encodeURIComponent(body)}`, {
      type: FORM,
      headers: [["producer-signature", `ts=1;s=${signature}`]],
    });
    expect(matchesOf(zeptomailSignature, delivery, key)).toEqual(["unwrapped"]);
  });
});

describe("the signature of Zoho Webinar", () => {
  const key = named("a-token");
  const form = "webinarId=12345&email=user%40example.com";
  const sent = (value: string) => posted(form, { type: FORM, headers: [["X-WEBINAR-SIGNATURE", value]] });

  it("is over the raw body, of a form too", () => {
    expect(verdictOf(webinarSignature, sent(hex(form, key.reveal())), [key]).verdict).toBe("passed");
    const upper = sent(hex(form, key.reveal()).toUpperCase());
    expect(matchesOf(webinarSignature, upper, key)).toEqual(["upper-case"]);
  });

  it("names the authorization type of a missing one", () => {
    expect(verdictOf(webinarSignature, posted("{}"), [key]).reason).toContain("authorization type Signature");
  });
});

describe("the signature of Zoho Payments", () => {
  const key = named("zohohooksDemo2024");
  const body = '{"event_id":9973000000138072,"event_type":"payment.succeeded"}';
  const t = 1_734_340_423_138;
  const delivery = posted(body, {
    headers: [
      ["X-Zoho-Webhook-Signature", `t=${t},v=fb3ab81cc9037472f98577821cea268b9a4e54a0ec8f4399b8755b5b4442bf46`],
    ],
  });
  const at = (ms: number): Date => new Date(t + ms);

  it("is deterministic for a time and body", () => {
    const { headers } = paymentsSignature.sign(posted(body), key, at(0));
    expect(headers.at(-1)?.[1]).toBe(delivery.headers.at(-1)?.[1]);
    expect(
      signatureOf(paymentsSignature, posted('{"status":"success"}'), named("signing-key"), new Date(1_732_480_000_000)),
    ).toBe("t=1732480000000,v=4d8e5255631822536b54a7c71b50d73704d95d06ffb8eea3723ebfdad49c9939");
  });

  it("reads the header in the form that Zoho documents", () => {
    const printed = "t=1734340423138,v=48f9cb56a1beca6c92ff64e0d0954170fc474d971af07a8ecfcbb9502414241c";
    const verdict = verdictOf(
      paymentsSignature,
      withHeader(posted(body), "x-zoho-webhook-signature", printed),
      [key],
      at(0),
    );
    expect(verdict.reason).toContain("does not match timestamp and body");
  });

  it("passes under the older name of the header", () => {
    const value = delivery.headers.at(-1)?.[1] ?? "";
    const old = posted(body, { headers: [["X-ZohoWebhook-Signature", value]] });
    expect(verdictOf(paymentsSignature, old, [key], at(0)).verdict).toBe("passed");
  });

  it("passes within the tolerance, and fails with a reason outside of it", () => {
    expect(verdictOf(paymentsSignature, delivery, [key], at(299_000)).verdict).toBe("passed");
    expect(verdictOf(paymentsSignature, delivery, [key], at(-299_000)).verdict).toBe("passed");
    expect(verdictOf(paymentsSignature, delivery, [key], at(720_000))).toEqual({
      verdict: "failed",
      match: "too_old",
      reason: "the signature is right, but 12 min old; the limit is 5 min",
    });
    expect(verdictOf(paymentsSignature, delivery, [key], at(301_000)).reason).toContain(
      "5 min 1 s old; the limit is 5 min",
    );
    expect(verdictOf(paymentsSignature, delivery, [key], at(9_000_000)).reason).toContain("2 h 30 min old");
    expect(verdictOf(paymentsSignature, delivery, [key], at(710 * 86_400_000)).reason).toContain("but 2 years old;");
    expect(verdictOf(paymentsSignature, delivery, [key], at(-720_000))).toMatchObject({ match: "too_new" });
    const longer = paymentsSignature.verify({
      ...{ delivery, payload: payloadOf(delivery), secrets: [key], now: at(720_000) },
      limits: { toleranceMs: 900_000 },
    });
    expect(longer.verdict).toBe("passed");
  });

  it("fails with another timestamp in the header", () => {
    const moved = withHeader(
      delivery,
      "x-zoho-webhook-signature",
      String(delivery.headers.at(-1)?.[1]).replace("138,", "139,"),
    );
    expect(verdictOf(paymentsSignature, moved, [key], at(0)).verdict).toBe("failed");
  });

  it.each([
    ["without the time", body, "time-left-out"],
    ["without the dot", `${t}${body}`, "dot-left-out"],
    ["with the time in seconds", `${Math.floor(t / 1000)}.${body}`, "seconds"],
    ["with a newline behind the body", `${t}.${body}\n`, "newline-removed"],
  ])("is explained when it is made %s", (_what, text, finding) => {
    const made = withHeader(delivery, "x-zoho-webhook-signature", `t=${t},v=${hex(text, key.reveal())}`);
    expect(matchesOf(paymentsSignature, made, key)).toEqual([finding]);
  });

  it("is reported as in seconds rather than as old", () => {
    const seconds = Math.floor(t / 1000);
    const value = `t=${seconds},v=${hex(`${seconds}.${body}`, key.reveal())}`;
    const made = withHeader(delivery, "x-zoho-webhook-signature", value);
    expect(verdictOf(paymentsSignature, made, [key], at(0))).toEqual({
      verdict: "failed",
      match: "seconds",
      reason: "the signature is right, but its t is in seconds, but Zoho Payments uses milliseconds",
    });
    expect(matchesOf(paymentsSignature, made, key)).toEqual(["time-in-seconds"]);
    expect(canonicalOf(paymentsSignature, made, key)).toContain("(t is 2024-12-16T09:13:43.000Z)");
  });

  it("is distinguished from a bare digest", () => {
    const bare = withHeader(delivery, "x-zoho-webhook-signature", hex(body, key.reveal()));
    expect(verdictOf(paymentsSignature, bare, [key], at(0)).reason).toContain("finance products");
    expect(canonicalOf(paymentsSignature, bare, key)).toContain("has no t");
  });

  it("is explained with its timestamp", () => {
    expect(canonicalOf(paymentsSignature, delivery, key)).toBe(
      `${t}. and the raw body, ${body.length} bytes (t is 2024-12-16T09:13:43.138Z)`,
    );
  });
});
