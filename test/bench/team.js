/**
 * A log in PostgreSQL beside one in SQLite and beside BullMQ, and how receivers and workers on one log scale: `npm run bench:team`,
 * some 15 minutes, which then runs the long forms of the fault tests of a team. All of it shares the cores of this machine with the
 * database: what several machines would do it does not show. TEAM_ROUNDS and TEAM_EVENTS make it shorter.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { rolldown } from "rolldown";
import { answering, bin, cleanUp, cpuMs, env, freePort, here, node, start, startListen, work } from "./processes.js";

const ROUNDS = Number(process.env.TEAM_ROUNDS ?? 10);
const EVENTS = Number(process.env.TEAM_EVENTS ?? 1_000_000);
const SECONDS = 3;
const CONNECTIONS = 64;
const [SQLITE, POSTGRES, BULLMQ] = ["listen, SQLite", "listen, PostgreSQL", "guide: BullMQ, appendfsync always"];

const { lacks } = await bundled("../support/needs.ts");
const { createServer, runSql, serverFolder } = await bundled("../support/postgres.ts");
if (lacks("postgresql")) process.exit();
const folder = serverFolder();
const server = await createServer(folder);
await server.start();
const databasePid = Number(readFileSync(join(folder, "data/postmaster.pid"), "utf8").split("\n")[0]);
let logs = 0;
const newLog = () => server.address(`bench_${++logs}`);

/** A module of the tests, which Node 20 does not run as it is. */
async function bundled(name) {
  const output = join(here, "../../node_modules/.cache/zoho-hooks-bench");
  mkdirSync(output, { recursive: true });
  const file = join(output, "module.mjs");
  const bundle = await rolldown({ input: join(here, name), platform: "node", external: ["pg"] });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();
  return import(pathToFileURL(file).href);
}

/** Of a server and all that it has started, those that have ended included only if it waited for them. */
function treeCpuMs(pid) {
  const children = readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && / \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1] === String(pid);
    } catch {
      return false;
    }
  });
  return [pid, ...children].reduce((sum, each) => sum + (cpuMs(each) || 0), 0);
}

const run = promisify(execFile);

async function blast(url, connections) {
  const { stdout } = await run(process.execPath, [join(here, "blast.js"), url, connections, SECONDS].map(String), {
    env,
  });
  return JSON.parse(stdout);
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const line = (name, ...figures) =>
  console.log(`  ${name.padEnd(36)}${figures.map((each) => each.padStart(16)).join("")}`);
const perSecond = (rate) => `${Math.round(rate)}/s`;
const micros = (us) => `${Math.round(us)} µs`;
const millis = (ms) => `${ms.toFixed(1)} ms`;

const receivers = {
  [SQLITE]: async () => ({ receiver: await startListen(), store: undefined }),
  [POSTGRES]: async () => ({ receiver: await startListen("--store", newLog()), store: databasePid }),
  [BULLMQ]: async () => {
    const [port, redisPort] = [await freePort(), await freePort()];
    const flags = ["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", work];
    const redis = start("redis-server", ["--port", String(redisPort), ...flags]);
    const receiver = node("guide-bullmq.js", port, redisPort);
    await answering(`http://127.0.0.1:${port}`, receiver);
    const stop = async () => {
      await receiver.stop();
      await redis.stop();
    };
    return { receiver: { ...receiver, stop, url: `http://127.0.0.1:${port}/webhooks/zoho/crm` }, store: redis.pid };
  },
};

/** Rates of single runs differ by a fifth: all run in turn, and the ratio is that of a round. */
async function compareReceivers() {
  if (spawnSync("redis-server", ["--version"]).status !== 0) delete receivers[BULLMQ];
  const results = Object.fromEntries(Object.keys(receivers).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, make] of Object.entries(receivers)) {
      const { receiver, store } = await make();
      const before = [cpuMs(receiver.pid), store === undefined ? 0 : treeCpuMs(store)];
      const { rate, count, failed, p50, p99 } = await blast(receiver.url, CONNECTIONS);
      const cpu = ((cpuMs(receiver.pid) - before[0]) * 1000) / count;
      const storeCpu = store === undefined ? 0 : ((treeCpuMs(store) - before[1]) * 1000) / count;
      await receiver.stop();
      if (failed > 0) throw new Error(`${name}: ${failed} of ${count} were not answered 200`);
      results[name].push({ rate, p50, p99, cpu, storeCpu });
    }
  }
  console.log(`\nReceive, verify, record and answer: ${CONNECTIONS} connections, median of ${ROUNDS} rounds`);
  line("", "events", "p50", "p99", "CPU an event", "of its store");
  for (const [name, rounds] of Object.entries(results)) {
    const of = (key) => median(rounds.map((each) => each[key]));
    line(name, perSecond(of("rate")), millis(of("p50")), millis(of("p99")), micros(of("cpu")), micros(of("storeCpu")));
  }
  const ratio = (name, other) => median(results[name].map(({ rate }, i) => rate / results[other][i].rate));
  const share = ratio(POSTGRES, SQLITE);
  console.log(
    `  ${share >= 0.6 ? "✓" : "✗"} PostgreSQL: ${share.toFixed(2)} × the rate on SQLite, aim: 0.6 × at least`,
  );
  if (results[BULLMQ] !== undefined)
    console.log(`    PostgreSQL: ${ratio(POSTGRES, BULLMQ).toFixed(2)} × the rate of BullMQ, which keeps no log`);
}

/** So many of each. Nobody is helped by more than there are cores. */
async function scale(count) {
  const [store, appPort] = [newLog(), await freePort()];
  const app = node("counting-app.js", appPort);
  const came = async () => (await (await fetch(`http://127.0.0.1:${appPort}/count`)).json()).count;
  await answering(`http://127.0.0.1:${appPort}/count`, app);
  const flags = ["--store", store, "--forward-to", String(appPort)];
  const team = [];
  for (let i = 0; i < count; i++) team.push(await startListen("--role", "receive", ...flags));
  const urls = team.map(({ url }) => url);
  for (let i = 0; i < count; i++) {
    const admin = await freePort();
    const words = ["listen", "--role", "deliver", "--admin", String(admin), "--quiet", ...flags];
    const worker = start(process.execPath, [bin, ...words]);
    await answering(`http://127.0.0.1:${admin}/readyz`, worker, 200);
    team.push(worker);
  }
  const cpu = () => [team.reduce((sum, { pid }) => sum + cpuMs(pid), 0), treeCpuMs(databasePid)];
  const before = cpu();
  const startedAt = performance.now();
  const loads = await Promise.all(urls.map((url) => blast(url, CONNECTIONS / count)));
  const answered = loads.reduce((sum, each) => sum + each.count - each.failed, 0);
  while ((await came()) < answered) await delay(50);
  const seconds = (performance.now() - startedAt) / 1000;
  const [team_, database] = cpu().map((ms, i) => ((ms - before[i]) * 1000) / answered);
  for (const each of team) await each.stop();
  await app.stop();
  const received = loads.reduce((sum, { rate }) => sum + rate, 0);
  line(
    `${count} receivers, ${count} workers`,
    perSecond(received),
    perSecond(answered / seconds),
    micros(team_),
    micros(database),
  );
}

/** A log of so many deliveries, multiplied by SQL from some that were received. */
async function largeLog() {
  const store = newLog();
  const listen = await startListen("--store", store);
  const seed = 1000;
  const words = ["send", "crm", "Leads.create", "--count", String(seed), "--concurrency", "32", "--to", listen.url];
  execFileSync(process.execPath, [bin, ...words, "--quiet"], { cwd: listen.folder, env, stdio: "ignore" });
  await listen.stop();
  await runSql(
    store,
    `INSERT INTO deliveries SELECT d.n + k * ${seed}, d.received_at + k, d.method, d.url, d.remote, d.product, d.format, d.event,
       d.known, d.accepted, d.invalid, d.status, d.refusal, d.identity || k, d.duplicate_of, d.records, d.verdicts, d.issues
     FROM deliveries AS d, generate_series(1, ${Math.ceil(EVENTS / seed) - 1}) AS k;
     INSERT INTO contents SELECT c.n + k * ${seed}, c.headers, c.body
     FROM contents AS c, generate_series(1, ${Math.ceil(EVENTS / seed) - 1}) AS k;
     ANALYZE deliveries; ANALYZE contents`,
  );
  return store;
}

/** Wall time of a command, beside that of `list` on an empty log. */
async function compareSizes() {
  const small = newLog();
  const listen = await startListen("--store", small);
  await listen.stop();
  const large = await largeLog();
  const took = (store, ...words) => {
    const startedAt = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [bin, "events", ...words], {
      cwd: work,
      env: { ...env, ZOHO_HOOKS_STORE: store },
    });
    if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
    return performance.now() - startedAt;
  };
  console.log(`\n${EVENTS} events in the log, wall time beside that of an empty one`);
  const middle = String(Math.floor(EVENTS / 2));
  for (const words of [["list"], ["show", middle], ["list", "--event", "crm:Leads.create"]]) {
    const times = Array.from({ length: 9 }, () => [took(small, "list"), took(large, ...words)]);
    const over = median(times.map(([empty, full]) => full - empty));
    const [empty, full] = [0, 1].map((i) => median(times.map((each) => each[i])));
    console.log(
      `  ${over <= 50 ? "✓" : "✗"} events ${words.join(" ")}: ${Math.round(full)} ms, ${Math.round(over)} over ${Math.round(empty)}; aim: 50 ms over`,
    );
  }
}

try {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, all on this machine, fsync on`);
  await compareReceivers();
  console.log(`\nReceivers and workers on one log, ${CONNECTIONS} connections in all, one run each`);
  line("", "received", "delivered", "CPU an event", "of the database");
  for (const count of [1, 2, 4]) await scale(count);
  await compareSizes();
} finally {
  cleanUp();
  // The server is detached: by itself it keeps no process waiting.
  await Promise.race([server.stop("SIGQUIT"), delay(10_000)]);
}
