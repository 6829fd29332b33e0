/**
 * A minimal receiver, as the upper bound for the figures: it verifies a signature, parses, checks some fields, records
 * requests in one table, many in a transaction, and answers 200 after the sync. With the port of an app it forwards
 * everything from memory and records the outcome. It recognises, explains and masks nothing, does not order or retry, and
 * recovers nothing after a crash.
 *   node least.js port [app port]
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { fdatasync, openSync } from "node:fs";
import { createServer } from "node:http";
import Database from "better-sqlite3";
import { Pool } from "undici";
import { z } from "zod";

const [, , port, appPort] = process.argv;
const { ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN } = process.env;
const PATH = `least-${port}.db`;
const PLACES = 16;
const NOT_FORWARDED = new Set(["host", "connection", "content-length"]);

const database = new Database(PATH);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");
database.exec(
  `CREATE TABLE deliveries (n INTEGER PRIMARY KEY, at INTEGER, method TEXT, url TEXT, headers TEXT, body BLOB, identity TEXT);
   CREATE INDEX by_identity ON deliveries (identity);
   CREATE TABLE attempts (id INTEGER PRIMARY KEY, n INTEGER, status INTEGER, latency_ms REAL)`,
);
const begin = database.prepare("BEGIN IMMEDIATE");
const commit = database.prepare("COMMIT");
const keep = database.prepare(
  "INSERT INTO deliveries (at, method, url, headers, body, identity) VALUES (?, ?, ?, ?, ?, ?)",
);
const keepAttempt = database.prepare("INSERT INTO attempts (n, status, latency_ms) VALUES (?, ?, ?)");
const wal = openSync(`${PATH}-wal`, "r+");

const payload = z.looseObject({ module: z.string(), ids: z.array(z.string()), token: z.string() });
const app = appPort === undefined ? undefined : new Pool(`http://127.0.0.1:${appPort}`, { connections: PLACES });
const known = new Set();
const waiting = [];
let arrivals = [];
let attempts = [];
let underWay = 0;
let isPlanned = false;
let syncs = 0;

function plan() {
  if (isPlanned || syncs > 1) return;
  isPlanned = true;
  setImmediate(write);
}

function write() {
  isPlanned = false;
  const group = arrivals;
  arrivals = [];
  begin.run();
  for (const each of group) each.n = Number(keep.run(...each.row).lastInsertRowid);
  for (const each of attempts) keepAttempt.run(...each);
  attempts = [];
  commit.run();
  if (group.length === 0) return;
  syncs++;
  fdatasync(wal, () => {
    syncs--;
    for (const { response } of group) response.writeHead(200, { "content-type": "text/plain" }).end("OK");
    if (app !== undefined) {
      waiting.push(...group);
      forward();
    }
    if (arrivals.length > 0) plan();
  });
}

function forward() {
  while (underWay < PLACES && waiting.length > 0) post(waiting.shift());
}

function post({ n, rawHeaders, body }) {
  const startedAt = performance.now();
  const headers = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!NOT_FORWARDED.has(rawHeaders[i].toLowerCase())) headers.push(rawHeaders[i], rawHeaders[i + 1]);
  }
  let status = null;
  const ended = () => {
    underWay--;
    attempts.push([n, status, performance.now() - startedAt]);
    plan();
    forward();
  };
  underWay++;
  app.dispatch(
    { path: "/", method: "POST", headers, body },
    {
      onConnect() {},
      onHeaders(given) {
        status = given;
        return true;
      },
      onData: () => true,
      onComplete: ended,
      onError: ended,
    },
  );
}

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, rawHeaders } = request;
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const expected = createHmac("sha256", ZOHO_WEBHOOK_SECRET).update(body).digest();
    const signature = Buffer.from(request.headers["x-zoho-signature"] ?? "", "hex");
    const isSigned = signature.length === expected.length && timingSafeEqual(signature, expected);
    const parsed = isSigned ? payload.safeParse(JSON.parse(String(body))) : undefined;
    if (parsed?.data?.token !== ZOHO_WEBHOOK_TOKEN) {
      response.writeHead(401).end();
      return;
    }
    const identity = `crm:${parsed.data.ids[0]}`;
    const row = [Date.now(), method, url, JSON.stringify(rawHeaders), body, known.has(identity) ? null : identity];
    known.add(identity);
    arrivals.push({ n: 0, row, response, rawHeaders, body });
    plan();
  });
}).listen(Number(port), "127.0.0.1");
