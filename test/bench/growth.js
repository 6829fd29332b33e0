/**
 * How the commands grow with their work: `npm run bench:growth [-- size …]` (default: 10,000 and 100,000; a million takes
 * some twenty minutes). CPU time is that of a child process, as a user runs the command; the factor is that from one size
 * to the next. Exits with 1 when an aim is missed. ZOHO_HOOKS_BIN measures another build.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { multipliedLog } from "./large-log.js";
import { answering, bin, cleanUp, cpuMs, env, freePort, here, node, startListen, work } from "./processes.js";

const [only, ...others] = process.argv.slice(2);
const named = only !== undefined && Number.isNaN(Number(only)) ? only : undefined;
const given = (named === undefined ? process.argv.slice(2) : others).map(Number);
const sizes = given.length === 0 ? [10_000, 100_000] : given;
const cpuUsage = join(here, "cpu-usage.cjs");
const NO_TEXT = "nowhere-in-the-log";
let missed = false;

/** Runs a command to its end, its output to a file as from a script. Returns CPU seconds and megabytes. */
function measure(argv, { cwd = work, script = bin, input } = {}) {
  const out = openSync(join(work, "output"), "w");
  const stdio = [input ?? "ignore", out, "pipe", "pipe"];
  const args = ["--require", cpuUsage, script, ...argv];
  const { status, stderr, output } = spawnSync(process.execPath, args, { cwd, env, stdio });
  const [cpu, kilobytes] = String(output[3]).split(" ").map(Number);
  if (Number.isNaN(cpu) || status === 1) throw new Error(`${argv.join(" ")} ended with ${status}: ${stderr}`);
  return { cpu: cpu / 1e6, megabytes: Math.round(kilobytes / 1024) };
}

/** Prints a line: the figure at each size, and its growth from one size to the next. */
function line(name, figures, unit, isWithin, aim) {
  const factors = figures.slice(1).map((figure, i) => `× ${(figure / figures[i]).toFixed(1)}`);
  const ok = isWithin(figures.at(-1));
  missed ||= !ok;
  const shown = figures.map((figure) => `${figure.toFixed(figure < 10 ? 2 : 0)} ${unit}`.padStart(11));
  console.log(`${ok ? "✓" : "✗"} ${name.padEnd(34)}${shown.join("")}  ${factors.join(" ").padEnd(14)} aim: ${aim}`);
}

async function atSizes(...argv) {
  const results = [];
  for (const size of sizes) results.push(measure(argv, { cwd: await multipliedLog(size) }));
  return results;
}

const items = {
  /** Deliveries of one record beside as many of as many records. */
  async ordered() {
    const counts = [1000, 2000, 4000];
    const one = [];
    const many = [];
    for (const count of counts) {
      many.push(await orderedCpu(count, []));
      one.push(await orderedCpu(count, ["--no-fresh"]));
    }
    line(`--ordered, ${counts} of many records`, many, "s", () => true, "none");
    line(`--ordered, ${counts} of one record`, one, "s", (cpu) => cpu <= 3 * many.at(-1), "3 × many records");
  },
  async failed() {
    const results = await atSizes("events", "list", "--failed", "--search", NO_TEXT);
    line(
      "list --failed --search",
      results.map(({ cpu }) => cpu),
      "s",
      (cpu) => cpu <= 2,
      "2 s",
    );
  },
  async where() {
    const results = await atSizes("events", "list", "--where", "data.total=77");
    line(
      "list --where",
      results.map(({ cpu }) => cpu),
      "s",
      () => true,
      "none",
    );
    line(
      "list --where, memory",
      results.map(({ megabytes }) => megabytes),
      "MB",
      (mb) => mb <= 150,
      "150 MB",
    );
  },
  async replay() {
    const results = await atSizes("replay", "--since", "9000d", "--dry-run");
    line(
      "replay --dry-run",
      results.map(({ cpu }) => cpu),
      "s",
      () => true,
      "none",
    );
    line(
      "replay --dry-run, memory",
      results.map(({ megabytes }) => megabytes),
      "MB",
      (mb) => mb <= 150,
      "150 MB",
    );
  },
  async verify() {
    const files = sizes.map(ndjson);
    const parse = files.map(({ path }) => {
      const out = execFileSync(process.execPath, [join(here, "parse-lines.js"), path]);
      return JSON.parse(String(out)).micros / 1e6;
    });
    const empty = measure(["--version"]).cpu;
    const results = files.map(({ path }) => measure(["verify", path]));
    const json = files.map(({ path }) => measure(["verify", "--json", path]));
    for (const [name, each] of [
      ["verify", results],
      ["verify --json", json],
    ]) {
      line(
        name,
        each.map(({ cpu }) => cpu),
        "s",
        () => true,
        "none",
      );
      line(
        `${name}, memory`,
        each.map(({ megabytes }) => megabytes),
        "MB",
        (mb) => mb <= 150,
        "150 MB",
      );
    }
    const ratios = results.map(({ cpu }, i) => (cpu - empty) / parse[i]);
    line("verify beside JSON.parse", ratios, "×", (ratio) => ratio <= 8, "8 ×");
  },
  async interrupt() {
    const seconds = await interruptSeconds();
    line("listen, Ctrl-C without a reader", [seconds], "s", (each) => each <= 3, "3 s");
  },
  async export() {
    const results = await atSizes("events", "export");
    const micros = results.map(({ cpu }, i) => (cpu * 1e6) / sizes[i]);
    line("export, an event", micros, "µs", () => true, "half of 190 to 270 µs");
  },
  async stats() {
    const results = await atSizes("events", "stats");
    line(
      "stats",
      results.map(({ cpu }) => cpu),
      "s",
      (cpu) => cpu <= 3,
      "3 s",
    );
  },
  async send() {
    const { ours, peer } = await sendCpu(50_000);
    line("send --no-fresh beside autocannon", [ours / peer], "×", (ratio) => ratio <= 2.5, "2.5 ×");
  },
};

async function orderedCpu(count, flags) {
  const appPort = await freePort();
  const app = node("counting-app.js", appPort);
  await answering(`http://127.0.0.1:${appPort}/count`, app);
  const listen = await startListen("--ordered", "--forward-to", String(appPort));
  try {
    const before = cpuMs(listen.pid);
    const to = listen.url;
    measure(["send", "crm", "Leads.create", "--count", String(count), "--concurrency", "32", "--to", to, ...flags]);
    for (let came = 0; came < count; await delay(200)) {
      // A kept connection may have been closed while this process waited for another one.
      const response = await fetch(`http://127.0.0.1:${appPort}/count`).catch(() => undefined);
      came = (await response?.json())?.count ?? 0;
    }
    return (cpuMs(listen.pid) - before) / 1000;
  } finally {
    await listen.stop();
    await app.stop();
  }
}

/** From Ctrl-C to the end of a listen whose output stands still. */
async function interruptSeconds() {
  const port = await freePort();
  const folder = join(work, "unread");
  mkdirSync(folder);
  const args = [bin, "listen", "--port", String(port), "--json"];
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  child.stdout.pause();
  await answering(`http://127.0.0.1:${port}/readyz`, { err: () => "" }, 200);
  measure([
    "send",
    "crm",
    "Leads.create",
    "--count",
    "2000",
    "--concurrency",
    "32",
    "--to",
    `http://127.0.0.1:${port}/webhooks/zoho/crm`,
  ]);
  const at = performance.now();
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(timer);
  return (performance.now() - at) / 1000;
}

async function sendCpu(count) {
  const port = await freePort();
  const server = node("bare.js", port);
  const url = `http://127.0.0.1:${port}/webhooks/zoho/crm`;
  await answering(url, server);
  try {
    const flags = ["--no-fresh", "--count", String(count), "--concurrency", "64", "--to", url];
    const ours = measure(["send", "crm", "Leads.create", ...flags]).cpu;
    const peer = autocannonCpu(url, count);
    return { ours, peer };
  } finally {
    await server.stop();
  }
}

function autocannonCpu(url, count) {
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "autocannon@8"], { cwd: work });
  const body = join(here, "../../fixtures/crm/guide/Leads.create.json");
  const flags = ["-c", "64", "-a", String(count), "-m", "POST", "-i", body, "-H", "content-type=application/json", url];
  return measure(flags, { script: join(work, "node_modules/autocannon/autocannon.js") }).cpu;
}

/** A file of as many lines with a payload of some 490 bytes each, whose token is right. */
function ndjson(size) {
  const path = join(work, `${size}.ndjson`);
  const lines = [];
  for (let i = 0; i < size; i++) {
    const id = `5725767000${String(i).padStart(9, "0")}`;
    lines.push(
      JSON.stringify({
        query_params: {},
        module: "Leads",
        resource_uri: "https://www.zohoapis.com/crm/v8/Leads",
        ids: [id],
        affected_fields: [{ [id]: ["Email", "Phone", "Last_Name", "Company", "Lead_Source", "Lead_Status"] }],
        operation: "update",
        channel_id: "1000000068001",
        token: env.ZOHO_WEBHOOK_TOKEN,
        server_time: 1_790_000_000_000 + i,
        note: "x".repeat(140),
      }),
    );
    if (lines.length === 10_000) writeFileSync(path, `${lines.splice(0).join("\n")}\n`, { flag: "a" });
  }
  if (lines.length > 0) writeFileSync(path, `${lines.join("\n")}\n`, { flag: "a" });
  return { path };
}

try {
  console.log(`Node ${process.version}; sizes ${sizes.join(", ")}`);
  for (const [name, run] of Object.entries(items)) if (named === undefined || named === name) await run();
} finally {
  cleanUp();
}
process.exitCode = missed ? 1 : 0;
