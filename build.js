// Bundles the command line and the library into dist/. Silent unless something is wrong. Usage: npm run build
import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "rolldown";
import { minify } from "rolldown/utils";

const { version, dependencies, optionalDependencies = {} } = JSON.parse(readFileSync("package.json", "utf8"));
/** Inlined into the command line, where each file read at start-up costs time; everything else stays a package. */
const INLINED = ["commander", "chalk", "zod"];
const packages = Object.keys({ ...dependencies, ...optionalDependencies });
const matches = (names) => (id) => names.some((name) => id === name || id.startsWith(`${name}/`));

const shared = {
  platform: "node",
  transform: { define: { __VERSION__: JSON.stringify(version) } },
};

/**
 * Parts of packages that the command line never uses: chalk finds out what the terminal can do, which ui/paint.ts decides
 * itself; commander can start other programs as subcommands.
 */
const UNUSED = ["#supports-color", "node:child_process"];

/** What few runs use and takes its time to load: modules of Node's own, and colours, which are for terminals. */
const SELDOM_USED = ["node:crypto", "node:os", '\\./chunks/chalk[^"]*'];

/** How a chunk exports a name: by a getter, since it might change. None of ours does, and a value is faster to set. */
const EXPORT =
  /^Object\.defineProperty\(exports, "(?<getter>[\w$]+)", \{\s+enumerable: true,\s+get: function \(\) \{\s+return (?<got>[\w$]+);\s+\}\s+\}\);\n?|^exports\.(?<name>[\w$]+) = (?<value>[\w$]+);\n?/gm;

/**
 * What every run loads, in one file, since opening a file takes longer than reading some code that is not needed; and with
 * it `verify`, which scripts call over and over.
 */
const START = ["src/cli.ts", "src/commands/verify.ts"];
const START_FILE = "cli.cjs";
const atStart = new Set();

/** Leaves out what is never used, and loads late what seldom is. */
const fasterStart = {
  name: "faster-start",
  resolveId: (id, importer) =>
    UNUSED.includes(id) && /[\\/]node_modules[\\/]/.test(importer ?? "") ? "\0start:unused" : undefined,
  load: (id) => (id === "\0start:unused" ? "export default { stdout: false, stderr: false };" : undefined),
  buildEnd() {
    const add = (id) => {
      if (atStart.has(id)) return;
      atStart.add(id);
      for (const imported of this.getModuleInfo(id)?.importedIds ?? []) add(imported);
    };
    for (const file of START) add(resolve(file));
  },
  generateBundle(_, bundle) {
    refuseCycles(bundle);
    // Small, and a file of its own.
    const runtime = Object.values(bundle).find(({ name }) => name === "rolldown-runtime");
    const held = `((module) => {${runtime.code};return module.exports})({})`;
    bundle[START_FILE].code = bundle[START_FILE].code.replace(`require("./${runtime.fileName}")`, () => held);
    // bin/compile-cache.js knows by it whether what it has kept is of this file.
    for (const chunk of Object.values(bundle))
      chunk.code = `/*${hash("sha256", chunk.code).slice(0, 16)}*/${chunk.code}`;
  },
  renderChunk(code, { name: chunk }) {
    const exported = exportAtOnce(code);
    return chunk === "cli" ? SELDOM_USED.reduce(loadWhenCalled, exported) : exported;
  },
};

/** Files that load each other would find exports that are not there yet, since they come at the end. */
function refuseCycles(bundle) {
  const done = new Set();
  const visit = (fileName, path) => {
    if (path.includes(fileName)) throw new Error(`files load each other: ${[...path, fileName].join(" → ")}`);
    if (done.has(fileName) || fileName === START_FILE) return;
    for (const imported of bundle[fileName]?.imports ?? []) visit(imported, [...path, fileName]);
    done.add(fileName);
  };
  for (const fileName of Object.keys(bundle)) visit(fileName, []);
}

function exportAtOnce(code) {
  const found = [...code.matchAll(EXPORT)].map(({ groups: { getter, got, name, value } }) =>
    getter === undefined ? [name, value] : [getter, got],
  );
  if (found.length === 0) return code;
  const others = code
    .replaceAll(EXPORT, "")
    .replace(/^Object\.defineProperty\(exports, Symbol\.toStringTag, .*\n/m, "");
  if (/^exports\.|\(exports, "/m.test(others)) throw new Error("an export is written in a way that is not known");
  const changing = found.find(([, value]) => new RegExp(`^let ${value.replaceAll("$", "\\$")}\\b`, "m").test(others));
  if (changing !== undefined) throw new Error(`${changing[0]} is exported, and may change`);
  return `${others}module.exports = { ${found.map((pair) => pair.join(": ")).join(", ")} };\n`;
}

/** Loads a module when one of its functions is first called: node:crypto, when there is a secret to check. */
function loadWhenCalled(code, module) {
  const line = new RegExp(`^(?:let|const) (\\w+) = require\\("(${module})"\\);\\n`, "m");
  const [, name, path] = line.exec(code) ?? [];
  if (name === undefined) return code;
  const others = code.replace(line, "");
  if (new RegExp(`\\b${name}\\b(?!\\.)`).test(others)) throw new Error(`${module} is used as a whole`);
  return `let ${name};\n${others.replaceAll(new RegExp(`\\b${name}\\.`, "g"), `(${name} ??= require("${path}")).`)}`;
}

await build({
  ...shared,
  plugins: [fasterStart],
  input: { cli: "src/cli.ts" },
  // Other files take from the first what they share with it.
  preserveEntrySignatures: "allow-extension",
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
    entryFileNames: START_FILE,
    chunkFileNames: "chunks/[name]-[hash].cjs",
    minifyInternalExports: false,
    cleanDir: true,
    codeSplitting: {
      groups: [
        { name: "chalk", test: /[\\/]node_modules[\\/]chalk[\\/]/, priority: 1 },
        { name: "start", test: (id) => atStart.has(id) },
      ],
      includeDependenciesRecursively: false,
    },
  },
});
// For tests that `require`, too: Jest loads no ES module for them, unless it is given a flag of Node's.
for (const [file, format] of Object.entries({ "dist/index.js": "esm", "dist/index.cjs": "cjs" })) {
  await build({
    // The library keeps zod outside: an app that composes our schemas with its own needs the same zod.
    ...shared,
    input: "src/index.ts",
    external: matches(packages),
    output: { file, format },
  });
}
// Every run compiles it anew, before it can take anything from what is kept: without its words that takes half as long.
const compileCache = await minify("compile-cache.js", readFileSync("bin/compile-cache.js", "utf8"));
writeFileSync("dist/compile-cache.cjs", compileCache.code);
