import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { headerValue } from "../../src/delivery/delivery.ts";
import { secret } from "../../src/delivery/secrets.ts";
import { guideSignature } from "../../src/signatures/body-signature.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

const NOW = new Date("2025-01-15T10:30:00Z");
const payload = { kind: "text", data: undefined, text: undefined, fields: [], wrappedIn: undefined } as const;

function signatureOf(body: Buffer, key: string): string | undefined {
  const delivery = guideSignature.sign({ method: "POST", url: "/", headers: [], body }, secret(key, "a key"), NOW);
  return headerValue(delivery, "x-zoho-signature");
}

function verdictOn(body: Buffer, key: string, signature: string) {
  const headers = [["X-Zoho-Signature", signature]] as const;
  const delivery = { method: "POST", url: "/", headers, body };
  return guideSignature.verify({ delivery, payload, secrets: [secret(key, "a key")], now: NOW }).verdict;
}

const bytes = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join("");

describe("the guide's signature", () => {
  // RFC 4231, section 4: the test cases whose key is text.
  it.each([
    {
      number: 1,
      key: "\u000b".repeat(20),
      body: Buffer.from("Hi There"),
      mac: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    },
    {
      number: 2,
      key: "Jefe",
      body: Buffer.from("what do ya want for nothing?"),
      mac: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    },
    {
      number: 4,
      key: bytes(0x01, 0x19),
      body: Buffer.alloc(50, 0xcd),
      mac: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    },
  ])("is HMAC-SHA256 as in test case $number of RFC 4231", ({ key, body, mac }) => {
    expect(signatureOf(body, key)).toBe(mac);
    expect(verdictOn(body, key, mac)).toBe("passed");
  });

  it("fails for a body with any one bit changed, another key, and any other text", () => {
    const body = Buffer.from('{"event":"invoice_created"}');
    const mac = signatureOf(body, "k") ?? "";
    for (let i = 0; i < body.length; i++) {
      const changed = Buffer.from(body);
      changed.writeUInt8(changed.readUInt8(i) ^ 1, i);
      expect(verdictOn(changed, "k", mac)).toBe("failed");
    }
    for (const wrong of [signatureOf(body, "K"), mac.toUpperCase(), mac.slice(1), `${mac}0`, `${mac} x`, "", "é"]) {
      expect(verdictOn(body, "k", wrong ?? "")).toBe("failed");
    }
  });

  it.skipIf(lacks("openssl"))("equals openssl's for bytes that are not text", () => {
    const body = Buffer.from([0, 0xff, 0x0d, 0x0a, 0xef, 0xbb, 0xbf, 0x80]);
    const file = join(tempFolder(), "body");
    writeFileSync(file, body);
    const made = execFileSync("openssl", ["dgst", "-sha256", "-hmac", "s3cret", "-r", file], { encoding: "utf8" });
    expect(signatureOf(body, "s3cret")).toBe(made.split(" ", 1)[0]);
  });
});
