import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { headerValue, withHeader } from "../../src/delivery/delivery.ts";
import { rsaSignature } from "../../src/signatures/rsa-signature.ts";
import { UserError } from "../../src/util/errors.ts";
import { matchesOf, named, posted, signatureOf, verdictOf } from "../support/deliveries.ts";
import { lacks } from "../support/needs.ts";
import { openssl } from "../support/openssl.ts";
import { tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const HEADER = "x-siqsignature";
const proof = rsaSignature({ id: "rsa", header: HEADER });
const publicKey = named(testKeys.publicKey, "THE_KEY");
const privateKey = named(testKeys.privateKey, "THE_PRIVATE_KEY");
const body = '{"event":"conversation.rated","text":"\u00e9"}\n';
const signed = withHeader(posted(body), HEADER, String(signatureOf(proof, posted(body), privateKey)));

describe("an RSA signature of the body", () => {
  it.skipIf(lacks("openssl"))("is accepted by openssl, and accepts openssl's", () => {
    const folder = tempFolder();
    const file = (name: string, content: string | Buffer): string => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    };
    const signature = Buffer.from(headerValue(signed, HEADER) ?? "", "base64");
    const verify = [
      "dgst",
      "-sha256",
      "-verify",
      file("public.pem", testKeys.publicKey),
      "-signature",
      file("sig", signature),
    ];
    expect(openssl(verify, Buffer.from(body)).toString("utf8").trim()).toBe("Verified OK");
    expect(() => openssl(verify, Buffer.from(`${body} `))).toThrow();

    const theirs = openssl(["dgst", "-sha256", "-sign", file("private.pem", testKeys.privateKey)], Buffer.from(body));
    const delivery = withHeader(posted(body), HEADER, theirs.toString("base64"));
    expect(verdictOf(proof, delivery, [publicKey])).toEqual({
      verdict: "passed",
      reason: "signed with the key of THE_KEY",
    });
  });

  it("accepts a key in bare base64, as Cliq shows it, and several keys", () => {
    const bare = testKeys.publicKey.replace(/-----[^-]+-----|\s/g, "");
    expect(verdictOf(proof, signed, [named(bare)]).verdict).toBe("passed");
    const { publicKey: other } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const older = other.export({ type: "spki", format: "pem" }).toString();
    expect(verdictOf(proof, signed, [named(older)])).toEqual({
      verdict: "failed",
      reason: "the signature does not match the body: the key is different, or the bytes were changed",
    });
    expect(matchesOf(proof, signed, named(older))).toEqual([]);
    expect(verdictOf(proof, signed, [named(`${older}${testKeys.publicKey}`)]).verdict).toBe("passed");
  });

  it("accepts a key with \\n for its line ends", () => {
    const inOneLine = ({ reveal }: typeof publicKey) => named(reveal().replaceAll("\n", "\\n"));
    const made = withHeader(posted(body), HEADER, String(signatureOf(proof, posted(body), inOneLine(privateKey))));
    expect(verdictOf(proof, made, [inOneLine(publicKey)]).verdict).toBe("passed");
  });

  it("is reported as incomplete where its length is wrong", () => {
    const value = String(headerValue(signed, HEADER));
    for (const cut of [value.slice(0, 300), value.slice(4), "AAAA"]) {
      const delivery = withHeader(posted(body), HEADER, cut);
      const { reason } = verdictOf(proof, delivery, [publicKey]);
      expect(reason).toMatch(/^x-siqsignature is \d+ bytes in base64, but a signature with this key has 256: /);
      expect(matchesOf(proof, delivery, publicKey)).toEqual(["length"]);
    }
    const inHex = withHeader(signed, HEADER, Buffer.from(value, "base64").toString("hex"));
    expect(verdictOf(proof, inHex, [publicKey]).reason).not.toContain("bytes in base64");
  });

  it("fails for a changed byte and a reserialised body", () => {
    expect(
      verdictOf(proof, { ...signed, body: Buffer.from(body.replace("rated", "raten")) }, [publicKey]).verdict,
    ).toBe("failed");
    const compact = withHeader(posted('{ "a": 1 }'), HEADER, String(signatureOf(proof, posted('{"a":1}'), privateKey)));
    expect(verdictOf(proof, compact, [publicKey])).toMatchObject({ verdict: "failed", match: "reserialised" });
    expect(matchesOf(proof, compact, publicKey)).toEqual(["reserialised"]);
  });

  it("passes for other white space only, where receivers check the compact body", () => {
    const cliq = rsaSignature({ id: "rsa", header: HEADER, ofCompact: true });
    const signature = String(signatureOf(cliq, posted('{"id":4000000000012346000,"a":"b c"}'), privateKey));
    const judged = (text: string) => verdictOf(cliq, withHeader(posted(text), HEADER, signature), [publicKey]);
    expect(judged('{ "id": 4000000000012346000,\n"a": "b c" }\n')).toEqual({
      verdict: "passed",
      reason: "signed with the key of THE_KEY, without its white space",
    });
    // All of these are the signed text once they are parsed and serialised again.
    for (const forged of [
      '{"id":4000000000012345655,"a":"b c"}',
      '{"id":1,"id":4000000000012346000,"a":"b c"}',
      '{"id":4000000000012346000.0,"a":"b c"}',
    ])
      expect(judged(forged)).toMatchObject({ verdict: "failed", match: "reserialised" });
    expect(judged('{"id":4000000000012346000,"a":"bc"}').verdict).toBe("failed");
  });

  it("is forged without a key, and fails", () => {
    const forged = proof.forge?.(posted(body), new Date(0));
    expect(Buffer.from(headerValue(forged ?? posted(""), HEADER) ?? "", "base64")).toHaveLength(256);
    expect(verdictOf(proof, forged ?? posted(""), [publicKey]).verdict).toBe("failed");
  });

  it("fails for a header without a signature", () => {
    for (const text of ["", "x", "=", "AAAA"]) {
      expect(verdictOf(proof, withHeader(posted(body), HEADER, text), [publicKey]).verdict).toBe("failed");
    }
  });

  it.each(["a secret", "", testKeys.privateKey.slice(0, 200)])("rejects %j as a key without repeating it", (text) => {
    const check = (): unknown => verdictOf(proof, signed, [named(text, "ZOHO_WEBHOOK_PUBLIC_KEY")]);
    expect(check).toThrow(UserError);
    expect(check).toThrow("ZOHO_WEBHOOK_PUBLIC_KEY is not an RSA public key");
  });
});
