/**
 * Receiving and forwarding beside peers, in one run: `npm run bench` (some 20 minutes; BENCH_ROUNDS=1 takes 4).
 * `servers/least.js` shows the upper bound. Peers are installed into a temporary folder, never as dependencies; one that is
 * not available is skipped. BENCH_JSON names a file for the figures.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { answering, cleanUp, cpuMs, env, freePort, here, node, start, startListen, work } from "./processes.js";

/** Single runs differ by a fifth on a busy machine. */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 10);
const PACE_ROUNDS = Math.min(ROUNDS, 3);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const CONNECTIONS = 50;
/** For a server that stops answering. */
const CLIENT_TIMEOUT_MS = 60_000 + 10_000 * SECONDS;
const OURS = "zoho-hooks listen";
const LEAST = "minimal receiver";
const PATH = "/webhooks/zoho/crm";
const PACKAGES = ["express@4", "bull", "resend-cli", "smee-client", "hookdeck-cli", "ws", "node@22"];

/** Runs a client to its end and returns the line that it prints. */
function client(file, url, ...args) {
  const options = { env, timeout: CLIENT_TIMEOUT_MS };
  const { stdout, stderr } = spawnSync(process.execPath, [join(here, file), url, ...args.map(String)], options);
  if (stdout.length === 0) throw new Error(String(stderr) || `${file} did not end`);
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

/** A server that is stopped before the one that it needs. */
const together = (server, needed) => ({
  ...server,
  async stop() {
    await server.stop();
    await needed.stop();
  },
});

const receivers = {
  "bare node:http": async () => {
    const port = await freePort();
    const server = node("bare.js", port);
    await answering(`http://127.0.0.1:${port}`, server);
    return { ...server, url: `http://127.0.0.1:${port}${PATH}` };
  },
  [OURS]: () => startListen(),
  [LEAST]: () => least(),
  "guide: Express + Bull": async () => {
    const [port, redisPort] = [await freePort(), await freePort()];
    const redis = start("redis-server", ["--port", String(redisPort), "--save", "", "--appendonly", "no"]);
    const server = node("guide-express.js", port, work, redisPort);
    await answering(`http://127.0.0.1:${port}`, server);
    return { ...together(server, redis), url: `http://127.0.0.1:${port}${PATH}` };
  },
};

/** Each takes the port of the app and returns the URL to post to. */
const forwarders = {
  [OURS]: (appPort) => startListen("--forward-to", String(appPort)),
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
    return { ...together(server, api), url: `http://127.0.0.1:${port}/` };
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
    return { ...together(client, source), url: `http://127.0.0.1:${port}/bench` };
  },
  "hookdeck listen": async (appPort) => {
    const port = await freePort();
    const base = `127.0.0.1:${port}`;
    const api = node("hookdeck-api.js", port, work);
    await answering(`http://${base}`, api);
    // Not the package's command, which is a Node process around this one.
    const folder = `${process.platform}-${{ x64: "amd64", ia32: "386" }[process.arch] ?? process.arch}`;
    const server = start(
      join(work, "node_modules/hookdeck-cli/binaries", folder, "hookdeck"),
      ["listen", `http://127.0.0.1:${appPort}`, "bench", "--cli-key", "bench", "--output", "quiet"].concat([
        "--api-base",
        `http://${base}`,
        "--ws-base",
        `ws://${base}`,
        "--no-wss",
      ]),
      { env: { ...env, HOME: work, XDG_CONFIG_HOME: work, HOOKDECK_CLI_TELEMETRY_DISABLED: "1" } },
    );
    await answering(`http://${base}/bench`, server, 200);
    return { ...together(server, api), url: `http://${base}/bench` };
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

/**
 * Runs all in each round, so that a busy moment of the machine affects all. Returns the rounds of each by its name; undefined
 * stands for a round that failed. What fails at once is not available.
 */
async function interleave(title, makers, rounds, measure) {
  const results = new Map(Object.keys(makers).map((name) => [name, []]));
  console.log(`\n${title}, median of ${rounds} rounds`);
  for (let round = 0; round < rounds; round++) {
    for (const [name, done] of results) {
      try {
        done.push(await measure(makers[name]));
      } catch (error) {
        console.log(`  ${name} failed in round ${round + 1}: ${error.message.split("\n")[0]}`);
        if (round === 0) results.delete(name);
        else done.push(undefined);
      }
    }
  }
  return results;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** The median of each figure. */
const medians = (results) =>
  [...results].map(([name, rounds]) => {
    const whole = rounds.filter((each) => each !== undefined);
    const figures = Object.keys(rounds[0]).map((key) => [key, median(whole.map((each) => each[key]))]);
    return { name, ...Object.fromEntries(figures) };
  });

/** Throughput, and CPU time an event. `aims` are our CPU beside the least and our rate beside peers. */
async function compare(title, makers, measure, { cpu: maxCpu, rates }) {
  const results = await interleave(`${title}, ${CONNECTIONS} connections`, makers, ROUNDS, measure);
  const rows = medians(results);
  for (const { name, rate, p50, p99, cpu, lost, megabytes } of rows) {
    const figures = `${String(Math.round(rate)).padStart(7)}/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  ${Math.round(cpu)} µs of CPU each  ${megabytes} MB`;
    console.log(`  ${name.padEnd(24)}${figures}${lost > 0 ? `  ${lost} not delivered` : ""}`);
  }
  /** Ours beside a peer's in the same round. */
  const ratio = (peer, key) => {
    const theirs = results.get(peer);
    const ratios = results.get(OURS).map((each, round) => each?.[key] / theirs[round]?.[key]);
    return median(ratios.filter((each) => !Number.isNaN(each)));
  };
  for (const row of rows) {
    if (row.name === OURS || !results.has(OURS)) continue;
    row.rateRatio = ratio(row.name, "rate");
    row.cpuRatio = ratio(row.name, "cpu");
    const aims = [];
    if (row.name === LEAST) aims.push([row.cpuRatio <= maxCpu, `${maxCpu} × its CPU at most`]);
    if (rates[row.name] !== undefined)
      aims.push([row.rateRatio >= rates[row.name], `${rates[row.name]} × its rate at least`]);
    const mark = aims.length === 0 ? " " : aims.every(([isMet]) => isMet) ? "✓" : "✗";
    const aim = aims.map(([, text]) => `, aim: ${text}`).join("");
    const beside = `ours: ${row.rateRatio.toFixed(2)} × its rate, ${row.cpuRatio.toFixed(2)} × its CPU`;
    console.log(`  ${mark} beside ${row.name.padEnd(24)} ${beside}${aim}`);
  }
  return rows;
}

/** What a developer feels: the time from the post to the app's socket. Peers that lose events or cannot keep up show it here. */
async function comparePace({ title, pace, seconds, aim: [at, maxMs] }) {
  const results = await interleave(
    `${title}, from the post to the app's socket`,
    forwarders,
    PACE_ROUNDS,
    async (make) => {
      const appPort = await freePort();
      const server = await make(appPort);
      try {
        const result = client("pace.js", server.url, appPort, pace, seconds);
        if (result.count === 0) throw new Error("nothing arrived in time");
        return result;
      } finally {
        await server.stop();
      }
    },
  );
  const rows = medians(results);
  for (const { name, p50, p90, p99, lost } of rows) {
    const figures = `p50 ${p50.toFixed(1)} ms  p90 ${p90.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms`;
    console.log(`  ${name.padEnd(24)}${figures}${lost > 0 ? `  ${lost} not delivered` : ""}`);
  }
  const ours = rows.find(({ name }) => name === OURS);
  if (ours !== undefined) console.log(`  ${ours[at] <= maxMs ? "✓" : "✗"} ours: ${at}, aim: ${maxMs} ms at most`);
  return { title, rows };
}

const PACES = [
  { title: "500 events a second", pace: 500, seconds: SECONDS, aim: ["p99", 8] },
  { title: "1,500 events a second", pace: 1500, seconds: SECONDS, aim: ["p99", 20] },
  { title: "A single event on an idle listen", pace: 5, seconds: 2 * SECONDS, aim: ["p50", 3] },
];

/** The versions of the packages that were installed. */
const versions = () =>
  Object.fromEntries(
    PACKAGES.map((each) => each.replace(/@\d+$/, "")).map((name) => [
      name,
      JSON.parse(readFileSync(join(work, "node_modules", name, "package.json"), "utf8")).version,
    ]),
  );

try {
  writeFileSync(join(work, "package.json"), "{}");
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`);
  console.log("installing peers …");
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", ...PACKAGES], {
    cwd: work,
    shell: process.platform === "win32",
  });
  const redis = /v=(\S+)/.exec(String(spawnSync("redis-server", ["--version"]).stdout))?.[1];
  if (redis === undefined) {
    console.log("skipped guide: Express + Bull: there is no redis-server");
    delete receivers["guide: Express + Bull"];
  }
  const received = await compare("Receive, verify, record and answer", receivers, measureReceiver, {
    cpu: 1.4,
    rates: { "bare node:http": 0.4, "guide: Express + Bull": 5 },
  });
  const delivered = await compare("The same, and forward to an app", forwarders, measureForwarder, {
    cpu: 1.7,
    rates: { "resend webhooks listen": 1.8, "smee-client": 1, "hookdeck listen": 1 },
  });
  const paces = [];
  for (const pace of PACES) paces.push(await comparePace(pace));
  if (process.env.BENCH_JSON !== undefined) {
    const machine = { cores: cpus().length, cpu: cpus()[0]?.model, memory: totalmem(), node: process.version };
    const runs = { connections: CONNECTIONS, compare: ROUNDS, pace: PACE_ROUNDS };
    const figures = { machine, runs, versions: { ...versions(), redis }, received, delivered, paces };
    writeFileSync(process.env.BENCH_JSON, JSON.stringify(figures));
  }
} finally {
  cleanUp();
}
