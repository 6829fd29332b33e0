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

const GET = (name) => `process.getBuiltinModule("${name}")`;
/** `import { a, b as c } from "node:x";` */
const NODE_IMPORT = /^import \{ (.+) \} from "(node:[\w/]+)";$/gm;

/**
 * Takes Node's own modules from `process.getBuiltinModule`: importing one has Node make a second module around it, and
 * `require` has it load its whole module system. A function of node:crypto loads it when it is called, which is when there
 * is a secret to check or an id to make. What is imported dynamically stays as it is.
 */
const fasterStart = {
  name: "faster-start",
  resolveId(id, importer, { kind }) {
    if (UNUSED.includes(id) && /[\\/]node_modules[\\/]/.test(importer ?? "")) return "\0start:unused";
    return id.startsWith("node:") && kind === "require-call" ? `\0start:${id}` : undefined;
  },
  load(id) {
    if (id === "\0start:unused") return "export default { stdout: false, stderr: false };";
    return id.startsWith("\0start:") ? `module.exports = ${GET(id.slice("\0start:".length))};` : undefined;
  },
  renderChunk: (code, { name: chunk }) =>
    code.replace(NODE_IMPORT, (_, names, module) => {
      // Elsewhere than in what every run loads a function is to be Node's own: `promisify` knows it.
      if (module !== "node:crypto" || chunk !== "core")
        return `const { ${names.replaceAll(" as ", ": ")} } = ${GET(module)};`;
      const functions = names.split(", ").map((each) => each.split(" as "));
      return functions
        .map(([name, local = name]) => `const ${local} = (...given) => ${GET(module)}.${name}(...given);`)
        .join("\n");
    }),
};

await build({
  ...shared,
  plugins: [fasterStart],
  input: { cli: "src/cli.ts" },
  external: matches(packages.filter((name) => !INLINED.includes(name))),
  output: {
    dir: "dist",
    format: "esm",
    minify: true,
    // Node reads a file of one byte a character in half the time.
    charset: "ascii",
    chunkFileNames: "chunks/[name]-[hash].js",
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
