import fc from "fast-check";
import { afterAll, expect } from "vitest";
import { run } from "../support/run.ts";
import { type Edit, edited, edits, hostileText } from "./edits.ts";
import { fuzz } from "./fuzz.ts";
import { KeptConnection } from "./kept-connection.ts";
import { signedDeliveries } from "./signed.ts";
import { startWatchedListen, type WatchedListen } from "./watched-listen.ts";

/** A delivery with changes. Its framing is valid: `sockets` has what is not. */
interface Case {
  readonly of: string;
  readonly edits: readonly Edit[];
  readonly method?: string;
  /** Replaces the path, or is appended to it if it begins with `?`. */
  readonly target?: string;
  /** Headers to add; without a value, to drop. */
  readonly headers: readonly (readonly [name: string, value: string | undefined])[];
  /** Times that every header is repeated. */
  readonly copies: number;
  readonly verbose: boolean;
}

const deliveries = signedDeliveries();
const signatureNames = [...deliveries.values()].flatMap(({ headers }) => headers.map(([name]) => name));
const headerName = fc.oneof(
  fc.constantFrom(...new Set(signatureNames)),
  fc.constantFrom(
    "origin",
    "sec-fetch-site",
    "x-forwarded-for",
    "x-hook-secret",
    "content-encoding",
    "accept",
    "cookie",
  ),
  fc.constantFrom("authorization", "x-zoho-hooks-probe", "x-http-method-override", "__proto__", "constructor", "host"),
);
const types = ["json", "x-www-form-urlencoded", "xml", "json; charset=nonsense", "json; charset=utf-16"].map(
  (type) => `application/${type}`,
);
const header = fc.oneof(
  fc.tuple(headerName, fc.oneof(hostileText, fc.constant(undefined))),
  fc.tuple(
    fc.constant("content-type"),
    fc.oneof(
      fc.constantFrom(...types, "text/plain", "multipart/form-data; boundary=b", "multipart/form-data"),
      hostileText,
    ),
  ),
);
const target = fc.oneof(
  fc.constantFrom(
    "/",
    "/webhooks/zoho",
    "//",
    "*",
    "/healthz",
    "/readyz",
    "/.well-known/jwks.json",
    "/webhooks/zoho/nothing",
  ),
  fc.constantFrom("?event=constructor", "?action=__proto__", `/webhooks/zoho/books${"/".repeat(9000)}x/`),
  hostileText.map((text) => `?event=${encodeURIComponent(text.replace(/\p{Surrogate}/gu, ""))}&${text}`),
);
const cases: fc.Arbitrary<Case> = fc.record(
  {
    of: fc.constantFrom(...deliveries.keys()),
    edits,
    headers: fc.array(header, { maxLength: 3 }),
    copies: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.nat(3)),
    verbose: fc.boolean(),
    method: fc.constantFrom(
      "POST",
      "GET",
      "HEAD",
      "PUT",
      "PATCH",
      "DELETE",
      "OPTIONS",
      "TRACE",
      "PROPFIND",
      "M-SEARCH",
    ),
    target,
  },
  { requiredKeys: ["of", "edits", "headers", "copies", "verbose"] },
);

const LANES = 16;
/** One records and prints JSON, the other prints everything for a person. */
const flags = { recording: ["--json"], verbose: ["-v", "--no-store", "--on-invalid", "warn"], inspector: [] };
/** What the inspector answers; the stream has no end. */
const INSPECTED = [
  ...["/", "/app.js", "/api/state", "/api/products", "/api/events", "/api/events/1", "/api/events/1/body"],
  ...["/api/explain", "/api/curl", "/api/diff", "/api/replay", "/api/send"],
];
const listens: Partial<Record<keyof typeof flags, Promise<WatchedListen>>> = {};
const connections = new Map<string, KeptConnection>();
let accepted = 0;

fuzz<Case>({
  name: "http",
  share: 0.65,
  cases,
  lanes: LANES,
  async check(each, lane) {
    const listen = await running(each.verbose ? "verbose" : "recording");
    const { bytes, isDelivery } = requestOf(each);
    const connection = connections.get(`${lane} ${listen.port}`) ?? new KeptConnection(listen.port);
    connections.set(`${lane} ${listen.port}`, connection);
    const status = await connection.exchange(bytes, each.method === "HEAD").finally(() => listen.check());
    expect(status).toBeGreaterThanOrEqual(200);
    if (status !== 503) expect(status).toBeLessThan(500);
    if (status === 200 && isDelivery && !each.verbose) accepted++;
    await inspect(each, lane);
  },
  async peakMegabytes() {
    const started = await Promise.all(Object.values(listens));
    return Math.max(...started.map((each) => each.peakMegabytes()));
  },
});

/** The same request for the inspector, from its own page as far as the case leaves that as it is. */
async function inspect(each: Case, lane: number): Promise<void> {
  const inspector = await running("inspector");
  const path = INSPECTED[JSON.stringify(each).length % INSPECTED.length] ?? "/";
  const host = `127.0.0.1:${inspector.port}`;
  const page = [`host: ${host}`, `origin: http://${host}`, `authorization: Bearer ${inspector.token}`];
  const { bytes } = requestOf(each, { path, page });
  const connection = connections.get(`${lane} ${inspector.port}`) ?? new KeptConnection(inspector.port);
  connections.set(`${lane} ${inspector.port}`, connection);
  const status = await connection.exchange(bytes, each.method === "HEAD").finally(() => inspector.check());
  expect(status).toBeGreaterThanOrEqual(200);
  expect(status).toBeLessThan(500);
}

/** Started anew after a crash, so that the case that caused it can be made smaller. */
async function running(kind: keyof typeof flags): Promise<WatchedListen> {
  const current = listens[kind];
  if (current !== undefined && !(await current).hasEnded) return current;
  // Another lane may have started it by now.
  if (listens[kind] === current) {
    listens[kind] = startWatchedListen(flags[kind], kind === "inspector" ? "ui" : "listen");
  }
  return running(kind);
}

afterAll(async () => {
  for (const each of connections.values()) each.end();
  await (await listens.verbose)?.stop();
  await (await listens.inspector)?.stop();
  const recording = await listens.recording;
  await recording?.stop();
  // Every delivery that was answered with 200 is in the log.
  const { lines } = await run(["events", "stats", "--json"], { cwd: recording?.cwd ?? "" });
  const [{ received, rejected } = {}] = lines();
  expect(Number(received) - Number(rejected)).toBe(accepted);
});

function requestOf(
  { of, method, target, headers: changes, copies, edits: changed }: Case,
  inspected?: { readonly path: string; readonly page: readonly string[] },
) {
  const base = deliveries.get(of) ?? [...deliveries.values()][0];
  if (base === undefined) throw new Error("there are no deliveries");
  const body = edited(base.body, changed);
  const own = inspected?.path ?? base.target;
  const path = target === undefined ? own : target.startsWith("?") ? own.split("?")[0] + target : target;
  const dropped = new Set(changes.flatMap(([name, value]) => (value === undefined ? [name] : [])));
  const headers = [
    ...base.headers.filter(([name]) => !dropped.has(name)),
    ...changes.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  ].filter(([name]) => !/^(content-length|connection|host)$/i.test(name) || changes.some(([each]) => each === name));
  const lines = [
    `${method ?? base.method} ${oneLine(path).replaceAll(" ", "%20")} HTTP/1.1`,
    ...(headers.some(([name]) => name === "host") ? [] : (inspected?.page ?? ["host: 127.0.0.1"])),
    ...Array.from({ length: copies }, () => headers.map(([name, value]) => `${name}: ${oneLine(value)}`)).flat(),
    `content-length: ${body.length}`,
  ];
  const isDelivery = path.startsWith("/webhooks/");
  return { bytes: Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]), isDelivery };
}

/** What would end the line, and so change the framing, is left out. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, "");
}
