/**
 * Runs the benches and writes docs/performance.md and docs/images/growth.svg from their figures: `npm run bench:page`, some
 * 45 minutes on a machine that does nothing else. Given the two files of figures (BENCH_JSON), only writes.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type } from "node:os";
import { join } from "node:path";
import { growthChart } from "./growth-chart.js";
import { cleanUp, here, work } from "./processes.js";

const SIZES = ["10000", "100000", "1000000"];
const root = join(here, "../..");
const OURS = "zoho-hooks listen";

/** What each does and does not: [the key of its version, does, does not]. */
const ABOUT = {
  [OURS]: [
    "zoho-hooks",
    "Verifies, recognises, checks against a schema, saves to disk before it answers; forwards with retries, waits for an app that is down",
    "",
  ],
  "minimal receiver": [
    undefined,
    "Verifies one signature, saves to disk before it answers, forwards from memory: the least that this task takes in Node (`test/bench/servers/least.js`)",
    "Recognise, explain, mask, order or retry; go on after a crash",
  ],
  "bare node:http": ["node", "Reads the body and answers 200", "Anything else"],
  "guide: Express + Bull": [
    "express",
    "The receiver of the Webhooks Guide: verifies a signature of the parsed body, adds to a Bull queue in Redis",
    "Save to disk (Redis is in memory here), keep the exact bytes",
  ],
  "resend webhooks listen": [
    "resend-cli",
    "Receives, forwards, answers what the app answered",
    "Verify, save or retry; pass on headers other than its own",
  ],
  "smee-client": [
    "smee-client",
    "Gets events from a stream and forwards them",
    "Receive (smee.io does, here a stand-in), verify, save or retry; keep the exact bytes",
  ],
  "hookdeck listen": [
    "hookdeck-cli",
    "Gets requests from a websocket, forwards them, returns what the app answered; written in Go",
    "Receive (Hookdeck's service does, here a stand-in on loopback), verify or save",
  ],
};

function figuresOf(script, ...args) {
  const file = join(work, `${script}.json`);
  const env = { ...process.env, BENCH_JSON: file };
  // Exits with 1 when an aim is missed, which the page shows.
  spawnSync(process.execPath, [join(here, script), ...args], { env, stdio: "inherit" });
  return file;
}

const [peersFile = figuresOf("peers.js"), growthFile = figuresOf("growth.js", ...SIZES)] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const { machine, runs, versions, received, delivered, paces } = read(peersFile);
const { sizes, lines } = read(growthFile);
cleanUp();
versions["zoho-hooks"] = read(join(root, "package.json")).version;
versions.node = machine.node.slice(1);

const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "--:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const whole = (number) => Math.round(number).toLocaleString("en");
const ms = (number) => (number < 10 ? number.toFixed(1) : whole(number));
const times = (ratio) => (ratio === undefined ? "" : `${ratio.toFixed(2)} ×`);
const figure = (number, unit) => `${number < 10 ? number.toFixed(2) : whole(number)} ${unit}`;
const aim = ({ max, unit, isMissed }) =>
  max === undefined ? "" : `${isMissed ? "missed: " : ""}≤ ${Number(max.toFixed(1))} ${unit}`;
const lost = (row) => (row.lost > 0 ? ` (${whole(row.lost)} not delivered)` : "");
const throughput = (rows) =>
  table(
    ["", "events a second", "CPU an event", "memory", "our rate beside it", "our CPU beside it"],
    rows.map((row) => [
      `${row.name}${lost(row)}`,
      whole(row.rate),
      `${whole(row.cpu)} µs`,
      `${row.megabytes} MB`,
      times(row.rateRatio),
      times(row.cpuRatio),
    ]),
  );
const shown = [...new Set([...delivered, ...received].map(({ name }) => name))];
const latency = (row) => (row === undefined ? "" : `${ms(row.p50)} / ${ms(row.p99)} ms${lost(row)}`);

/** Measured at the sizes of the log, and not with counts of its own. */
const isBySize = ({ counts }) => counts.join() === sizes.join();

const page = `# Performance

How fast \`listen\` receives and forwards compared with other tools, how long an event takes to reach your app, and how commands grow
with the event log. In a clone of the repository, \`npm run bench:page\` measures and writes this page.

Measured on ${new Date().toISOString().slice(0, 10)}: zoho-hooks ${versions["zoho-hooks"]}, Node ${versions.node}, ${type()}, ${machine.cores} cores (${machine.cpu}), ${whole(machine.memory / 2 ** 30)} GB of memory. The tool, what posts and
the app share the machine over loopback, so compare ratios, not rates, with another machine. Figures are medians of ${runs.compare} rounds
(latency: ${runs.pace}) in each of which all run in turn; ratios are of one round. CPU time and the most memory are of the tool's own process.

## Receiving

Verify, record and answer, over ${runs.connections} connections.

${throughput(received)}

## Forwarding

The same, and forward to an app.

${throughput(delivered)}

## Latency at a steady pace

From the post to the app's socket, p50 / p99, after a warm-up of six seconds. Before that V8 has yet to compile what runs
often, and a \`listen\` that has just started can be a second behind at 1,500 events a second.

${table(
  ["", ...paces.map(({ title }) => title)],
  delivered.map(({ name }) => [name, ...paces.map(({ rows }) => latency(rows.find((row) => row.name === name)))]),
)}

## What each one does

${table(
  ["", "version", "does", "does not"],
  shown.map((name) => [name, versions[ABOUT[name][0]] ?? "", ABOUT[name][1], ABOUT[name][2]]),
).replaceAll("--:", "---")}

The stand-ins for smee.io and for Hookdeck's service receive the requests, and their CPU time is not counted; the others' CPU time
includes receiving. Hookdeck's stand-in has as many requests in flight as there are connections.

## Growth

CPU time of each command, and the most memory that it takes, by the number of events in the log (for \`verify\`, of lines in a file).

![CPU time of commands by the number of events, on logarithmic axes](images/growth.svg)

${table(
  ["", ...sizes.map((size) => size.toLocaleString("en")), "growth", "aim"],
  lines
    .filter(isBySize)
    .map((each) => [
      each.name,
      ...each.figures.map((number) => figure(number, each.unit)),
      each.factors.map((factor) => `× ${factor.toFixed(1)}`).join(", "),
      aim(each),
    ]),
)}

${lines
  .filter((each) => !isBySize(each))
  .map((each) =>
    `- ${each.name}: ${each.figures.map((number) => figure(number, each.unit)).join(", ")} ${aim(each) && `(${aim(each)})`}`.trim(),
  )
  .join("\n")}
`;
writeFileSync(join(root, "docs/performance.md"), page);
const drawn = lines.filter((each) => each.unit === "s" && isBySize(each));
writeFileSync(join(root, "docs/images/growth.svg"), growthChart(drawn, sizes));
