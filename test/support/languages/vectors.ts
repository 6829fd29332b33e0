import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Delivery, headerValue, splitUrl, withHeader } from "../../../src/delivery/delivery.ts";
import type { Secret } from "../../../src/delivery/secrets.ts";
import type { ProductId } from "../../../src/library/event-types.ts";
import type { Proof } from "../../../src/model/product.ts";
import { keyId, signToken, writeKeySet } from "../../../src/signatures/keys.ts";
import { named, posted } from "../deliveries.ts";
import { deliveryOf, type FixtureCase, fixtureCases } from "../fixture-cases.ts";
import { testKeys } from "../test-secrets.ts";

/** A request, and how a receiver answers it: 200 for a genuine one, 401 for a forged one. */
export interface Vector {
  readonly name: string;
  /** Id of the proof: `sign-signature`. */
  readonly scheme: string;
  /** The product that signed it. */
  readonly sender: ProductId;
  readonly format: string;
  /** The end of the path: the sender, or `guide`. */
  readonly product: string;
  readonly delivery: Delivery;
  readonly isGenuine: boolean;
  /** It is not text where text should be, which a framework may refuse itself, with 400. */
  readonly isHostile?: boolean;
}

/** With which Zoho's page on Sign signs its example. */
export const SECRET = "thisisthesamplekeyfortestingpurposes";
export const TOKEN = "t0ken-of-the-tests";
export const AUDIENCE = "webhookId:189200000000321777";

const rsaKey = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const [deskKey, olderKey, strangersKey] = [rsaKey(), rsaKey(), rsaKey()];
/** What `DESK_JWKS` answers. */
export const KEY_SET = writeKeySet(olderKey, deskKey);
/** The same before the key was added that most tokens are signed with. */
export const OLDER_KEY_SET = writeKeySet(olderKey);

const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const RIGHT = { text: named(SECRET), token: named(TOKEN), rsa: named(testKeys.privateKey) };
const WRONG = { text: named("another secret"), token: named("another token"), rsa: named(pem(strangersKey)) };

function keyFor({ credential }: Proof, keys: typeof RIGHT): Secret {
  if (credential === "token") return keys.token;
  return credential === "publicKey" ? keys.rsa : keys.text;
}

const MINUTE_MS = 60_000;

/** Every sample whose signature or token the pages of docs/verify check, and forgeries of the first of each format. */
export function vectors(): readonly Vector[] {
  const all = signedSamples();
  return [
    ...all.flatMap((sample) => (sample.proof.id === "desk-token" ? deskVectors(sample) : signedVectors(sample))),
    ...financeVectors(all.find(({ proof }) => proof.id === "finance-signature")?.proof),
    ...forgedWith(""),
    published,
  ];
}

/** The first sample of each format that is signed with a secret or has a token, with this text in place of the receiver's. */
export function forgedWith(text: string): readonly Vector[] {
  return signedSamples()
    .filter(({ isFirst, proof }) => isFirst && ["secret", "hookSecret", "token"].includes(proof.credential))
    .map(({ proof, ...sample }) => ({
      ...origin(sample, `the secret ${JSON.stringify(text)}`),
      scheme: proof.id,
      product: pathOf(sample, proof),
      delivery: proof.sign(deliveryOf(sample, JSON.parse(sample.text)), named(text), new Date()),
      isGenuine: false,
    }));
}

interface SignedSample extends FixtureCase {
  readonly proof: Proof;
  /** Of its format. */
  readonly isFirst: boolean;
}

function signedSamples(): readonly SignedSample[] {
  const seen = new Set<string>();
  return fixtureCases().flatMap((sample) => {
    const proof = sample.format.proofs.find(({ id }) => id === "guide-signature") ?? sample.format.proofs[0];
    if (proof === undefined || proof.id === "static-auth" || sample.text === "") return [];
    const key = `${sample.product.id} ${sample.format.id}`;
    const isFirst = !seen.has(key);
    seen.add(key);
    return [{ ...sample, proof, isFirst }];
  });
}

function pathOf({ product }: FixtureCase, proof: Proof): string {
  return proof.id === "guide-signature" ? "guide" : product.id;
}

function origin({ label, product, format }: FixtureCase, what: string): Pick<Vector, "name" | "sender" | "format"> {
  return { name: `${label}: ${what}`, sender: product.id as ProductId, format: format.id };
}

function signedVectors({ proof, isFirst, ...sample }: SignedSample): readonly Vector[] {
  const product = pathOf(sample, proof);
  const unsigned = deliveryOf(sample, JSON.parse(sample.text));
  const right = keyFor(proof, RIGHT);
  const vector = (what: string, delivery: Delivery, isGenuine = false): Vector => {
    return { ...origin(sample, what), scheme: proof.id, product, delivery, isGenuine };
  };
  const signed = (delivery: Delivery, ageMs = 0): Delivery => proof.sign(delivery, right, new Date(Date.now() - ageMs));
  const genuine = signed(unsigned);
  if (!isFirst) return [vector("genuine", genuine, true)];
  const forged = [
    vector("a wrong secret", proof.sign(unsigned, keyFor(proof, WRONG), new Date())),
    ...(proof.header === undefined
      ? [
          ...tokenForgeries(genuine).map((delivery, i) => vector(`forged token ${i}`, delivery)),
          ...hostileTokens(genuine).map((delivery, i) => ({
            ...vector(`hostile token ${i}`, delivery),
            isHostile: true,
          })),
        ]
      : headerForgeries(genuine, proof.header).map((delivery, i) => vector(`forged header ${i}`, delivery))),
  ];
  if (proof.proves !== "body") return [vector("genuine", genuine, true), ...forged];
  const binary = { ...unsigned, headers: [["Content-Type", "application/octet-stream"]] as const };
  const bytes = signed({ ...binary, body: Buffer.from([0xff, 0xfe, 0, 0x7b, 0x80, 0x0d, 0x0a]) });
  const spaced = '{ "a\\u002fb":"\\/ \u00e9 \u{1f680}", "id": 4876876000000333001, "n":1.10 }\r\n';
  return [
    vector("genuine", genuine, true),
    vector("bytes that are not text", bytes, true),
    vector("JSON that no serialiser writes", signed({ ...unsigned, body: Buffer.from(spaced) }), true),
    vector("a changed byte", { ...genuine, body: withChangedByte(genuine.body) }),
    vector("an added byte", { ...genuine, body: Buffer.concat([genuine.body, Buffer.from("x")]) }),
    vector("no body", { ...genuine, body: Buffer.alloc(0) }),
    ...forged,
    ...(proof.id === "payments-signature"
      ? [3, -3, 8, -8].map((age) => vector(`${age} minutes old`, signed(unsigned, age * MINUTE_MS), Math.abs(age) < 5))
      : []),
  ];
}

function tokenForgeries(genuine: Delivery): readonly Delivery[] {
  const data = JSON.parse(genuine.body.toString());
  const tokens = [null, "", `${TOKEN} `, TOKEN.toUpperCase(), 0, true, [TOKEN], { [TOKEN]: TOKEN }, undefined];
  const bodies = [...tokens.map((token) => JSON.stringify({ ...data, token })), "", "null", "[]", `"${TOKEN}"`, "{"];
  return bodies.map((body) => ({ ...genuine, body: Buffer.from(body) }));
}

/** JSON can have half a surrogate pair, which UTF-8 cannot, and a body can have any bytes. */
function hostileTokens(genuine: Delivery): readonly Delivery[] {
  const tokens = ["\\ud800", `${TOKEN}\\udc00`, `${TOKEN}\\u0000`, "\xff", "\xed\xa0\x80", `${TOKEN}\xc3`];
  return tokens.map((token) => ({ ...genuine, body: Buffer.from(`{"token":"${token}"}`, "latin1") }));
}

/** Without the header, and with wrong values in it. */
function headerForgeries(genuine: Delivery, header: string): readonly Delivery[] {
  const value = headerValue(genuine, header) ?? "";
  const without = genuine.headers.filter(([name]) => name.toLowerCase() !== header.toLowerCase());
  const half = value.slice(0, value.length / 2);
  const values = [
    "",
    " ",
    half,
    value.slice(1),
    half + changed(value.slice(half.length)),
    "t=,v=",
    "\u00e9",
    "%",
    "s=%zz",
    "s=%ff%ed%a0%80",
    // Bytes that are not UTF-8, as headers may have them.
    "\u00ff",
    `t=1\u00ff,v=${"0".repeat(64)}`,
    `t=${Date.now()},v=${"\u00e9".repeat(64)}`,
    "ts=1;s=\u00ed\u00a0\u0080%ff;s-algorithm=HmacSHA256",
  ];
  return [{ ...genuine, headers: without }, ...values.map((each) => withHeader(genuine, header, each))];
}

/** With another letter or digit in place of the first. */
function changed(text: string): string {
  return text.replace(/[0-9a-z]/i, (old) => (old === "0" ? "1" : "0"));
}

function withChangedByte(body: Buffer): Buffer {
  const middle = body.length / 2;
  const text = body.toString("latin1");
  return Buffer.from(text.slice(0, middle) + changed(text.slice(middle)), "latin1");
}

/** The signature covers the parameters of the query and of the form, decoded and sorted. */
function financeVectors(proof: Proof | undefined): readonly Vector[] {
  if (proof === undefined) throw new Error("no product signs sorted pairs");
  const vector = (name: string, delivery: Delivery, isGenuine: boolean): Vector => {
    return { name, scheme: proof.id, sender: "books", format: "wire", product: "books", delivery, isGenuine };
  };
  const queries = ["b=2&a=1&b=1&B=0", "z=%C3%A9+%2B%26&a=&a&%61=x%3Dy=z", "&a=1&&", "a=1?b=2"];
  const form = { type: "application/x-www-form-urlencoded; charset=UTF-8" };
  const sent = queries.flatMap((query) => [
    posted('{"a": 1}', { url: `/hook?${query}` }),
    posted("JSONString=%7B%22a%22%3A1%7D&c=1+1&a=0", { ...form, url: `/hook?${query}` }),
  ]);
  const bytes = Buffer.from("a=\xff&b=\xed\xa0\x80&%ff=%zz", "latin1");
  const hostile = ["a=%ff&b=%ed%a0%80", "%ff=%c3&a=%00"].map((query) => {
    const delivery = { ...posted("", { ...form, url: `/hook?${query}` }), body: bytes };
    const forged = withHeader(delivery, proof.header ?? "", "0".repeat(64));
    return { ...vector(`the query ${query}`, forged, false), isHostile: true };
  });
  const signed = sent.flatMap((delivery) => {
    const genuine = proof.sign(delivery, RIGHT.text, new Date());
    const { query } = splitUrl(genuine.url);
    const type = headerValue(genuine, "content-type");
    return [
      vector(`the query ${query} with ${type}`, genuine, true),
      vector(`the query ${query}&c=1 with ${type}`, { ...genuine, url: `${genuine.url}&c=1` }, false),
      vector(`no query ${query} with ${type}`, { ...genuine, url: "/hook" }, false),
      vector(
        `the query ${query} with ${type} and a changed body`,
        { ...genuine, body: withChangedByte(genuine.body) },
        false,
      ),
    ];
  });
  return [...signed, ...hostile];
}

function deskVectors({ proof: { id }, isFirst, ...sample }: SignedSample): readonly Vector[] {
  const unsigned = deliveryOf(sample, JSON.parse(sample.text));
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "orgId:60017843", aud: AUDIENCE, iat: now, exp: now + 600 };
  const header = { typ: "JWT", kid: keyId(deskKey) };
  const token = signToken(header, claims, deskKey);
  const vector = (what: string, value: string | undefined, isGenuine = false): Vector => {
    const delivery = value === undefined ? unsigned : withHeader(unsigned, "X-ZDesk-JWT", value);
    return { ...origin(sample, what), scheme: id, product: "desk", delivery, isGenuine };
  };
  if (!isFirst) return [vector("genuine", token, true)];
  const base64url = (data: object): string => Buffer.from(JSON.stringify(data)).toString("base64url");
  const [, body = "", signature = ""] = token.split(".");
  const withAlg = (alg: string): string => `${base64url({ ...header, alg })}.${body}`;
  const [key = {}] = JSON.parse(KEY_SET).keys;
  const byHmac = createHmac("sha256", JSON.stringify(key)).update(withAlg("HS256")).digest("base64url");
  const { exp, ...withoutExpiry } = claims;
  const { aud, ...withoutAudience } = claims;
  return [
    vector("genuine", token, true),
    vector("signed with the other key", signToken({ ...header, kid: keyId(olderKey) }, claims, olderKey), true),
    vector("one audience of two", signToken(header, { ...claims, aud: ["webhookId:1", aud] }, deskKey), true),
    vector("expired", signToken(header, { ...claims, exp: now - 60, iat: now - 660 }, deskKey)),
    vector("another audience", signToken(header, { ...claims, aud: "webhookId:189200000000321778" }, deskKey)),
    vector("other audiences", signToken(header, { ...claims, aud: ["webhookId:1"] }, deskKey)),
    vector("valid since a minute ago", signToken(header, { ...claims, nbf: now - 60 }, deskKey), true),
    vector("not valid before a minute from now", signToken(header, { ...claims, nbf: now + 60 }, deskKey)),
    vector("no expiry", signToken(header, withoutExpiry, deskKey)),
    vector(`an expiry that is text, ${exp}`, signToken(header, { ...claims, exp: "soon" }, deskKey)),
    vector("no audience", signToken(header, withoutAudience, deskKey)),
    vector("an unknown key", signToken({ ...header, kid: keyId(strangersKey) }, claims, strangersKey)),
    vector("a stranger's key under a known name", signToken(header, claims, strangersKey)),
    vector("no name of a key", signToken({ typ: "JWT" }, claims, strangersKey)),
    ...Array.from({ length: 5 }, (_, i) =>
      vector(`made-up key ${i}`, signToken({ ...header, kid: `made-up-${i}` }, claims, strangersKey)),
    ),
    vector("half a surrogate pair as the name of a key", signToken({ ...header, kid: "\ud800" }, claims, strangersKey)),
    vector("half a surrogate pair as the audience", signToken(header, { ...claims, aud: "\ud800" }, deskKey)),
    vector("claims that are not UTF-8", `${token.split(".")[0]}._w.${signature}`),
    vector("a critical extension", signToken({ ...header, crit: ["b64"], b64: false }, claims, deskKey)),
    vector("a changed claim", `${token.split(".")[0]}.${base64url({ ...claims, exp: exp + 1 })}.${signature}`),
    vector("no signature", `${token.split(".").slice(0, 2).join(".")}.`),
    vector("no algorithm", `${withAlg("none")}.`),
    vector("the algorithm none with a signature", `${withAlg("none")}.${signature}`),
    vector("an HMAC with the public key", `${withAlg("HS256")}.${byHmac}`),
    ...[
      "",
      ".",
      "..",
      "a.b.c",
      "null.null.null",
      "e30.e30.",
      `${token}.`,
      `Bearer ${token}`,
      "\u00ff.\u00ff.\u00ff",
    ].map((each) => vector(`the text ${each.slice(0, 10)}`, each)),
    vector("no header", undefined),
  ];
}

/** https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/securing-zoho-sign-webhooks-with-hmac-authentication */
const published: Vector = {
  name: "the example of Zoho's page on Sign, whose doubled brace is not JSON",
  scheme: "sign-signature",
  sender: "sign",
  format: "wire",
  product: "sign",
  delivery: withHeader(
    posted('{{"requests":{"request_name":"Test Name"},"notifications":{"operation_type":"RequestSigningSuccess"}}', {
      type: "text/plain",
    }),
    "X-ZS-WEBHOOK-SIGNATURE",
    "drbSrM4H816RYKpZiRBLddUa0yHaTrwjtY04sIZFZus=",
  ),
  isGenuine: true,
};
