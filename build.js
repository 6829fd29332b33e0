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
  /[\\/]src[\\/](?:core|config|products)[\\/]/,
  /[\\/]src[\\/]program\.ts$/,
  /[\\/]src[\\/]ui[\\/](?:human|json)[\\/]/,
  /[\\/]src[\\/]ui[\\/](?:context|failure|human|json|paint)\.ts$/,
  /[\\/]src[\\/]commands[\\/](?:index|tree|options|verify)\.ts$/,
  /[\\/]src[\\/]commands[\\/]verify[\\/]/,
  /[\\/]node_modules[\\/](?:chalk|commander|zod)[\\/]/,
  /rolldown[\\/-]runtime|lazy:crypto/,
];

const shared = {
  platform: "node",
  transform: { define: { __VERSION__: JSON.stringify(version) } },
};

/**
 * Parts of packages that the command line never uses, and that take a noticeable part of its start to load: chalk finds out
 * what the terminal can do, which ui/paint.ts decides itself; commander can start other programs as subcommands.
 */
const UNUSED = {
  "#supports-color": "export default { stdout: false, stderr: false };",
  "node:child_process": "export {};",
};

/**
 * Node's crypto takes a twentieth of a short run to load, and a run that checks no proof calls none of it: each function
 * that the source imports loads it when it is called. One that is missing here fails the build.
 */
const CRYPTO = [
  ...["createHash", "createHmac", "createPrivateKey", "createPublicKey", "generateKeyPair", "randomBytes"],
  ...["randomInt", "randomUUID", "sign", "timingSafeEqual", "verify"],
];
const lazyCrypto = CRYPTO.map(
  (name) => `export const ${name} = (...values) => process.getBuiltinModule("node:crypto").${name}(...values);`,
).join("\n");

const quickStart = {
  name: "quick-start",
  resolveId(id, importer = "") {
    if (id in UNUSED && /[\\/]node_modules[\\/](?:chalk|commander)[\\/]/.test(importer)) return `\0unused:${id}`;
    return id === "node:crypto" ? "\0lazy:crypto" : undefined;
  },
  load(id) {
    if (id === "\0lazy:crypto") return lazyCrypto;
    return id.startsWith("\0unused:") ? UNUSED[id.slice("\0unused:".length)] : undefined;
  },
};

await build([
  {
    ...shared,
    plugins: [quickStart],
    input: { cli: "src/cli.ts" },
    external: matches(packages.filter((name) => !INLINED.includes(name))),
    output: {
      dir: "dist",
      format: "esm",
      minify: true,
      chunkFileNames: "chunks/[name]-[hash].js",
      cleanDir: true,
      codeSplitting: {
        groups: [{ name: "core", test: (id) => SHARED.some((pattern) => pattern.test(id)) }],
      },
    },
  },
  {
    // The library keeps zod outside: an app that composes our schemas with its own needs the same zod.
    ...shared,
    input: { index: "src/index.ts" },
    external: matches(packages),
    output: { dir: "dist", format: "esm" },
  },
]);
