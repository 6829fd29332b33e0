/**
 * Posts signed events at a steady pace and receives what is forwarded, in one process, so that there is one clock:
 *   node pace.js URL app-port events-a-second seconds
 * Prints one line of JSON: the milliseconds from the post to the app's socket. An event is sent when its time has come, whether
 * earlier ones are answered or not, so that a pause of the receiver counts for all that arrive in it. Uses bare sockets and
 * requests that are made beforehand, so that the client takes little CPU beside the server. A warm-up comes first,
 * and all of it arrives before anything is counted: until V8 has compiled what runs often, a receiver may fall behind.
 */
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isWhole, nextRequest } from "./requests.js";

const [, , address, appPort, pace, seconds] = process.argv;
const url = new URL(address);
const CONNECTIONS = 100;
const WARM_UP_MS = 6000;
const SETTLE_MS = 10_000;
const perMs = Number(pace) / 1000;
const warmUpPerMs = Math.max(perMs, 0.5);
const requestsFor = (ms) => Array.from({ length: Math.round(ms) }, () => nextRequest(url));
const warmUp = requestsFor(WARM_UP_MS * warmUpPerMs);
const measured = requestsFor(Number(seconds) * 1000 * perMs);
const sentAt = new Map();
const latencies = [];
let arrived = 0;
let failed = 0;

const app = createServer((socket) => {
  let text = "";
  socket.setNoDelay();
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    text += chunk.latin1Slice();
    if (!isWhole(text)) return;
    const at = sentAt.get(/"ids":\["(\d+)/.exec(text)?.[1]);
    text = "";
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    arrived++;
    if (at !== undefined) latencies.push(performance.now() - at);
  });
}).listen(Number(appPort), "127.0.0.1");

const free = [];
const waiting = [];

function open() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname).setNoDelay();
    let text = "";
    socket.on("connect", () => {
      free.push(socket);
      resolve();
    });
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      text += chunk.latin1Slice();
      if (!isWhole(text)) return;
      if (!text.startsWith("HTTP/1.1 200")) failed++;
      text = "";
      const next = waiting.shift();
      if (next === undefined) free.push(socket);
      else socket.write(next);
    });
  });
}

await Promise.all(Array.from({ length: CONNECTIONS }, open));

async function postAll(requests, perMs, onPost) {
  const startedAt = performance.now();
  for (let sent = 0; sent < requests.length; await delay(1)) {
    while (sent < requests.length && sent <= (performance.now() - startedAt) * perMs) {
      const { id, text } = requests[sent++];
      onPost?.(id);
      const socket = free.shift();
      if (socket === undefined) waiting.push(text);
      else socket.write(text);
    }
  }
}

async function settle(wanted) {
  const giveUpAt = performance.now() + SETTLE_MS;
  while (arrived < wanted && performance.now() < giveUpAt) await delay(20);
}

await postAll(warmUp, warmUpPerMs);
await settle(warmUp.length);
await postAll(measured, perMs, (id) => sentAt.set(id, performance.now()));
const count = warmUp.length + measured.length;
await settle(count);
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
console.log(
  JSON.stringify({
    count: latencies.length,
    lost: count - arrived,
    failed,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: latencies.at(-1),
  }),
);
app.close();
process.exit();
