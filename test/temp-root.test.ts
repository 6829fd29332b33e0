import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tempFolder } from "./support/run.ts";

const root = join(import.meta.dirname, "..");

it("leaves nothing in the system's temporary folder when tests pass and fail", () => {
  const folder = tempFolder();
  const temp = join(folder, "temp");
  mkdirSync(temp);
  mkdirSync(join(folder, "test"));
  writeFileSync(
    join(folder, "test/leaves.test.ts"),
    `import { expect, it } from "${root}/node_modules/vitest/dist/index.js";
     import { run, tempFolder } from "${root}/test/support/run.ts";
     it.each(["passes", "fails"])("%s", async (name) => {
       await run(["products"]);
       tempFolder();
       expect(name).toBe("passes");
     });`,
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
  expect(`${ended.status} ${ended.stdout}`).toMatch(/^1 .*1 failed \| 1 passed/s);
  expect(readdirSync(temp).filter((name) => name.startsWith("zoho-hooks"))).toEqual([]);
}, 60_000);
