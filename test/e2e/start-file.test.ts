import { spawnSync } from "node:child_process";
import { cpSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { BIN } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";

const { engines } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const [, oldest = ""] = /^>=(\d+\.\d+)\.0$/.exec(engines.node) ?? [];

/** The program on a Node that says it is of this version. */
function runOn(version: string, ...argv: string[]) {
  const preload = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`;
  const file = join(folderWith({ "version.cjs": preload }), "version.cjs");
  return spawnSync(process.execPath, ["--require", file, BIN, ...argv], { encoding: "utf8" });
}

it("says at once that a Node is too old, and which one it takes", () => {
  for (const version of ["18.20.8", "20.18.3"]) {
    const { status, stdout, stderr } = runOn(version, "products");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`zoho-hooks needs Node ${oldest} or later`);
  }
  expect(JSON.parse(runOn("18.20.8", "products", "--json").stderr)).toMatchObject({ v: 1, error: { code: "usage" } });
  expect(runOn("18.20.8", "--version").status).toBe(0);
  for (const version of [`${oldest}.0`, "22.1.0"]) expect(runOn(version, "--help").status).toBe(0);
});

it("says in one line that a clone is not built yet", () => {
  const folder = folderWith({ "package.json": '{"version":"1.2.3"}' });
  cpSync(dirname(BIN), join(folder, "bin"), { recursive: true });
  const runThere = (...argv: string[]) =>
    spawnSync(process.execPath, [join(folder, "bin/zoho-hooks.js"), ...argv], { encoding: "utf8" });
  expect(runThere("products")).toMatchObject({
    status: 2,
    stdout: "",
    stderr: "error: not built yet: npm run build\n",
  });
  const error = { code: "usage", message: "not built yet: npm run build" };
  expect(JSON.parse(runThere("products", "--json").stderr)).toEqual({ v: 1, error });
  expect(runThere("--version").stdout).toBe("1.2.3\n");
});
