/**
 * The part of Hookdeck's API that `hookdeck listen` uses: a source with a connection, a session, and a websocket that takes each
 * posted webhook to the command. A post is answered once the command has reported the app's answer, so that as many are in
 * flight as the client has connections. Keeps nothing.
 *   node hookdeck-api.js port folder-of-packages
 */
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , port, folder] = process.argv;
const { WebSocketServer } = createRequire(join(folder, "package.json"))("ws");

const source = { id: "src_bench", name: "bench", url: `http://127.0.0.1:${port}/bench` };
const destination = { id: "des_bench", name: "cli-bench", type: "CLI", config: { path: "/hook" } };
const link = { id: "web_bench", name: "cli-bench", full_name: "bench -> cli-bench", source, destination };
const waiting = new Map();
let socket;
let count = 0;

const api = (path) => {
  if (path.endsWith("/sources")) return { models: [source] };
  if (path.endsWith("/connections")) return { models: [link] };
  return { id: "cli_bench" };
};

const server = createServer((request, response) => {
  const { method, headers } = request;
  const { pathname } = new URL(request.url, source.url);
  const isWebhook = method === "POST" && pathname === "/bench";
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (!isWebhook) {
      response.writeHead(pathname === "/bench" && socket === undefined ? 503 : 200, {
        "content-type": "application/json",
      });
      response.end(JSON.stringify(api(pathname)));
      return;
    }
    const attempt_id = `atm_${++count}`;
    const { host, connection, ...sent } = headers;
    const attempt = { method, timeout: 10_000, data_string: Buffer.concat(chunks).toString(), headers: sent };
    const body = { cli_path: "/hook", event_id: `evt_${count}`, attempt_id, webhook_id: "web_bench", request: attempt };
    waiting.set(attempt_id, response);
    socket.send(JSON.stringify({ event: "attempt", type: "attempt", body }));
  });
}).listen(Number(port), "127.0.0.1");

new WebSocketServer({ server }).on("connection", (opened) => {
  socket = opened;
  socket.on("message", (text) => {
    const { attempt_id, status = 502 } = JSON.parse(text).body;
    waiting.get(attempt_id)?.writeHead(status, { "content-length": 2 }).end("OK");
    waiting.delete(attempt_id);
  });
});
