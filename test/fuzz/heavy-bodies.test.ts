import { readFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { lacks } from "../support/needs.ts";
import { KeptConnection } from "./kept-connection.ts";
import { signedDeliveries } from "./signed.ts";
import { startWatchedListen, type WatchedListen } from "./watched-listen.ts";

/** A megabyte, less the longest unit that a body below is made of. */
const BYTES = 1_040_000;
/** Nobody else is answered in this time. Of the processor, so that it hardly depends on what else runs. */
const MAX_HELD_MS = 250;
/** The slowest ones that are printed. */
const SHOWN = 3;

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=x";
const filled = (unit: string): string => unit.repeat(Math.floor(BYTES / Buffer.byteLength(unit)));
const keys = (length: number, value: string): string => `{${Array.from({ length }, (_, i) => `"k${i}":${value}`)}}`;
const envelope = (more: string): string => `{"module":"Leads","operation":"create","ids":["1"],"token":"t",${more}}`;

const BODIES: readonly (readonly [what: string, type: string, body: string])[] = [
  ["a list of numbers", JSON_TYPE, `[${filled("1,")}1]`],
  ["a list of empty objects", JSON_TYPE, `[${filled("{},")}{}]`],
  ["a list of objects with ids", JSON_TYPE, `[${filled('{"id":"1"},')}{}]`],
  ["a list of CRM events", JSON_TYPE, `[${filled(`${envelope('"data":{}')},`)}{}]`],
  ["70,000 keys", JSON_TYPE, keys(70_000, "1")],
  ["40,000 keys of objects", JSON_TYPE, keys(40_000, '{"id":"1"}')],
  ["the same key", JSON_TYPE, `{${filled('"a":1,')}"a":1}`],
  ["lists in lists", JSON_TYPE, "[".repeat(BYTES / 2) + "]".repeat(BYTES / 2)],
  ["objects in objects", JSON_TYPE, `${'{"a":'.repeat(BYTES / 6)}1${"}".repeat(BYTES / 6)}`],
  ["a long string", JSON_TYPE, `"${filled("é")}"`],
  ["escapes", JSON_TYPE, `"${filled("\\u0041")}"`],
  ["a string of JSON", JSON_TYPE, JSON.stringify({ JSONString: `[${filled("1,").slice(0, BYTES / 2)}1]` })],
  ["a long number", JSON_TYPE, filled("9")],
  ["long numbers", JSON_TYPE, `[${filled("12345678901234567890,")}1]`],
  ["an event with many ids", JSON_TYPE, envelope(`"x":[${filled('"1",')}"1"]`)],
  ["an event with many fields", JSON_TYPE, envelope(`"data":${keys(70_000, "1")}`)],
  ["an event with a long name", JSON_TYPE, `{"event":"${filled("x")}"}`],
  ["spaces", JSON_TYPE, filled(" ")],
  ["unfinished JSON", JSON_TYPE, `{"a":${filled("[")}`],
  ["broken percent signs", FORM, filled("%ff%zz=%&")],
  ["a form of many fields", FORM, filled("a&")],
  ["999 long fields", FORM, `${`${"a".repeat(20)}=${"%C3%A9".repeat(170)}&`.repeat(999)}a`],
  ["a form with JSON", FORM, `JSONString=${encodeURIComponent(keys(30_000, "1"))}`],
  ["JSON as a form", FORM, keys(70_000, "1")],
  ["many parts", MULTIPART, `${filled('--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n')}--x--`],
  ["boundaries", MULTIPART, filled("--x\r\n")],
  ["e-mail addresses and URLs", "text/plain", filled("https://a:b@c.example/?token=d ")],
  ["random bytes", "application/octet-stream", filled("\0\x01é")],
];

/** One delivery for each set of headers that a product signs with, and the URL that all share. */
const targets = new Map(
  [...signedDeliveries().values()].map(({ target, headers }) => [
    headers
      .map(([name]) => name.toLowerCase())
      .filter((name) => !/^(content-type|user-agent|host|accept)/.test(name))
      .join(),
    { path: target.split("?")[0] ?? "", headers: headers.filter(([name]) => !/^content-type$/i.test(name)) },
  ]),
);
const ALL = [{ path: "/webhooks/zoho", headers: [] }, ...targets.values()];
/** In the short form only the shared URL, at which every product is tried, and one product. */
const PATHS = process.env.FUZZ_CASES === undefined ? ALL : ALL.slice(0, 2);

const started: WatchedListen[] = [];
afterAll(async () => {
  for (const each of started) await each.stop();
});

/** Of the main thread, which answers; in steps of 10 ms. */
function usedMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

it.skipIf(lacks("linux")).each([
  ["that records", ["--json"]],
  ["that shows everything", ["-v", "--on-invalid", "warn"]],
])("no megabyte holds a listener %s for more than a moment", { timeout: 600_000 }, async (_, argv) => {
  const listen = await startWatchedListen(argv);
  started.push(listen);
  const connection = new KeptConnection(listen.port);
  const held: { ms: number; what: string; path: string }[] = [];
  for (const [what, type, text] of BODIES) {
    for (const { path, headers } of PATHS) {
      const body = Buffer.from(text);
      const lines = [
        `POST ${path} HTTP/1.1`,
        "host: x",
        `content-type: ${type}`,
        `content-length: ${body.length}`,
      ].concat(headers.map(([name, value]) => `${name}: ${value}`));
      const request = Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]);
      const before = usedMs(listen.pid);
      await connection.exchange(request, false);
      held.push({ ms: usedMs(listen.pid) - before, what, path });
    }
  }
  connection.end();
  const worst = held.toSorted((a, b) => b.ms - a.ms);
  const shown = worst.slice(0, SHOWN).map(({ ms, what, path }) => `${ms} ms for ${what} at ${path}`);
  process.stdout.write(`heavy bodies (${argv[0]}): ${held.length} cases, worst ${shown.join("; ")}\n`);
  expect(worst.filter(({ ms }) => ms > MAX_HELD_MS)).toEqual([]);
});
