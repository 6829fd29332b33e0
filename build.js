// Bundles the command line and the library into dist/. Silent unless something is wrong. Usage: npm run build
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "rolldown";

const { version, dependencies, optionalDependencies, peerDependencies } = JSON.parse(
  readFileSync("package.json", "utf8"),
);
/** What is installed with the package or by the user. Everything else is bundled. */
const packages = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
const matches = (names) => (id) => names.some((name) => id === name || id.startsWith(`${name}/`));

const shared = {
  platform: "node",
  transform: { define: { __VERSION__: JSON.stringify(version) } },
};

/** What every run loads, and `verify`, which scripts call often: one file, since opening a file takes longer than reading it. */
const START = ["src/cli.ts", "src/commands/verify.ts"];
const atStart = new Set();
const findStart = {
  name: "find-start",
  buildEnd() {
    const add = (id) => {
      if (atStart.has(id)) return;
      atStart.add(id);
      for (const imported of this.getModuleInfo(id)?.importedIds ?? []) add(imported);
    };
    for (const file of START) add(resolve(file));
  },
};

const { output: bundled } = await build({
  ...shared,
  plugins: [findStart],
  input: { cli: "src/cli.ts" },
  // Other files take from the first what they share with it.
  preserveEntrySignatures: "allow-extension",
  // Every run needs a part of zod, which is bundled.
  external: matches(packages.filter((name) => name !== "zod")),
  output: {
    dir: "dist",
    // Starts faster than ES modules do, and so do the packages that it loads by require().
    format: "cjs",
    dynamicImportInCjs: false,
    minify: true,
    // Node reads a file of one byte a character in half the time.
    charset: "ascii",
    entryFileNames: "[name].cjs",
    chunkFileNames: "chunks/[name]-[hash].cjs",
    cleanDir: true,
    codeSplitting: {
      groups: [{ name: "start", test: (id) => atStart.has(id) }],
      includeDependenciesRecursively: false,
    },
  },
});
/** What an app imports, each as src/library/<name>.ts and as a path of the package: `zoho-hooks`, `zoho-hooks/express`. */
const LIBRARY = ["index", "express", "fastify", "hono", "next", "testing"];
/** Files that share none with others: what needs nothing of Node, and what few apps load. */
const ALONE = { connect: "neutral", "file-entries": "node" };
// For tests that `require`, too: Jest loads no ES module for them, unless it is given a flag of Node's.
for (const [format, extension] of [
  ["es", "js"],
  ["cjs", "cjs"],
]) {
  await build({
    // The library keeps zod outside: an app that composes our schemas with its own needs the same zod.
    ...shared,
    input: Object.fromEntries(LIBRARY.map((name) => [name, `src/library/${name}.ts`])),
    external: matches(packages),
    plugins: [
      {
        name: "alone",
        resolveId(source) {
          return source === "./file-entries.ts" ? { id: `./file-entries.${extension}`, external: true } : undefined;
        },
      },
    ],
    output: {
      dir: "dist",
      format,
      // In Jest a file that was required cannot import().
      ...(format === "cjs" && { dynamicImportInCjs: false }),
      entryFileNames: `library/[name].${extension}`,
      chunkFileNames: `library/[name]-[hash].${extension}`,
    },
  });
  for (const [name, platform] of Object.entries(ALONE)) {
    await build({
      input: { [name]: `src/library/${name}.ts` },
      platform,
      external: (id) => id.startsWith("node:") || matches(packages)(id),
      // A module of Node's that only unused code imports is left out.
      treeshake: { moduleSideEffects: false },
      output: { dir: "dist", format, entryFileNames: `library/[name].${extension}` },
    });
  }
}

const SHARED_PAGE = "src/page-kit/page";
const pages = [];
for (const name of ["inspector", "emulator"]) {
  const { output } = await build({
    input: { app: `src/${name}/page/main.tsx` },
    // Calls of h are shorter than those of the newer runtime, which repeat the names of members.
    transform: {
      jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment" },
      inject: { h: ["preact", "h"], Fragment: ["preact", "Fragment"] },
    },
    output: { dir: `dist/${name}`, format: "es", minify: true },
  });
  pages.push(...output);
  copyFileSync(`${SHARED_PAGE}/index.html`, `dist/${name}/index.html`);
  const styles = [`${SHARED_PAGE}/page.css`, `src/${name}/page/app.css`].map((file) => readFileSync(file, "utf8"));
  writeFileSync(`dist/${name}/app.css`, withoutSpace(styles.join("")));
}
/** Styles without comments, and without the space that the formatter writes. That in a selector stays. */
function withoutSpace(css) {
  return css
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/\s*\n\s*/g, "")
    .replace(/([:,;{]) /g, "$1")
    .replace(/ \{/g, "{")
    .replace(/;\}/g, "}");
}

writeFileSync("THIRD_PARTY_NOTICES.md", notices([...bundled, ...pages].flatMap(({ moduleIds }) => moduleIds ?? [])));

/** The licences of the packages that the bundled modules come from. */
function notices(modules) {
  const inPackage = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;
  const folders = modules.flatMap((id) => inPackage.exec(id)?.[0] ?? []);
  const sections = [...new Set(folders)].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    // A few packages leave theirs in their repository.
    const path = file === undefined ? join("licences", `${name.replace("/", "+")}.txt`) : join(folder, file);
    const text = readFileSync(path, "utf8").trim();
    return `## ${name} ${version} (${license})\n\n\`\`\`\n${text}\n\`\`\`\n`;
  });
  const intro = "# Third-party notices\n\nThe command line of zoho-hooks contains code of these packages.\n";
  return [intro, ...sections.sort()].join("\n");
}
