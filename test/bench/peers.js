/**
 * Receiving and forwarding beside peers, in one run: `npm run bench` (a third of a minute for each line).
 * `servers/least.js` shows the upper bound. Peers are installed into a temporary folder, never as dependencies; one that is
 * not available is skipped.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { answering, cleanUp, cpuMs, env, freePort, here, node, start, startListen, work } from "./processes.js";

const ROUNDS = 3;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const CONNECTIONS = 50;
const LEAST = "minimal receiver";
const PATH = "/webhooks/zoho/crm";

/** Runs a client to its end and returns the line that it prints. */
function client(file, url, ...args) {
  const { stdout, stderr } = spawnSync(process.execPath, [join(here, file), url, ...args.map(String)], { env });
  if (stdout.length === 0) throw new Error(String(stderr));
  const result = JSON.parse(String(stdout));
  if (result.failed > 0)
    throw new Error(`${result.failed} of ${result.count} requests to ${url} were not answered 200`);
  return result;
}

const blast = (url, seconds = SECONDS) => client("blast.js", url, CONNECTIONS, seconds);

async function least(...args) {
  const port = await freePort();
  const server = node("least.js", port, ...args);
  await answering(`http://127.0.0.1:${port}`, server);
  return { ...server, url: `http://127.0.0.1:${port}${PATH}` };
}

const receivers = {
  "bare node:http": async () => {
    const port = await freePort();
    const server = node("bare.js", port);
    await answering(`http://127.0.0.1:${port}`, server);
    return { ...server, url: `http://127.0.0.1:${port}${PATH}` };
  },
  "zoho-hooks listen": () => startListen(),
  [LEAST]: () => least(),
  "guide: Express + Bull": async () => {
    const [port, redisPort] = [await freePort(), await freePort()];
    const redis = start("redis-server", ["--port", String(redisPort), "--save", "", "--appendonly", "no"]);
    const server = node("guide-express.js", port, work, redisPort);
    await answering(`http://127.0.0.1:${port}`, server);
    const stop = async () => {
      await server.stop();
      await redis.stop();
    };
    return { ...server, stop, url: `http://127.0.0.1:${port}${PATH}` };
  },
};

/** Each takes the port of the app and returns the URL to post to. */
const forwarders = {
  "zoho-hooks listen": (appPort) => startListen("--forward-to", String(appPort)),
  [LEAST]: (appPort) => least(appPort),
  "resend webhooks listen": async (appPort) => {
    const [port, apiPort] = [await freePort(), await freePort()];
    const api = node("resend-api.js", apiPort);
    await answering(`http://127.0.0.1:${apiPort}`, api);
    // It needs Node 22 or later.
    const server = start(
      join(work, "node_modules/node/bin/node"),
      [
        join(work, "node_modules/resend-cli/dist/cli.cjs"),
        "webhooks",
        "listen",
        "--url",
        "https://bench.example.com",
      ].concat(["--port", String(port), "--forward-to", `http://127.0.0.1:${appPort}/hook`]),
      { env: { ...env, RESEND_API_KEY: "re_bench", RESEND_BASE_URL: `http://127.0.0.1:${apiPort}`, HOME: work } },
    );
    await answering(`http://127.0.0.1:${port}`, server);
    const stop = async () => {
      await server.stop();
      await api.stop();
    };
    return { ...server, stop, url: `http://127.0.0.1:${port}/` };
  },
  "smee-client": async (appPort) => {
    const port = await freePort();
    const source = node("smee-source.js", port);
    await answering(`http://127.0.0.1:${port}`, source);
    const client = start(process.execPath, [
      ...[join(work, "node_modules/smee-client/bin/smee.js"), "--url", `http://127.0.0.1:${port}/bench`],
      ...["--target", `http://127.0.0.1:${appPort}/hook`],
    ]);
    await answering(`http://127.0.0.1:${port}`, client, 200);
    const stop = async () => {
      await client.stop();
      await source.stop();
    };
    return { ...client, stop, url: `http://127.0.0.1:${port}/bench` };
  },
};

async function counted(appPort, wanted) {
  let last = { count: -1 };
  for (;;) {
    const now = await (await fetch(`http://127.0.0.1:${appPort}/count`)).json();
    // All have arrived, or no more do.
    if (now.count >= wanted || now.count === last.count) return now;
    last = now;
    await delay(1500);
  }
}

async function measureReceiver(make) {
  const server = await make();
  try {
    blast(server.url, 1);
    const cpuBefore = cpuMs(server.pid);
    const result = blast(server.url);
    const cpu = ((cpuMs(server.pid) - cpuBefore) * 1000) / result.count;
    return { ...result, cpu, megabytes: residentMegabytes(server.pid) };
  } finally {
    await server.stop();
  }
}

async function measureForwarder(make) {
  const appPort = await freePort();
  const app = node("counting-app.js", appPort);
  await answering(`http://127.0.0.1:${appPort}/count`, app);
  const server = await make(appPort);
  try {
    const warm = blast(server.url, 1);
    await counted(appPort, warm.count);
    await fetch(`http://127.0.0.1:${appPort}/count?reset`);
    const cpuBefore = cpuMs(server.pid);
    const { count, p50, p99 } = blast(server.url);
    const came = await counted(appPort, count);
    const rate = (came.count * 1000) / (came.lastAt - came.firstAt);
    const cpu = ((cpuMs(server.pid) - cpuBefore) * 1000) / came.count;
    return { rate, p50, p99, cpu, lost: count - came.count, megabytes: residentMegabytes(server.pid) };
  } finally {
    await server.stop();
    await app.stop();
  }
}

function residentMegabytes(pid) {
  try {
    return Math.round(Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024);
  } catch {
    return undefined;
  }
}

/** Interleaves the rounds, so that a busy moment of the machine affects all. */
async function compare(title, makers, measure) {
  const results = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, make] of Object.entries(makers)) {
      if (results.get(name) === undefined && round > 0) continue;
      try {
        results.set(name, [...(results.get(name) ?? []), await measure(make)]);
      } catch (error) {
        console.log(`skipped ${name}: ${error.message.split("\n")[0]}`);
      }
    }
  }
  console.log(`\n${title}, ${CONNECTIONS} connections, median of ${ROUNDS} rounds`);
  for (const [name, rounds] of results) {
    const {
      rate,
      p50,
      p99,
      cpu,
      lost = 0,
      megabytes,
    } = rounds.sort((a, b) => a.rate - b.rate)[Math.floor(rounds.length / 2)];
    const figures = `${String(Math.round(rate)).padStart(7)}/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  ${Math.round(cpu)} µs of CPU each  ${megabytes} MB`;
    console.log(`  ${name.padEnd(24)}${figures}${lost > 0 ? `  ${lost} not delivered` : ""}`);
  }
  return (name) => results.get(name)?.[Math.floor(ROUNDS / 2)]?.rate;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** What a developer feels: the time from the post to the app's socket. Peers that lose events or cannot keep up show it here. */
async function comparePace({ title, pace, seconds }) {
  const results = new Map(Object.keys(forwarders).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, rounds] of results) {
      const appPort = await freePort();
      try {
        const server = await forwarders[name](appPort);
        try {
          rounds.push(client("pace.js", server.url, appPort, pace, seconds));
        } finally {
          await server.stop();
        }
      } catch (error) {
        console.log(`skipped ${name}: ${error.message.split("\n")[0]}`);
      }
    }
  }
  console.log(`\n${title}, from the post to the app's socket, median of ${ROUNDS} rounds`);
  for (const [name, rounds] of results) {
    if (rounds.length === 0) continue;
    const figures = ["p50", "p90", "p99"].map((at) => `${at} ${median(rounds.map((each) => each[at]))?.toFixed(1)} ms`);
    const lost = median(rounds.map((each) => each.lost));
    console.log(`  ${name.padEnd(24)}${figures.join("  ")}${lost > 0 ? `  ${lost} not delivered` : ""}`);
  }
}

const PACES = [
  { title: "500 events a second", pace: 500, seconds: SECONDS },
  { title: "1,500 events a second", pace: 1500, seconds: SECONDS },
  { title: "A single event on an idle listen", pace: 5, seconds: 2 * SECONDS },
];

/** Prints how many times faster than a peer `listen` is, and the minimal receiver, which is the upper bound. */
function printRatio(peer, rateOf, wanted) {
  const [ours, floor, theirs] = ["zoho-hooks listen", LEAST, peer].map(rateOf);
  if (ours === undefined || theirs === undefined) return;
  const ratio = ours / theirs;
  const bound = floor === undefined ? "" : `; ${LEAST}: ${(floor / theirs).toFixed(2)} ×`;
  console.log(`  ${ratio >= wanted ? "✓" : "✗"} ${ratio.toFixed(2)} × ${peer} (wanted: ${wanted}${bound})`);
}

try {
  writeFileSync(join(work, "package.json"), "{}");
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`);
  console.log("installing peers …");
  execFileSync(
    "npm",
    ["install", "--silent", "--no-audit", "--no-fund", "express@4", "bull", "resend-cli", "smee-client", "node@22"],
    {
      cwd: work,
      shell: process.platform === "win32",
    },
  );
  const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
  if (!hasRedis) {
    console.log("skipped guide: Express + Bull: there is no redis-server");
    delete receivers["guide: Express + Bull"];
  }
  const received = await compare("Receive, verify, record and answer", receivers, measureReceiver);
  printRatio("bare node:http", received, 0.4);
  printRatio("guide: Express + Bull", received, 5);
  const delivered = await compare("The same, and forward to an app", forwarders, measureForwarder);
  printRatio("resend webhooks listen", delivered, 3);
  printRatio("smee-client", delivered, 1);
  for (const pace of PACES) await comparePace(pace);
} finally {
  cleanUp();
}
