// What one watcher of the inspector costs: CPU time an event of listen and its inspector together, at 2,000 events a second,
// in interleaved pairs without and with a watcher. Exits with 1 when the median is more than 10 % or an event is lost.
// Usage: node test/bench/inspector.js [pairs] [seconds]
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const [pairs, seconds] = [Number(process.argv[2] ?? 10), Number(process.argv[3] ?? 5)];
const RATE = 2000;
const MAX_RATIO = 1.1;
const file = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), "zoho-hooks-bench-"));
const secrets = { ZOHO_WEBHOOK_SECRET: "bench", ZOHO_WEBHOOK_TOKEN: "bench" };
const env = { PATH: process.env.PATH, HOME: cwd, XDG_CONFIG_HOME: join(cwd, "config"), ...secrets };
const output = join(cwd, "out");
const words = [file("bin/zoho-hooks.js"), "listen", "--port", "0", "--tunnel", "none", "--json", "--ui"];
const listen = spawn(process.execPath, words, { cwd, env, stdio: ["ignore", openSync(output, "w"), "inherit"] });

const ready = await (async () => {
  for (;;) {
    const [line] = readFileSync(output, "utf8").split("\n", 1);
    if (line.endsWith("}")) return JSON.parse(line);
    await delay(50);
  }
})();
const inspector = Number(readFileSync(`/proc/${listen.pid}/task/${listen.pid}/children`, "utf8").trim().split(" ")[0]);

function cpuMs() {
  return [listen.pid, inspector].map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  });
}

/** Counts the events that arrive, each once. */
function watch() {
  const { port, hash } = new URL(ready.inspector_url);
  const headers = { authorization: `Bearer ${hash.slice(1)}` };
  const seen = { count: 0, last: 0, wrong: 0, close: () => call.destroy() };
  const call = request({ host: "127.0.0.1", port, path: "/api/stream", headers }, (response) => {
    let rest = "";
    response.setEncoding("utf8").on("data", (chunk) => {
      const parts = (rest + chunk).split("\n\n");
      rest = parts.pop();
      for (const part of parts.filter((each) => each.includes("event: events"))) {
        for (const [, n] of part.matchAll(/\{"n":(\d+)/g)) {
          if (seen.last !== 0 && Number(n) !== seen.last + 1) seen.wrong++;
          seen.last = Number(n);
          seen.count++;
        }
      }
    });
  });
  call.on("error", () => {});
  call.end();
  return seen;
}

async function round(isWatched) {
  const seen = isWatched ? watch() : undefined;
  await delay(500);
  const before = cpuMs();
  const blast = spawn(
    process.execPath,
    [file("test/bench/blast.js"), `${ready.url}/webhooks/zoho/crm`, "64", String(seconds), String(RATE)],
    { env, stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  for await (const chunk of blast.stdout) text += chunk;
  const { count, failed, rate } = JSON.parse(text);
  await delay(700);
  const [own, its] = cpuMs().map((ms, i) => ((ms - before[i]) * 1000) / count);
  seen?.close();
  return { cpu: own + its, its, rate, lost: failed + (seen === undefined ? 0 : count - seen.count + seen.wrong) };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const ratios = [];
let lost = 0;
try {
  await round(false);
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? [false, true] : [true, false];
    const results = {};
    for (const isWatched of order) results[isWatched] = await round(isWatched);
    const { false: alone, true: watched } = results;
    ratios.push(watched.cpu / alone.cpu);
    lost += alone.lost + watched.lost;
    console.log(
      `alone ${alone.cpu.toFixed(0)} µs of CPU each at ${alone.rate.toFixed(0)}/s, watched ${watched.cpu.toFixed(0)} µs (${watched.its.toFixed(0)} of them the inspector's) at ${watched.rate.toFixed(0)}/s: x ${ratios.at(-1).toFixed(3)}, lost ${alone.lost + watched.lost}`,
    );
  }
} finally {
  listen.kill("SIGINT");
  await new Promise((resolve) => listen.once("exit", resolve));
  rmSync(cwd, { recursive: true, force: true });
}
const ratio = median(ratios);
console.log(`one watcher: x ${ratio.toFixed(3)} of the CPU time (at most ${MAX_RATIO}), ${lost} lost`);
process.exitCode = ratio > MAX_RATIO || lost > 0 ? 1 : 0;
