// Bundles the command line and the library into dist/. Silent unless something is wrong. Usage: npm run build
import { readFileSync } from "node:fs";
import { build } from "rolldown";

const { version, dependencies, optionalDependencies = {} } = JSON.parse(readFileSync("package.json", "utf8"));
/** Inlined into the command line, where each file read at start-up costs time; everything else stays a package. */
const INLINED = ["commander", "chalk", "zod"];
const packages = Object.keys({ ...dependencies, ...optionalDependencies });
const matches = (names) => (id) => names.some((name) => id === name || id.startsWith(`${name}/`));

/**
 * What every run of a command loads, in one file: opening a file takes longer than reading some code that is not needed.
 * `verify` is among it, since scripts call it over and over.
 */
const SHARED = [
  // What reads products of the user's own is for those who have some.
  /[\\/]src[\\/](?:core|config|products)[\\/](?!own)/,
  /[\\/]src[\\/]program\.ts$/,
  /[\\/]src[\\/]ui[\\/](?:human|json)[\\/]/,
  /[\\/]src[\\/]ui[\\/](?:context|failure|human|json|paint)\.ts$/,
  /[\\/]src[\\/]commands[\\/](?:index|tree|options|verify)\.ts$/,
  /[\\/]src[\\/]commands[\\/]verify[\\/]/,
  /[\\/]node_modules[\\/](?:chalk|commander|zod)[\\/]/,
  /rolldown[\\/-]runtime/,
];

const shared = {
  platform: "node",
  transform: { define: { __VERSION__: JSON.stringify(version) } },
};

/**
 * Parts of packages that the command line never uses: chalk finds out what the terminal can do, which ui/paint.ts decides
 * itself; commander can start other programs as subcommands.
 */
const UNUSED = ["#supports-color", "node:child_process"];

/** What a chunk names node:crypto by, where it imports it. */
const CRYPTO = /^let (\w+) = require\("node:crypto"\);\n/m;

/**
 * Loads node:crypto when one of its functions is first called, which is when there is a secret to check or an id to make;
 * and leaves out what is never used.
 */
const fasterStart = {
  name: "faster-start",
  resolveId: (id, importer) =>
    UNUSED.includes(id) && /[\\/]node_modules[\\/]/.test(importer ?? "") ? "\0start:unused" : undefined,
  load: (id) => (id === "\0start:unused" ? "export default { stdout: false, stderr: false };" : undefined),
  renderChunk(code, { name: chunk }) {
    const name = chunk === "core" ? CRYPTO.exec(code)?.[1] : undefined;
    if (name === undefined) return undefined;
    const uses = new RegExp(`\\b${name}\\b(?!\\.)`, "g");
    if (code.replace(CRYPTO, "").search(uses) !== -1) throw new Error(`${chunk} uses ${name} as a whole`);
    return code
      .replaceAll(new RegExp(`\\b${name}\\.`, "g"), `(${name} ??= require("node:crypto")).`)
      .replace(CRYPTO, `let ${name};\n`);
  },
};

await build({
  ...shared,
  plugins: [fasterStart],
  input: { cli: "src/cli.ts" },
  // Reading a JSON Schema takes all of zod: then the package, of which every other run needs a part.
  external: (id) => id === "zod/v4" || matches(packages.filter((name) => !INLINED.includes(name)))(id),
  output: {
    dir: "dist",
    // Node has less to do for a file of this kind, and bin/compile-cache.js can keep it compiled.
    format: "cjs",
    // Node lets a script that it did not load itself import nothing.
    dynamicImportInCjs: false,
    minify: true,
    // Node reads a file of one byte a character in half the time.
    charset: "ascii",
    entryFileNames: "[name].cjs",
    chunkFileNames: "chunks/[name]-[hash].cjs",
    cleanDir: true,
    codeSplitting: { groups: [{ name: "core", test: (id) => SHARED.some((part) => part.test(id)) }] },
  },
});
await build({
  // The library keeps zod outside: an app that composes our schemas with its own needs the same zod.
  ...shared,
  input: { index: "src/index.ts" },
  external: matches(packages),
  output: { dir: "dist", format: "esm" },
});
