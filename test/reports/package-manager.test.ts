import { join } from "node:path";
import { expect, it } from "vitest";
import { withPackageManager } from "../../src/reports/failure.ts";
import { folderWith } from "../support/files.ts";

const ADD = "npm install --save-dev better-sqlite3@12";
const REBUILD = "npm rebuild better-sqlite3";

function inProject(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  const root = folderWith({ ...files, "app/package.json": "{}" });
  const packageRoot = join(root, "node_modules/zoho-hooks");
  return { cwd: join(root, "app"), env, invocation: "npx zoho-hooks", packageRoot };
}

it.each<[string, Parameters<typeof inProject>, string, string]>([
  ["nothing known", [{}], ADD, REBUILD],
  ["npm's lock file", [{ "package-lock.json": "" }], ADD, REBUILD],
  [
    "pnpm's",
    [{ "pnpm-lock.yaml": "" }],
    "pnpm add --save-dev --allow-build=better-sqlite3 better-sqlite3@12",
    "pnpm approve-builds",
  ],
  ["yarn's", [{ "yarn.lock": "" }], "yarn add --dev better-sqlite3@12", REBUILD],
  ["bun's", [{ "bun.lock": "" }], "bun add --dev better-sqlite3@12", REBUILD],
  [
    "yarn's, called by npx",
    [{ "yarn.lock": "" }, { npm_config_user_agent: "npm/11.0.0 node/v20.19.0 linux x64" }],
    "yarn add --dev better-sqlite3@12",
    REBUILD,
  ],
  [
    "no lock file, called by bun",
    [{}, { npm_config_user_agent: "bun/1.4.5 npm/? node/v24.3.0" }],
    "bun add --dev better-sqlite3@12",
    REBUILD,
  ],
])("names the commands of the package manager in use: %s", (_, project, add, rebuild) => {
  const installation = inProject(...project);
  expect(withPackageManager(`run ${ADD}.`, installation)).toBe(`run ${add}.`);
  expect(withPackageManager(REBUILD, installation)).toBe(rebuild);
});

it("installs beside a global tool, and together with one that npx has fetched", () => {
  const elsewhere = { ...inProject({}), packageRoot: join(folderWith({}), "node_modules/zoho-hooks") };
  expect(withPackageManager(ADD, { ...elsewhere, invocation: "zoho-hooks" })).toBe(
    "npm install --global better-sqlite3@12",
  );
  expect(withPackageManager(ADD, elsewhere)).toBe("npm install --save-dev zoho-hooks better-sqlite3@12");
});

it("adds to a project of Yarn's Plug'n'Play, whose packages lie in archives", () => {
  const inArchive = {
    ...inProject({ "yarn.lock": "" }),
    packageRoot: "/app/.yarn/cache/zoho-hooks.zip/node_modules/zoho-hooks",
  };
  expect(withPackageManager(ADD, { ...inArchive, invocation: "yarn zoho-hooks" })).toBe(
    "yarn add --dev better-sqlite3@12",
  );
});
