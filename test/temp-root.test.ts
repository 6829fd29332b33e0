import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tempFolder } from "./support/run.ts";

const root = join(import.meta.dirname, "..");

it.each([
  ["passes", "expect(folder).not.toBe('')", 0],
  ["fails", "expect(folder).toBe('')", 1],
])(
  "leaves nothing in the system's temporary folder when a test %s",
  (_, check, status) => {
    const folder = tempFolder();
    const temp = join(folder, "temp");
    mkdirSync(temp);
    mkdirSync(join(folder, "test"));
    writeFileSync(
      join(folder, "test/leaves.test.ts"),
      `import { expect, it } from "${root}/node_modules/vitest/dist/index.js";
       import { run, tempFolder } from "${root}/test/support/run.ts";
       it("leaves folders", async () => { await run(["products"]); const folder = tempFolder(); ${check}; });`,
    );
    const env = { ...process.env, TMPDIR: temp, TEMP: temp, TMP: temp, NO_COLOR: "1" };
    const argv = [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--root",
      folder,
      "--config",
      join(root, "vitest.config.ts"),
    ];
    const ended = spawnSync(process.execPath, [...argv, "leaves"], { cwd: root, env, encoding: "utf8" });
    expect(`${ended.status} ${ended.stdout}`).toMatch(
      new RegExp(`^${status} .*1 ${status === 0 ? "passed" : "failed"}`, "s"),
    );
    expect(readdirSync(temp).filter((name) => name.startsWith("zoho-hooks"))).toEqual([]);
  },
  60_000,
);
