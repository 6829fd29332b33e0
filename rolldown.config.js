import { readFileSync } from "node:fs";
import { defineConfig } from "rolldown";

const { version, dependencies, optionalDependencies = {} } = JSON.parse(readFileSync("package.json", "utf8"));
/** Inlined into the command line, where each file read at start-up costs time; everything else stays a package. */
const INLINED = ["commander", "chalk", "zod"];
const packages = Object.keys({ ...dependencies, ...optionalDependencies });
const matches = (names) => (id) => names.some((name) => id === name || id.startsWith(`${name}/`));

const shared = {
  platform: "node",
  transform: { define: { __VERSION__: JSON.stringify(version) } },
};

export default defineConfig([
  {
    ...shared,
    input: { cli: "src/cli.ts" },
    external: matches(packages.filter((name) => !INLINED.includes(name))),
    output: { dir: "dist", format: "esm", minify: true, chunkFileNames: "chunks/[name]-[hash].js", cleanDir: true },
  },
  {
    // The library keeps zod outside: an app that composes our schemas with its own needs the same zod.
    ...shared,
    input: { index: "src/index.ts" },
    external: matches(packages),
    output: { dir: "dist", format: "esm" },
  },
]);
