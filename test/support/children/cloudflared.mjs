// Stands in for Cloudflare's program, with its lines, its metrics and its signals. The "edge" is a port of this machine.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";

const [folder, ...args] = process.argv.slice(2);
const { edgePort, outcomes, connectMs } = JSON.parse(readFileSync(join(folder, "settings.json"), "utf8"));
const startsFile = join(folder, "starts.jsonl");
const n = (existsSync(startsFile) ? readFileSync(startsFile, "utf8").split("\n").length - 1 : 0) + 1;
const argument = (name) => args[args.indexOf(name) + 1];
const config = readFileSync(argument("--config"), "utf8");
appendFileSync(startsFile, `${JSON.stringify({ n, pid: process.pid, args, config, env: Object.keys(process.env) })}\n`);

const print = (line) => process.stderr.write(`${line}\n`);
const log = (text) => print(`${new Date().toISOString().slice(0, 19)}Z ${text}`);
const fail = (...lines) => {
  for (const line of lines) print(line);
  process.exitCode = 1;
};
const FAILURES = {
  unreachable: () =>
    fail(
      'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup api.trycloudflare.com: no such host',
    ),
  limited: () => {
    log(
      'ERR Error unmarshaling QuickTunnel response: error code: 1015 error="invalid character \'e\' looking for beginning of value" status_code="429 Too Many Requests"',
    );
    fail("failed to unmarshal quick Tunnel: invalid character 'e' looking for beginning of value");
  },
  fault: () => fail("failed to parse quick Tunnel ID: invalid UUID length: 0"),
};

log(
  "INF Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick way to experiment and try it out. https://developers.cloudflare.com/cloudflare-one/",
);
log("INF Requesting new quick Tunnel on trycloudflare.com...");
const outcome = outcomes[n - 1] ?? "connected";
if (outcome in FAILURES) FAILURES[outcome]();
else run();

function run() {
  const hostname = `made-up-words-${n}.trycloudflare.invalid`;
  log(`INF +${"-".repeat(92)}+`);
  log("INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |");
  log(`INF |  ${`https://${hostname}`.padEnd(90)}|`);
  log(`INF +${"-".repeat(92)}+`);
  log('ERR Failed to fetch features, default to disable error="lookup cfd-features.argotunnel.com: no such host"');
  log("INF Initial protocol http2");
  const [host, port] = argument("--metrics").split(":");
  let connected = false;
  const metrics = createHttpServer((request, response) => {
    const ready = { status: connected ? 200 : 503, readyConnections: connected ? 1 : 0, connectorId: "c" };
    if (request.url === "/ready") response.writeHead(ready.status).end(JSON.stringify(ready));
    else if (request.url === "/quicktunnel") response.end(JSON.stringify({ hostname }));
    else response.writeHead(404).end();
  });
  metrics.listen(Number(port), host, () => log(`INF Starting metrics server on ${host}:${port}/metrics`));

  const origin = new URL(argument("--url"));
  const edge = createServer((socket) => {
    if (!connected) return socket.destroy();
    const upstream = connect(Number(origin.port), origin.hostname);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ])
      one
        .on("error", () => {})
        .on("close", () => other.destroy())
        .pipe(other);
  });
  const register = () => {
    connected = true;
    log(
      "INF Registered tunnel connection connIndex=0 connection=6a1f event=0 ip=198.41.200.193 location=fra01 protocol=http2",
    );
  };
  edge.listen(edgePort, "127.0.0.1", () => setTimeout(register, connectMs));
  // The network is gone, or back.
  process.on("SIGUSR2", () => {
    if (!connected) return register();
    connected = false;
    log('ERR Lost connection with the edge error="connection with edge closed" connIndex=0');
  });
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => {
      log(`INF Initiating graceful shutdown due to signal ${signal === "SIGINT" ? "interrupt" : "terminated"} ...`);
      process.exit(0);
    });
}
