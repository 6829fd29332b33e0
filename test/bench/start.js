// Start-up beside Node's own, in one run: each round runs every command once, in turn, so that a busy moment of the machine
// falls on all of them. Exits with 1 when a target is missed. Usage: npm run bench:start [-- rounds]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// What an environment has Node load at its own start (certificates take as long as Node itself) would flatter every ratio;
// and a secret of the user's would fail the sample.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|ZOHO_)/.test(name)));
const rounds = Number(process.argv[2] ?? 41);
const file = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const bin = file("bin/zoho-hooks.js");
const verify = [bin, "verify", file("fixtures/crm/guide/Leads.create.json")];
const isNode20 = process.version.startsWith("v20.");

const cases = [
  { name: "node -e 0", argv: ["-e", "0"] },
  { name: "zoho-hooks --version", argv: [bin, "--version"], maxRatio: 1.25 },
  // Node 20 has no compile cache.
  { name: "zoho-hooks verify FILE", argv: verify, maxCpuMs: isNode20 ? 60 : 42 },
  { name: "zoho-hooks --help", argv: [bin, "--help"] },
  { name: "verify, no compile cache", argv: verify, env: { NODE_DISABLE_COMPILE_CACHE: "1" } },
].map((each) => ({ ...each, wall: [], cpu: [] }));

for (let round = -1; round < rounds; round++) {
  for (const { name, argv, env: more, wall, cpu } of cases) {
    const start = process.hrtime.bigint();
    const { status, stderr, output } = spawnSync(
      process.execPath,
      ["--require", file("test/bench/cpu-usage.cjs"), ...argv],
      {
        // As a script calls it, that reads what it says.
        stdio: ["ignore", "pipe", "pipe", "pipe"],
        env: { ...env, ...more },
      },
    );
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
    if (round < 0) continue;
    wall.push(ms);
    cpu.push(Number.parseInt(output[3], 10) / 1000);
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const [base] = cases;
let missed = false;
console.log(
  `node ${process.version}, ${rounds} rounds, medians: wall time, its ratio within a round; CPU time, over Node's own`,
);
for (const { name, wall, cpu, maxRatio = Infinity, maxCpuMs = Infinity } of cases) {
  const ratio = median(wall.map((ms, i) => ms / base.wall[i]));
  const over = median(cpu.map((ms, i) => ms - base.cpu[i]));
  const target = [`x ${maxRatio}`, `${maxCpuMs} ms of CPU`].filter((text) => !text.includes("Infinity")).join();
  const isMissed = ratio > maxRatio || over > maxCpuMs;
  missed ||= isMissed;
  const figures = `${median(wall).toFixed(1).padStart(7)} ms  x ${ratio.toFixed(2)}  ${median(cpu).toFixed(1).padStart(6)} ms  + ${over.toFixed(1)}`;
  console.log(`${name.padEnd(26)} ${figures}${target && `  ${isMissed ? "OVER" : "within"} ${target}`}`);
}
process.exitCode = missed ? 1 : 0;
