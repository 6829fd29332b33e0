import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const globalSetup = fileURLToPath(new URL("test/support/temp-root.ts", import.meta.url));

/** Files that need Linux as a whole, with the reason. A single test says so itself: skipIf(lacks("linux")). */
const LINUX_ONLY = [
  "test/faults/floods.test.ts", // reads memory in /proc
  "test/faults/no-file-handles.test.ts", // reads file handles in /proc
];
const exclude = [...configDefaults.exclude, ...(process.platform === "linux" ? [] : LINUX_ONLY)];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Vitest's second is too short on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    pool: "forks",
    // Tests wait more than they compute: one more than there are cores keeps them busy.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        extends: true,
        test: {
          name: "in-process",
          globalSetup,
          include: ["test/**/*.test.ts"],
          exclude: [...exclude, "test/{e2e,faults,fuzz}/**"],
          // The files share nothing but the modules, which each worker loads once.
          isolate: false,
        },
      },
      { extends: true, test: { name: "e2e", globalSetup, include: ["test/e2e/**/*.test.ts"], exclude } },
      {
        extends: true,
        test: {
          name: "faults",
          globalSetup,
          include: ["test/faults/*.test.ts"],
          exclude,
          // The long forms take minutes, and more on a machine that does other work as well.
          testTimeout: 900_000,
          expect: { poll: { timeout: 300_000 } },
          // They wait more than they compute.
          maxConcurrency: 20,
        },
      },
      { extends: true, test: { name: "fuzz", globalSetup, include: ["test/fuzz/**/*.test.ts"], exclude } },
    ],
  },
});
