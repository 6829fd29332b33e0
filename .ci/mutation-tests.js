// Repeats each test with each mutant that it covers, until a test fails or the mutant has had its time.
import { appendFileSync, readFileSync } from "node:fs";
import { TestRunner } from "vitest";

const RESULTS = "mutation-results.jsonl";
/** Processor time for one mutant in the tests of one file, and for one run of a test. */
const MAX_MS = 400;
const usedMs = new Map();
/** Stryker's instrumented code reads and counts here. */
const stryker = globalThis.__stryker__ ?? {};
globalThis.__stryker__ = stryker;

export default class extends TestRunner {
  onAfterRunFiles() {
    super.onAfterRunFiles();
    report({ first: stryker.mutantCoverage?.static });
  }

  async runTask(test) {
    const run = TestRunner.getTestFn(test);
    // The first run loads modules and fills caches, whose mutants cannot be switched on later.
    await run();
    stryker.currentTestId = test.id;
    const { ms, error } = await timed(run);
    stryker.currentTestId = undefined;
    const coverage = stryker.mutantCoverage?.perTest[test.id];
    if (coverage === undefined) return;
    report({ id: test.id, name: `${test.file.name} ${test.name}`, timeSpentMs: ms, coverage });
    // Some tests cannot be repeated, and some take too long.
    if (error !== undefined || ms > MAX_MS) return;
    const killed = new Set(readFileSync(RESULTS, "utf8").match(/(?<="mutant":")\d+/g));
    for (const [mutant, hits] of Object.entries(coverage)) {
      const key = `${test.file.id} ${mutant}`;
      const used = usedMs.get(key) ?? 0;
      if (killed.has(mutant) || used > MAX_MS) continue;
      Object.assign(stryker, { activeMutant: mutant, hitCount: 0, hitLimit: 100 * hits });
      const { ms, error } = await timed(run);
      stryker.activeMutant = undefined;
      usedMs.set(key, used + ms);
      if (error !== undefined) report({ mutant, test: test.id, message: String(error.message).slice(0, 200) });
    }
  }
}

function report(line) {
  appendFileSync(RESULTS, `${JSON.stringify(line)}\n`);
}

/** The processor time of a run, and why it failed. */
async function timed(run) {
  const before = process.cpuUsage();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, 10_000, new Error("late"));
  });
  const error = await Promise.race([run(), late]).then(
    () => undefined,
    (reason) => reason,
  );
  clearTimeout(timer);
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1_000, error };
}
