// Stryker's vitest runner starts vitest and loads all modules for each mutant. This one tries all mutants in a single run.
import { appendFileSync, readFileSync } from "node:fs";
import { startVitest } from "vitest/node";

/** Lines that `mutation-tests.js` writes in the folder of the instrumented copy. */
const RESULTS = "mutation-results.jsonl";

class InProcessRunner {
  results = [];

  capabilities() {
    return { reloadEnvironment: true };
  }

  async dryRun({ testFiles }) {
    appendFileSync(RESULTS, "");
    const vitest = await startVitest("test", [], {
      config: false,
      globalSetup: ["test/support/temp-root.ts"],
      include: testFiles,
      isolate: false,
      maxWorkers: 2,
      pool: "forks",
      reporters: ["dot"],
      runner: "./.ci/mutation-tests.js",
      // For a test with all of its mutants.
      testTimeout: 1_800_000,
      watch: false,
    });
    await vitest.close();
    this.results = readFileSync(RESULTS, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const tests = this.results.filter(({ coverage }) => coverage !== undefined);
    return {
      status: "complete",
      tests: tests.map(({ id, name, timeSpentMs }) => ({ id, name, timeSpentMs, status: 0 })),
      mutantCoverage: {
        static: Object.assign({}, ...this.results.map(({ first }) => first)),
        perTest: Object.fromEntries(tests.map(({ id, coverage }) => [id, coverage])),
      },
    };
  }

  async mutantRun({ activeMutant }) {
    const killed = this.results.find(({ mutant }) => mutant === activeMutant.id);
    if (killed === undefined) return { status: "survived", nrOfTests: 0 };
    if (killed.message === "late") return { status: "timeout" };
    return { status: "killed", killedBy: [killed.test], failureMessage: killed.message, nrOfTests: 1 };
  }
}

export const strykerPlugins = [{ kind: "TestRunner", name: "in-process", injectableClass: InProcessRunner }];
