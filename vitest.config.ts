import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: fileURLToPath(new URL("test/support/temp-root.ts", import.meta.url)),
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
