import { createHash, createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";

const BODY = '{"event":"invoice_created","data":{"total":1}}';
const HEAD = "Host: example.com\r\nContent-Type: application/json\r\n";

const verify = (body: string | Buffer, ...flags: string[]) =>
  run(["verify", "a", ...flags], { cwd: folderWith({ a: body }), env: { ZOHO_WEBHOOK_SECRET: "s3cret" } });

it.each<[string, string | Buffer]>([
  ["gzip-compressed", gzipSync(BODY)],
  ["UTF-16", Buffer.from(`\uFEFF${BODY}`, "utf16le")],
  ["UTF-16", Buffer.from(BODY, "utf16le").swap16()],
  [
    "JSON in base64",
    `${Buffer.from(BODY).toString("base64").slice(0, 20)}\n${Buffer.from(BODY).toString("base64").slice(20)}\n`,
  ],
  ["a curl command", `curl -X POST https://example.com -H 'a: b' \\\n  -d '${BODY}'`],
  ["a request with its headers", `POST /webhooks/zoho/books HTTP/1.1\r\n${HEAD}\r\n${BODY}`],
  ["a request with its headers", `${HEAD}\r\n${BODY}`],
  ["a HAR file", JSON.stringify({ log: { version: "1.2", entries: [] } })],
  ["a request as logged by a gateway", JSON.stringify({ headers: {}, body: BODY, isBase64Encoded: false })],
  ["a JSON array", `[${BODY},${BODY}]`],
  ["JSON in a JSON string", JSON.stringify(BODY)],
])("verify says of an input that is no payload that it is %s", async (what, body) => {
  const { exitCode, out } = await verify(body);
  expect([exitCode, out]).toEqual([4, expect.stringContaining(`  this is ${what}`)]);
  // A signature that is given does not hide it.
  expect((await verify(body, "-H", "x-zoho-signature: 00", "-p", "books")).out).toContain(`  this is ${what}`);
});

const UNKNOWN = '{"x":1}';
const HASH = createHash("sha1").update(UNKNOWN);
const HMAC = createHmac("sha1", "s3cret").update(UNKNOWN);
const GITHUB = "this is a GitHub-style signature (sha256=…): no product of Zoho signs so";

it.each([
  ["in GitHub's notation", `sha256=${"0f".repeat(32)}`, GITHUB],
  ["that is the SHA-1 of the body", HASH.digest("hex"), "this is the SHA-1 of the body, which anybody can"],
  ["that is an HMAC-SHA1", HMAC.digest("base64"), "this is the HMAC-SHA1 of the body with ZOHO_WEBHOOK_SECRET: no"],
  ["as long as a SHA-1", "0f".repeat(20), "this has the length of a SHA-1 (20 bytes): no product of Zoho signs so"],
])("verify without a product recognises a signature %s", async (_, value, expected) => {
  const unknown = await verify(UNKNOWN, "-s", value);
  expect([unknown.exitCode, unknown.out]).toEqual([4, expect.stringContaining(`\n  ${expected}`)]);
  expect(unknown.out).not.toContain("no known scheme");
  const record = await verify('{"invoice":{"invoice_id":"46000000004912301"}}', "-s", value);
  expect([record.exitCode, record.out]).toEqual([3, expect.stringMatching(/ {2}this (is|has) /)]);
  expect((await verify(UNKNOWN, "-s", value, "-p", "books")).out).not.toContain("this is");
});

it("verify without a product recognises GitHub's notation in a header, and where the product has no signature", async () => {
  const { out } = await verify(UNKNOWN, "-H", `X-Hub-Signature-256: sha256=${"0f".repeat(32)}`);
  expect(out).toContain(GITHUB);
  const lead =
    '{"module":"Leads","operation":"insert","resource_uri":"https://a","ids":["4876876000001402117"],"channel_id":"1"}';
  const { exitCode, err } = await verify(lead, "-s", `sha256=${"0f".repeat(32)}`);
  expect([exitCode, err]).toEqual([2, expect.stringContaining(GITHUB)]);
});

it.each<[string, string | Buffer, readonly string[]]>([
  ["a payload", BODY, []],
  ["a custom list", `[${BODY}]`, ["-p", "crm", "--format", "workflow"]],
  ["broken JSON", BODY.slice(1), []],
  ["bytes of any kind", Buffer.from([0x25, 0x50, 0xe2, 0xff]), []],
  ["YAML", "module: Leads\n\noperation: create\n", []],
])("verify takes %s for no such input", async (_, body, flags) => {
  expect((await verify(body, ...flags)).out).not.toContain("this is");
});
