// Writes types for apps that `require` the library. To the compiler a .d.ts of this package is an ES module, which such an app
// may not import: each .d.cts names the types and values of the .d.ts beside it. Usage: npm run build:types
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const MODE = '{ "resolution-mode": "import" }';
for (const { require: entry } of Object.values(exports)) {
  // package.json
  if (entry === undefined) continue;
  const module = `./${basename(entry.default, ".cjs")}.js`;
  const values = Object.keys(await import(`./dist/library/${module}`)).map(
    (name) => `export declare const ${name}: typeof import("${module}", { with: ${MODE} }).${name};\n`,
  );
  writeFileSync(entry.types, [`export type * from "${module}" with ${MODE};\n`, ...values].join(""));
}
