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

it.each<[string, string | Buffer, readonly string[]]>([
  ["a payload", BODY, []],
  ["a custom list", `[${BODY}]`, ["-p", "crm", "--format", "workflow"]],
  ["broken JSON", BODY.slice(1), []],
  ["bytes of any kind", Buffer.from([0x25, 0x50, 0xe2, 0xff]), []],
  ["YAML", "module: Leads\n\noperation: create\n", []],
])("verify takes %s for no such input", async (_, body, flags) => {
  expect((await verify(body, ...flags)).out).not.toContain("this is");
});
