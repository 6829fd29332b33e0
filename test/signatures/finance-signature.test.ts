import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { withHeader } from "../../src/delivery/delivery.ts";
import { financeCanonical, financeParts, financeSignature } from "../../src/signatures/finance-signature.ts";
import { canonicalOf, matchesOf, named, payloadOf, posted, signatureOf, verdictOf } from "../support/deliveries.ts";
import { lacks } from "../support/needs.ts";
import { openssl } from "../support/openssl.ts";

const HEADER = "X-Zoho-Webhook-Signature";
const KEY = named("zohohooksDemo2024");
const JSON_BODY = '{"created_date":"2019-03-06","event_id":"5675"}';
const FORM = "application/x-www-form-urlencoded";

const canonical = (delivery: ReturnType<typeof posted>): string =>
  financeCanonical(financeParts(delivery, payloadOf(delivery))).toString("utf8");
const hmac = (text: string, key = "zohohooksDemo2024"): Buffer => createHmac("sha256", key).update(text).digest();
const signedAs = (delivery: ReturnType<typeof posted>, text: string, encoding: "hex" | "base64" = "hex") =>
  withHeader(delivery, HEADER, hmac(text).toString(encoding));

describe("the string that finance products sign", () => {
  it("equals the string on Zoho's page for its sample", () => {
    const delivery = posted(JSON_BODY, { url: "/hook?subscription_id=90343&name=basic" });
    expect(canonical(delivery)).toBe('namebasicsubscription_id90343{"created_date":"2019-03-06","event_id":"5675"}');
  });

  it("joins query and form, decoded, without the body", () => {
    const delivery = posted("event_id=5675&plan_code=basic-monthly", {
      url: "/hook?customer_name=Acme%20%26%20Sons",
      type: FORM,
    });
    expect(canonical(delivery)).toBe("customer_nameAcme & Sonsevent_id5675plan_codebasic-monthly");
  });

  it("reads the query of a URL or a path", () => {
    const of = (url: string): string => canonical(posted(JSON_BODY, { url }));
    expect(of("https://example.com:8443/a/b?b=2&a=1#c")).toBe(of("/?b=2&a=1"));
  });

  it("treats JSON declared as a form as JSON", () => {
    expect(canonical(posted(JSON_BODY, { type: FORM }))).toBe(JSON_BODY);
  });

  it("preserves every byte of a body that is not canonical UTF-8", () => {
    const body = '{ "a" : "caf\\u00e9 é" }\r\n';
    expect(canonical(posted(body))).toBe(body);
  });
});

describe("the signature of finance products", () => {
  // Regression values computed from the documented rules: Zoho has published no digest.
  it.each([
    [
      "/?subscription_id=90343&name=basic",
      JSON_BODY,
      undefined,
      "03d40256e322b9eba37a2ed15ad5890e0e96a6fdeeedba61170d346f0104d74b",
    ],
    ["/", JSON_BODY, undefined, "4b814750201c66b1364074f92c39afc0b23d1fb079ae2b6b97da8e27a5631b41"],
    [
      "/",
      '{"invoice":{"invoice_id":"460000000049123","status":"sent","total":120.5}}',
      undefined,
      "4e129d04675dd204669498642c71e7f009146813749a48b99d775936a0daf368",
    ],
    [
      "/?customer_name=Acme%20%26%20Sons",
      "event_id=5675&plan_code=basic-monthly",
      FORM,
      "cd7785e58812e62463dd21bd0d727f9bdd51c4371bc3efb60d603f7c88986b4a",
    ],
  ])("has the recorded value for %s with %s", (url, body, type, expected) => {
    const delivery = posted(body, { url, ...(type === undefined ? {} : { type }) });
    expect(signatureOf(financeSignature, delivery, KEY)).toBe(expected);
  });

  it.skipIf(lacks("openssl"))("equals openssl's", () => {
    const delivery = posted(JSON_BODY, { url: "/?subscription_id=90343&name=basic" });
    const text = Buffer.from(`namebasicsubscription_id90343${JSON_BODY}`);
    const printed = openssl(["dgst", "-sha256", "-hmac", "zohohooksDemo2024"], text).toString("utf8");
    expect(printed).toContain(String(signatureOf(financeSignature, delivery, KEY)));
  });

  it("passes in hex of either case and in base64, and names what it covers", () => {
    const delivery = posted(JSON_BODY, { url: "/?a=1&b=2" });
    const text = `a1b2${JSON_BODY}`;
    const over = "signed with THE_SECRET over 2 query pairs and 47 bytes of body";
    expect(verdictOf(financeSignature, signedAs(delivery, text), [KEY])).toEqual({ verdict: "passed", reason: over });
    const upper = withHeader(delivery, HEADER, hmac(text).toString("hex").toUpperCase());
    expect(verdictOf(financeSignature, upper, [KEY]).verdict).toBe("passed");
    expect(verdictOf(financeSignature, signedAs(delivery, text, "base64"), [KEY])).toEqual({
      verdict: "passed",
      reason: `${over}, in base64`,
    });
  });

  it.each([
    ["a plus that is kept", "/?name=a+b", "namea+b", "plus-kept"],
    ["keys sorted without regard to case", "/?b=1&A=2&C=3", "A2b1C3", "keys-without-case"],
    ["values sorted", "/?k=2&k=1", "k1k2", "values-sorted"],
    ["a repeated pair left out", "/?k=2&k=2", "k2", "keys-last"],
    ["empty values left out", "/?a=&b=1", "b1", "empty-left-out"],
  ])("passes with %s, which Zoho leaves open, and reports it", (_what, url, pairs, finding) => {
    const delivery = signedAs(posted(JSON_BODY, { url }), `${pairs}${JSON_BODY}`);
    const { verdict, reason } = verdictOf(financeSignature, delivery, [KEY]);
    expect(verdict).toBe("passed");
    expect(reason).toContain("Zoho's documentation does not say which is right");
    expect(matchesOf(financeSignature, delivery, KEY)).toContain(finding);
  });

  it.each([
    ["the last of a key", "/?event=deleted&event=created", "eventcreated", "keys-last"],
    ["the first of a key", "/?event=created&event=deleted", "eventcreated", "keys-first"],
    ["what is not empty", "/?event=&event=created", "eventcreated", "keys-last"],
  ])("fails with %s alone, since anybody could have added the other", (_what, url, pairs, finding) => {
    const delivery = signedAs(posted(JSON_BODY, { url }), `${pairs}${JSON_BODY}`);
    const { verdict, reason } = verdictOf(financeSignature, delivery, [KEY]);
    expect([verdict, reason]).toEqual([
      "failed",
      expect.stringMatching(/^matches only if .*: anybody could have added/),
    ]);
    expect(matchesOf(financeSignature, delivery, KEY)).toContain(finding);
  });

  it.each([
    ["without the query", JSON_BODY, "query-left-out"],
    ["without one parameter", `a1${JSON_BODY}`, "parameter-added"],
    ["without the body", "a1b2", "body-left-out"],
    ["with the body first", `${JSON_BODY}a1b2`, "body-first"],
    ["unsorted", `b2a1${JSON_BODY}`, "unsorted"],
    ["with = and &", `a=1&b=2${JSON_BODY}`, "separated"],
    ["with a newline behind the body", `a1b2${JSON_BODY}\n`, "newline-removed"],
    ["indented", `a1b2${JSON.stringify(JSON.parse(JSON_BODY), null, 2)}`, "indented-2"],
  ])("fails when made %s, and explain names it", (_what, text, finding) => {
    const delivery = signedAs(posted(JSON_BODY, { url: "/?b=2&a=1" }), text);
    expect(verdictOf(financeSignature, delivery, [KEY]).verdict).toBe("failed");
    expect(matchesOf(financeSignature, delivery, KEY)).toEqual([finding]);
  });

  it("fails for a reserialised body and reports it", () => {
    const delivery = signedAs(posted('{ "a": 1 }'), '{"a":1}');
    expect(verdictOf(financeSignature, delivery, [KEY])).toMatchObject({ verdict: "failed", match: "reserialised" });
    const longer = signedAs(posted('{"a":1}\n', { url: "/?b=2" }), 'b2{"a":1}');
    expect(verdictOf(financeSignature, longer, [KEY])).toMatchObject({ verdict: "failed", match: "changed" });
  });

  it("fails for another secret, a changed byte and an added query", () => {
    const delivery = signedAs(posted(JSON_BODY, { url: "/?a=1" }), `a1${JSON_BODY}`);
    const { verdict, reason } = verdictOf(financeSignature, delivery, [named("another")]);
    expect([verdict, reason]).toEqual(["failed", expect.stringContaining("does not match this request")]);
    expect(
      verdictOf(financeSignature, { ...delivery, body: Buffer.from(JSON_BODY.replace("5", "6")) }, [KEY]).verdict,
    ).toBe("failed");
    const added = signedAs(posted(JSON_BODY, { url: "/?utm=1" }), JSON_BODY);
    expect(verdictOf(financeSignature, added, [KEY])).toEqual({
      verdict: "failed",
      reason: "the signature matches without the query: it was added to the URL after signing, or was not signed",
    });
  });

  it.each(["hex", "base64"] as const)("fails in %s with other characters around it", (encoding) => {
    const signature = hmac(JSON_BODY).toString(encoding);
    for (const text of [`x${signature}`, `${signature}x`, `${signature}==`]) {
      const { verdict, reason } = verdictOf(financeSignature, withHeader(posted(JSON_BODY), HEADER, text), [KEY]);
      expect([verdict, reason]).toEqual(["failed", expect.stringContaining("neither 64 hex digits nor 32 bytes")]);
    }
  });

  it.each(["a1c3", "a1"])("names parameters as added where %s is signed of three", (pairs) => {
    const delivery = signedAs(posted(JSON_BODY, { url: "/?a=1&b=2&c=3" }), `${pairs}${JSON_BODY}`);
    expect(matchesOf(financeSignature, delivery, KEY)).toEqual(["parameter-added"]);
  });

  it("recognises the form of Zoho Payments", () => {
    const delivery = posted(JSON_BODY, { headers: [[HEADER, `t=1734340423138,v=${"0".repeat(64)}`]] });
    expect(verdictOf(financeSignature, delivery, [KEY]).reason).toContain("looks like that of Zoho Payments");
  });

  it("is required only once there is a secret", () => {
    const delivery = posted(JSON_BODY);
    expect(verdictOf(financeSignature, delivery, []).verdict).toBe("absent");
    expect(verdictOf(financeSignature, delivery, [KEY]).verdict).toBe("failed");
    expect(verdictOf(financeSignature, signedAs(delivery, JSON_BODY), []).verdict).toBe("unconfigured");
  });

  it("is explained by the signed string and its parts", () => {
    const delivery = posted("b=2", { url: "/?a=1", type: FORM });
    const text = canonicalOf(financeSignature, delivery, KEY);
    expect(text).toContain("a1b2\n");
    expect(text).toContain("1 query pair and 1 form pair");
  });

  it("is explained where the secret was in quotes", () => {
    const delivery = signedAs(posted(JSON_BODY), JSON_BODY);
    expect(matchesOf(financeSignature, delivery, named('"zohohooksDemo2024"'))).toEqual(["secret-unquoted"]);
  });
});
