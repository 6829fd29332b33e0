/**
 * How the commands grow with their work: `npm run bench:growth [-- name] [size …]` (default: all at 10,000 and 100,000; a
 * million takes some twenty minutes). CPU time is that of a child process, as a user runs the command; the factor is that from
 * one size to the next. Exits with 1 when an aim is missed. ZOHO_HOOKS_BIN measures another build, BENCH_JSON names a file for
 * the figures.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { multipliedLog } from "./large-log.js";
import { bin, cleanUp, env, freePort, here, work } from "./processes.js";

const [only, ...others] = process.argv.slice(2);
const named = only !== undefined && Number.isNaN(Number(only)) ? only : undefined;
const given = (named === undefined ? process.argv.slice(2) : others).map(Number);
const sizes = given.length === 0 ? [10_000, 100_000] : given;
const cpuUsage = join(here, "cpu-usage.cjs");
const NO_TEXT = "nowhere-in-the-log";

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

const lines = [];
let failed = false;

/** Prints a line: the figure at each size, and its growth from one size to the next. A figure above `max` misses the aim. */
function line(name, figures, { unit, max, counts = sizes }) {
  const factors = figures.slice(1).map((figure, i) => figure / figures[i]);
  const isMissed = max !== undefined && !(figures.at(-1) <= max);
  lines.push({ name, figures, unit, max, counts, factors, isMissed });
  const shown = figures.map((figure) => `${figure.toFixed(figure < 10 ? 2 : 0)} ${unit}`.padStart(11));
  const growth = factors.map((factor) => `× ${factor.toFixed(1)}`).join(" ");
  const aim = max === undefined ? "" : `aim: ${Number(max.toFixed(2))} ${unit} at most`;
  console.log(`${isMissed ? "✗" : "✓"} ${name.padEnd(34)}${shown.join("")}  ${growth.padEnd(14)} ${aim}`);
}

async function atSizes(...argv) {
  const results = [];
  for (const size of sizes) results.push(measure(argv, { cwd: await multipliedLog(size) }));
  return results;
}

/** Prints a line of CPU time and one of memory. */
function cpuAndMemory(name, results, max) {
  line(name, cpuOf(results), { unit: "s", max });
  line(
    `${name}, memory`,
    results.map(({ megabytes }) => megabytes),
    { unit: "MB", max: 150 },
  );
}

const cpuOf = (results) => results.map(({ cpu }) => cpu);

const items = {
  async failed() {
    line(
      "list --only failed --search",
      cpuOf(await atSizes("events", "list", "--only", "failed", "--search", NO_TEXT)),
      {
        unit: "s",
        max: 2,
      },
    );
  },
  async where() {
    cpuAndMemory("list --where", await atSizes("events", "list", "--where", "data.total=77"));
  },
  async replay() {
    cpuAndMemory("replay --dry-run", await atSizes("replay", "--since", "9000d", "--dry-run"));
  },
  async verify() {
    const files = sizes.map(ndjson);
    const parse = files.map((path) => {
      const out = execFileSync(process.execPath, [join(here, "parse-lines.js"), path]);
      return JSON.parse(String(out)).micros / 1e6;
    });
    const empty = measure(["--version"]).cpu;
    const results = files.map((path) => measure(["verify", path]));
    cpuAndMemory("verify", results);
    cpuAndMemory(
      "verify --json",
      files.map((path) => measure(["verify", "--json", path])),
    );
    line(
      "verify beside JSON.parse",
      results.map(({ cpu }, i) => (cpu - empty) / parse[i]),
      { unit: "×", max: 8 },
    );
  },
  async interrupt() {
    line("listen, Ctrl-C without a reader", [await interruptSeconds()], { unit: "s", max: 3, counts: [2000] });
  },
  async json() {
    const results = await atSizes("events", "list", "--all", "--json");
    cpuAndMemory("list --all --json", results);
    // Half of what it was before it was made faster.
    line(
      "list --all --json, an event",
      cpuOf(results).map((cpu, i) => (cpu * 1e6) / sizes[i]),
      { unit: "µs", max: 115 },
    );
  },
  async stats() {
    line("stats", cpuOf(await atSizes("events", "stats")), { unit: "s", max: 3 });
  },
  async send() {
    const count = 50_000;
    line("send --no-fresh beside autocannon", [await sendRatio(count)], { unit: "×", max: 2.5, counts: [count] });
  },
};

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

async function sendRatio(count) {
  const port = await freePort();
  const server = node("bare.js", port);
  const url = `http://127.0.0.1:${port}/webhooks/zoho/crm`;
  await answering(url, server);
  try {
    const flags = ["--no-fresh", "--count", String(count), "--concurrency", "64", "--to", url];
    const ours = measure(["send", "crm", "Leads.create", ...flags]).cpu;
    return ours / autocannonCpu(url, count);
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
  const batch = [];
  for (let i = 0; i < size; i++) {
    const id = `5725767000${String(i).padStart(9, "0")}`;
    batch.push(
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
    if (batch.length === 10_000) writeFileSync(path, `${batch.splice(0).join("\n")}\n`, { flag: "a" });
  }
  if (batch.length > 0) writeFileSync(path, `${batch.join("\n")}\n`, { flag: "a" });
  return path;
}

try {
  console.log(`Node ${process.version}; sizes ${sizes.join(", ")}`);
  for (const [name, run] of Object.entries(items)) {
    if (named !== undefined && named !== name) continue;
    // What cannot be measured leaves the others as they are.
    await run().catch((error) => {
      console.log(`✗ ${name}: ${error.message.split("\n")[0]}`);
      failed = true;
    });
  }
  if (process.env.BENCH_JSON !== undefined) writeFileSync(process.env.BENCH_JSON, JSON.stringify({ sizes, lines }));
} finally {
  cleanUp();
}
process.exitCode = failed || lines.some(({ isMissed }) => isMissed) ? 1 : 0;
