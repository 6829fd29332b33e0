import { connect } from "node:net";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, expect } from "vitest";
import { type Edit, edited, edits } from "./edits.ts";
import { fuzz } from "./fuzz.ts";
import { signedDeliveries } from "./signed.ts";
import { startWatchedListen, type WatchedListen } from "./watched-listen.ts";

/** Bytes on a connection of their own, in pieces. */
interface Case {
  readonly request: string;
  readonly of: string;
  readonly edits: readonly Edit[];
  /** Where the bytes are cut, in thousandths. */
  readonly cuts: readonly number[];
  /** What the sender does behind the last byte: close its side, drop the connection or wait for an answer. */
  readonly end: "close" | "reset" | "wait";
  /** Turns of the event loop before that. */
  readonly turns: number;
}

const deliveries = signedDeliveries();
const HEAD = "POST /webhooks/zoho/crm HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const HIDDEN = "POST /webhooks/zoho/smuggled HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
const chunked = (body: Buffer, size: string, extra = ""): string =>
  `${HEAD}transfer-encoding: chunked\r\n${extra}\r\n${size}\r\n${body.toString("latin1")}\r\n0\r\n\r\n`;

const plain = (body: Buffer): string => `${HEAD}content-length: ${body.length}\r\n\r\n${body.toString("latin1")}`;

/** A request with a body, as Latin-1. */
const REQUESTS: Readonly<Record<string, (body: Buffer) => string>> = {
  plain,
  twice: (body) => plain(body) + plain(body),
  withoutLength: (body) => `${HEAD}\r\n${body.toString("latin1")}`,
  chunked: (body) => chunked(body, body.length.toString(16)),
  chunkExtension: (body) => chunked(body, `${body.length.toString(16)};x="${"y".repeat(300)}"`),
  wrongChunk: (body) => chunked(body, "fffffffffffffffff"),
  trailers: (body) => `${chunked(body, body.length.toString(16)).slice(0, -2)}x-zoho-signature: 00\r\n\r\n`,
  bothLengths: (body) => chunked(Buffer.from(HIDDEN), "0", `content-length: ${body.length}\r\n`),
  twoLengths: (body) => `${HEAD}content-length: ${body.length}\r\ncontent-length: 0\r\n\r\n${HIDDEN}`,
  oddLength: (body) => `${HEAD}content-length: +${body.length}\r\n\r\n${body.toString("latin1")}${HIDDEN}`,
  oddEncoding: () => `${HEAD}transfer-encoding: \x0bchunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${HIDDEN}`,
  folded: (body) => `${HEAD}x: a\r\n b: c\r\ncontent-length: ${body.length}\r\n\r\n${body.toString("latin1")}`,
  lineFeeds: (body) => plain(body).replaceAll("\r\n", "\n"),
  expect: (body) => plain(body).replace("host: x", "host: x\r\nexpect: 100-continue"),
  expectOther: (body) => plain(body).replace("host: x", "host: x\r\nexpect: nothing"),
  upgrade: (body) => plain(body).replace("host: x", "host: x\r\nconnection: upgrade\r\nupgrade: websocket"),
  connect: () => "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
  absolute: (body) => plain(body).replace(" /", " http://other.example/"),
  http10: (body) => plain(body).replace("HTTP/1.1", "HTTP/1.0"),
  http2: () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
  tls: (body) => `\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03${body.toString("latin1")}`,
  longHead: (body) => plain(body).replace("host: x", `host: x\r\nx: ${"y".repeat(20_000)}`),
  manyHeaders: (body) => plain(body).replace("host: x", `host: x${"\r\nx: y".repeat(3000)}`),
  bodyAlone: (body) => body.toString("latin1"),
};
/** Requests whose framing is ambiguous. What is hidden in them must never count as a request. */
const SMUGGLES: readonly string[] = ["bothLengths", "twoLengths", "oddLength", "oddEncoding"];

const cases: fc.Arbitrary<Case> = fc.record({
  request: fc.constantFrom(...Object.keys(REQUESTS)),
  of: fc.constantFrom(...deliveries.keys()),
  edits: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, edits),
  cuts: fc.array(fc.nat(1000), { maxLength: 3 }),
  end: fc.constantFrom("close", "reset", "wait"),
  turns: fc.nat(8),
});

const LANES = 16;
/** A sender that waits gets its answer in this time, or goes. */
const CLOSE_MS = 5_000;
const WAIT_MS = 50;
/** A delivery's receiver, and the inspector. */
const commands = ["listen", "ui"] as const;
const started = new Map<string, Promise<WatchedListen>>();

fuzz<Case>({
  name: "sockets",
  share: 0.15,
  cases,
  lanes: LANES,
  async check(each) {
    for (const command of commands) await checkAnswer(each, await running(command));
  },
  peakMegabytes: async () => Math.max(...(await Promise.all(started.values())).map((each) => each.peakMegabytes())),
});

/** Started anew after a crash, so that the case that caused it can be made smaller. */
async function running(command: (typeof commands)[number]): Promise<WatchedListen> {
  const current = started.get(command);
  if (current !== undefined && !(await current).hasEnded) return current;
  if (started.get(command) === current)
    started.set(command, startWatchedListen(command === "listen" ? ["--json"] : [], command));
  return running(command);
}

async function checkAnswer(each: Case, program: WatchedListen): Promise<void> {
  const answer = await exchange(each, program.port);
  program.check();
  const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
  expect(answer === "" || statuses.length > 0, answer).toBe(true);
  expect(statuses.filter((status) => status >= 500 && status !== 503)).toEqual([]);
  if (SMUGGLES.includes(each.request) && each.edits.length === 0) expect(statuses.join()).toMatch(/^(40[03])?$/);
}

afterAll(async () => {
  for (const command of commands) {
    const program = await started.get(command);
    if (program === undefined || program.hasEnded) continue;
    const body = '{"challenge":1}';
    const expected = command === "listen" ? body : "HTTP/1.1 403";
    expect(await exchangeText(program.port, plain(Buffer.from(body)))).toContain(expected);
    await program.stop();
  }
});

async function exchange(each: Case, port: number): Promise<string> {
  const body = deliveries.get(each.of)?.body ?? Buffer.from("{}");
  const bytes = edited(Buffer.from(REQUESTS[each.request]?.(body) ?? "", "latin1"), each.edits);
  const cuts = [0, ...each.cuts.map((part) => Math.round((part / 1000) * bytes.length)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  let answer = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("error", () => {}).on("close", resolve);
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (each.end === "wait") setTimeout(() => socket.destroy(), 1);
    });
  });
  for (const [i, cut] of cuts.entries()) {
    if (socket.destroyed) break;
    socket.write(bytes.subarray(cuts[i - 1] ?? 0, cut));
    await setImmediate();
  }
  for (let turn = 0; turn < each.turns; turn++) await setImmediate();
  // A request that lacks a part of its body, and names an upgrade, is closed only at the time limit of a request.
  if (each.end === "close") socket.end(() => setTimeout(() => socket.destroy(), CLOSE_MS).unref());
  if (each.end === "reset") socket.resetAndDestroy();
  if (each.end === "wait") setTimeout(() => socket.destroy(), WAIT_MS);
  await ended;
  return answer;
}

function exchangeText(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  socket.end(text);
  return new Promise((resolve) => {
    socket.on("error", () => {}).on("close", () => resolve(answer));
  });
}
