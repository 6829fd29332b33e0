/**
 * Posts signed events over keep-alive connections, one at a time on each, for some seconds:
 *   node blast.js URL connections seconds [events a second]
 * Prints one line of JSON. Uses bare sockets, so that the client takes little CPU beside the server.
 */
import { connect } from "node:net";
import { isWhole, nextRequest } from "./requests.js";

const [, , address, connections, seconds, rate = "Infinity"] = process.argv;
const url = new URL(address);
const latencies = [];
let failed = 0;
/** Requests begin at equal distances, as far as the server keeps up. */
let slot = 0;
const startedAt = performance.now();
const endsAt = startedAt + Number(seconds) * 1000;

function run() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname).setNoDelay();
    let sentAt = 0;
    let text = "";
    const send = () => {
      if (performance.now() >= endsAt) {
        socket.destroy();
        resolve();
        return;
      }
      const waitMs = startedAt + (slot++ * 1000) / Number(rate) - performance.now();
      if (waitMs > 1) setTimeout(post, waitMs);
      else post();
    };
    const post = () => {
      sentAt = performance.now();
      socket.write(nextRequest(url).text);
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", resolve);
    socket.on("data", (chunk) => {
      text += chunk.latin1Slice();
      if (!isWhole(text)) return;
      latencies.push(performance.now() - sentAt);
      if (!text.startsWith("HTTP/1.1 200")) failed++;
      text = "";
      send();
    });
  });
}

await Promise.all(Array.from({ length: Number(connections) }, run));
const tookMs = performance.now() - startedAt;
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.floor(latencies.length * share)] ?? 0;
console.log(
  JSON.stringify({
    count: latencies.length,
    failed,
    rate: (latencies.length * 1000) / tookMs,
    p50: at(0.5),
    p99: at(0.99),
  }),
);
