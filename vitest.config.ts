import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Servers, processes and clocks are real: on a busy machine one of thousands may come too late once, not twice.
    retry: 1,
  },
});
