// Start-up beside Node's own, in one run: each round times every command once, in turn, so that a busy moment of the
// machine falls on all of them. Exits with 1 when a target is missed. Usage: npm run bench:start [-- rounds]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// What an environment has Node load at its own start (certificates take as long as Node itself) would flatter every ratio;
// and a secret of the user's would fail the sample.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|ZOHO_)/.test(name)));
const rounds = Number(process.argv[2] ?? 41);
const file = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const bin = file("bin/zoho-hooks.js");

const cases = [
  { name: "node -e 0", argv: ["-e", "0"], target: 1 },
  { name: "zoho-hooks --version", argv: [bin, "--version"], target: 1.25 },
  { name: "zoho-hooks verify FILE", argv: [bin, "verify", file("fixtures/crm/guide/Leads.create.json")], target: 1.7 },
  { name: "zoho-hooks --help", argv: [bin, "--help"] },
  {
    name: "verify, nothing compiled",
    argv: [bin, "verify", file("fixtures/crm/guide/Leads.create.json")],
    env: { NODE_DISABLE_COMPILE_CACHE: "1" },
  },
].map((each) => ({ ...each, times: [] }));

for (let round = -1; round < rounds; round++) {
  for (const { name, argv, env: more, times } of cases) {
    const start = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, argv, {
      // As a script calls it, that reads what it says.
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...env, ...more },
    });
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
    if (round >= 0) times.push(ms);
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const base = cases[0].times;
let missed = false;
console.log(`node ${process.version}, ${rounds} rounds: median wall time, and median of the ratios within a round`);
for (const { name, times, target } of cases) {
  const ratio = median(times.map((time, i) => time / base[i]));
  const verdict = target === undefined ? "" : ratio <= target ? `within ${target}` : `OVER ${target}`;
  missed ||= target !== undefined && ratio > target;
  console.log(`${name.padEnd(26)} ${median(times).toFixed(1).padStart(7)} ms  × ${ratio.toFixed(2)}  ${verdict}`);
}
process.exitCode = missed ? 1 : 0;
