import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, exportJWK, importPKCS8, jwtVerify, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { type Delivery, headerValue, withHeader } from "../../../src/delivery/delivery.ts";
import { readPayload } from "../../../src/delivery/payload.ts";
import { type Secret, type Secrets, secret } from "../../../src/delivery/secrets.ts";
import type { Verdict } from "../../../src/model/product.ts";
import { deskToken } from "../../../src/products/desk/token.ts";
import { keyId, writeKeySet } from "../../../src/signatures/keys.ts";
import { testKeys } from "../../support/test-secrets.ts";

const now = new Date("2025-01-15T10:30:00Z");
const seconds = Math.floor(now.getTime() / 1000);
const ISSUER = "orgId:60017843";
const AUDIENCE = "webhookId:189200000000321001";
const privateKey = secret(testKeys.privateKey, "TEST_PRIVATE_KEY");
const publicKey = createPublicKey(testKeys.publicKey);
const keySet = secret(writeKeySet(publicKey), "TEST_JWKS");
const kid = keyId(publicKey);

const unsigned: Delivery = {
  method: "POST",
  url: "/webhooks/zoho/desk",
  headers: [["content-type", "application/json"]],
  body: Buffer.from(
    JSON.stringify([
      {
        payload: { id: "1892000000004203471" },
        eventTime: "1736937000000",
        eventType: "Ticket_Delete",
        orgId: "60017843",
      },
    ]),
  ),
};

interface Asked {
  readonly at?: Date;
  readonly keys?: readonly ReturnType<typeof secret>[];
  readonly audience?: string;
  readonly issuer?: string;
  readonly toleranceMs?: number;
}

function verdictOn(
  delivery: Delivery,
  { at = now, keys = [keySet], audience, issuer, toleranceMs }: Asked = {},
): Verdict {
  const read = readPayload(delivery);
  if (!read.ok) throw new Error(read.problem.reason);
  const limits = toleranceMs === undefined ? undefined : { toleranceMs };
  return deskToken({ audience, issuer }).verify({ delivery, payload: read.payload, secrets: keys, now: at, limits });
}

/** What `--explain` finds to be the cause. */
function causesOf(delivery: Delivery, key: Secret) {
  const read = readPayload(delivery);
  if (!read.ok) throw new Error(read.problem.reason);
  const secrets: Secrets = { for: () => [key], all: () => [key] };
  const explained = deskToken({}).explain?.({ delivery, payload: read.payload, secrets, product: "desk", now });
  return explained?.findings.filter(({ matches }) => matches);
}

interface Token {
  readonly claims?: Record<string, unknown>;
  readonly header?: { readonly alg: string; readonly kid?: string; readonly crit?: string[] };
}

/** A token signed by another library. */
async function foreign({ claims = {}, header = { alg: "RS256", kid } }: Token = {}): Promise<Delivery> {
  const all = { iss: ISSUER, aud: AUDIENCE, iat: seconds, exp: seconds + 600, ...claims };
  const defined = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const key = await importPKCS8(testKeys.privateKey, header.alg);
  return carrying(await new SignJWT(defined).setProtectedHeader({ typ: "JWT", ...header }).sign(key));
}

function carrying(token: string): Delivery {
  return withHeader(unsigned, "x-zdesk-jwt", token);
}

describe("a signed Desk delivery", () => {
  it("is verified by jose with the key set of the key", async () => {
    const signed = deskToken({}).sign(unsigned, privateKey, now);
    const set = createLocalJWKSet(JSON.parse(keySet.reveal()));
    const { payload, protectedHeader } = await jwtVerify(headerValue(signed, "X-ZDesk-JWT") ?? "", set, {
      algorithms: ["RS256"],
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: now,
    });
    expect(payload).toEqual({ iss: ISSUER, aud: AUDIENCE, iat: seconds, exp: seconds + 600 });
    expect(protectedHeader).toEqual({ alg: "RS256", typ: "JWT", kid });
    expect(signed.body).toBe(unsigned.body);
  });

  it("carries the configured issuer and audience", () => {
    const issuer = "orgId:70000001";
    const signed = deskToken({ issuer, audience: "webhookId:7" }).sign(unsigned, privateKey, now);
    expect(verdictOn(signed, { issuer, audience: "webhookId:7" }).verdict).toBe("passed");
    expect(verdictOn(signed, { issuer, audience: AUDIENCE }).verdict).toBe("failed");
  });

  it("is rejected when forged", () => {
    const forged = deskToken({}).forge?.(unsigned, now);
    expect(forged && verdictOn(forged)).toMatchObject({ verdict: "failed" });
  });
});

describe("a token that jose signed", () => {
  it("proves the sender, and states that it does not cover the body", async () => {
    const verdict = verdictOn(await foreign());
    expect(verdict).toMatchObject({ verdict: "passed", proves: "sender" });
    expect(verdict.reason).toContain("TEST_JWKS");
    expect(verdict.reason).toContain("covers the sender, not the body");
  });

  it("passes with jose's key set, and with one whose keys have no names", async () => {
    const jwk = await exportJWK(publicKey);
    for (const extra of [{ kid }, {}, { kid, use: "sig", alg: "RS256" }]) {
      const set = secret(JSON.stringify({ keys: [{ ...jwk, ...extra }] }), "SET");
      expect(verdictOn(await foreign(), { keys: [set] }).verdict).toBe("passed");
    }
  });

  it.each([
    ["expired", { claims: { exp: seconds - 60 } }, {}, "expired 1 min ago"],
    ["without an expiry", { claims: { exp: undefined } }, {}, "has no expiry"],
    ["from the future", { claims: { iat: seconds + 120 } }, {}, "ahead of this machine's clock"],
    ["not valid yet", { claims: { nbf: seconds + 120 } }, {}, "ahead of this machine's clock"],
    [
      "of another organisation than the body",
      { claims: { iss: "orgId:1" } },
      {},
      "but the body is from orgId:60017843",
    ],
    ["of another issuer than configured", {}, { issuer: "orgId:5" }, "not by orgId:5 as configured"],
    ["without an issuer", { claims: { iss: undefined } }, {}, "has no issuer"],
    ["for another webhook", {}, { audience: "webhookId:5" }, "not for webhookId:5 as configured"],
    ["for nobody", { claims: { aud: undefined } }, {}, "has no audience"],
    ["of an unknown key", { header: { alg: "RS256", kid: "other" } }, {}, 'key "other", which is not in TEST_JWKS'],
    ["of another algorithm", { header: { alg: "RS512", kid } }, {}, "not RS256"],
    ["of another padding", { header: { alg: "PS256", kid } }, {}, "not RS256"],
  ] satisfies [string, Token, Asked, string][])("fails when %s, with the reason", async (_, token, asked, reason) => {
    const verdict = verdictOn(await foreign(token), asked);
    expect(verdict.verdict).toBe("failed");
    expect(verdict.reason).toContain(reason);
  });

  it("passes for one of several audiences, and for a webhook id without prefix", async () => {
    const several = await foreign({ claims: { aud: ["webhookId:1", AUDIENCE] } });
    expect(verdictOn(several, { audience: AUDIENCE }).verdict).toBe("passed");
    expect(verdictOn(several, { audience: "189200000000321001" }).verdict).toBe("passed");
  });

  it("may be a few seconds late, and later only with a greater tolerance", async () => {
    const token = await foreign();
    const late = (s: number, toleranceMs?: number) =>
      verdictOn(token, {
        at: new Date(now.getTime() + s * 1000),
        ...(toleranceMs === undefined ? {} : { toleranceMs }),
      });
    expect(late(604).verdict).toBe("passed");
    expect(late(606).verdict).toBe("failed");
    expect(late(606, 300_000).verdict).toBe("failed");
    expect(late(86_400, 172_800_000).verdict).toBe("passed");
  });

  it("fails when its claims were changed after signing", async () => {
    const [header, , signature] = (headerValue(await foreign(), "x-zdesk-jwt") ?? "").split(".");
    const claims = { iss: ISSUER, aud: AUDIENCE, iat: seconds, exp: seconds + 60_000 };
    const changed = [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
    expect(verdictOn(carrying(changed)).reason).toContain("signature does not match");
  });

  it("fails when another key signed it under the same name", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const claims = { iss: ISSUER, aud: AUDIENCE, exp: seconds + 600 };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign(other.privateKey);
    expect(verdictOn(carrying(token)).reason).toContain("signature does not match");
  });
});

describe("a forger", () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = part({ iss: ISSUER, aud: AUDIENCE, iat: seconds, exp: seconds + 600 });

  it("cannot omit the signature", () => {
    const none = new UnsecuredJWT({ iss: ISSUER, aud: AUDIENCE, exp: seconds + 600 }).encode();
    expect(verdictOn(carrying(none)).reason).toContain("its algorithm is none");
    expect(verdictOn(carrying(`${part({ alg: "NoNe" })}.${claims}.`), { keys: [] }).verdict).toBe("failed");
    expect(verdictOn(carrying(`${part({ alg: "RS256", kid })}.${claims}.`)).verdict).toBe("failed");
  });

  it("cannot use the public key as an HMAC secret", () => {
    for (const key of [testKeys.publicKey, keySet.reveal()]) {
      const signed = `${part({ alg: "HS256", kid })}.${claims}`;
      const hmac = createHmac("sha256", key).update(signed).digest("base64url");
      expect(verdictOn(carrying(`${signed}.${hmac}`))).toMatchObject({ verdict: "failed" });
      const causes = causesOf(carrying(`${signed}.${hmac}`), keySet);
      expect(causes).toMatchObject([{ id: "algorithm", meaning: expect.stringContaining('"HS256"') }]);
      // With the right algorithm name an HMAC is still not an RSA signature.
      const renamed = `${part({ alg: "RS256", kid })}.${claims}`;
      const other = createHmac("sha256", key).update(renamed).digest("base64url");
      expect(verdictOn(carrying(`${renamed}.${other}`))).toMatchObject({ verdict: "failed" });
    }
  });

  it("cannot embed a key of its own", async () => {
    const own = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = await exportJWK(own.publicKey);
    const token = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, exp: seconds + 600 })
      .setProtectedHeader({ alg: "RS256", jwk })
      .sign(own.privateKey);
    expect(verdictOn(carrying(token)).verdict).toBe("failed");
  });

  it("cannot use an unknown extension", () => {
    const token = `${part({ alg: "RS256", kid, crit: ["b64"], b64: false })}.${claims}.AAAA`;
    expect(verdictOn(carrying(token)).reason).toContain("crit");
  });
});

describe("a delivery", () => {
  it("without a token is absent, or failed where keys are configured", () => {
    expect(verdictOn(unsigned, { keys: [] }).verdict).toBe("absent");
    expect(verdictOn(unsigned).verdict).toBe("failed");
  });

  it("with a token and no keys is unconfigured", async () => {
    expect(verdictOn(await foreign(), { keys: [] }).verdict).toBe("unconfigured");
  });

  const noTokens = ["", "x", "a.b", "a.b.c", "....", "e30.e30", "bnVsbA.bnVsbA.AAAA"];
  it.each([...noTokens, "e30.b.AAAA", "a.e30.AAAA", "e30.e30.AAAA!"])("fails with the token %j", (token) => {
    expect(verdictOn(carrying(token)).reason).toContain("is not a JWT");
  });

  const noKeySets = ["", "{}", '{"keys":{}}', "[]", "not JSON", '{"keys":[{"kty":"RSA"},"text"]}'];
  it.each(noKeySets)("fails with the key set %j, and names it", async (text) => {
    const verdict = verdictOn(await foreign(), { keys: [secret(text, "MY_KEYS")] });
    expect(verdict).toMatchObject({ verdict: "failed" });
    expect(verdict.reason).toContain("MY_KEYS holds no key set");
  });

  it.each([
    [{ use: "enc" }, 'its use is "enc", not "sig"'],
    [{ alg: "RSA-OAEP" }, 'its alg is "RSA-OAEP", not "RS256"'],
    [{ n: undefined }, "its n and e are not an RSA key"],
  ])("fails with a key that cannot verify signatures (%j), with the reason", async (flaw, why) => {
    const text = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, ...flaw }] });
    const verdict = verdictOn(await foreign(), { keys: [secret(text, "SET")] });
    expect([verdict.verdict, verdict.reason]).toEqual([
      "failed",
      expect.stringContaining(`is in SET, but cannot verify signatures: ${why}`),
    ]);
    const causes = causesOf(await foreign(), secret(text, "SET"));
    expect(causes).toMatchObject([{ id: "unknown-key", meaning: expect.stringContaining(why) }]);
  });

  it("does not take the flaw of one key for that of another", async () => {
    const text = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "encrypts", use: "enc" }] });
    expect(verdictOn(await foreign(), { keys: [secret(text, "SET")] }).reason).toContain("which is not in SET");
  });

  it("fails with keys of another type", async () => {
    const { publicKey: curve } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const set = JSON.stringify({
      keys: [
        { ...(await exportJWK(curve)), kid },
        { kty: "RSA", n: "?", e: "?", kid },
      ],
    });
    expect(verdictOn(await foreign(), { keys: [secret(set, "CURVES")] }).verdict).toBe("failed");
  });
});

describe("a written key set", () => {
  it("contains only the public key, under its thumbprint", () => {
    const [jwk] = JSON.parse(keySet.reveal()).keys;
    expect(Object.keys(jwk).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });

  it("names a key as in the example of RFC 7638", () => {
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const key = createPublicKey({ key: { kty: "RSA", n, e: "AQAB" }, format: "jwk" });
    expect(keyId(key)).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });
});
