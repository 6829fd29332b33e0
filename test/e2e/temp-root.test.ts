import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

const root = join(import.meta.dirname, "../..");
const vitest = join(root, "node_modules/vitest/vitest.mjs");

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
  const argv = [vitest, "run", "--root", folder, "--config", join(root, "vitest.config.ts"), "leaves"];
  const ended = spawnSync(process.execPath, argv, { cwd: root, env, encoding: "utf8" });
  expect(`${ended.status} ${ended.stdout}`).toMatch(/^1 .*1 failed \| 1 passed/s);
  expect(readdirSync(temp).filter((name) => name.startsWith("zoho-hooks"))).toEqual([]);
}, 60_000);

it.skipIf(lacks("linux"))(
  "names what skipped tests lack, and fails in CI where packages have it",
  () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "test"));
    writeFileSync(
      join(folder, "test/skips.test.ts"),
      `import { it } from "${root}/node_modules/vitest/dist/index.js";
     import { lacks } from "${root}/test/support/needs.ts";
     it("runs", () => {});
     it.skipIf(lacks("tmux"))("keys", () => {});
     it.skipIf(lacks("powershell"))("completion", () => {});`,
    );
    // The programs with which a run cleans up, and no others.
    const bin = join(folder, "bin");
    mkdirSync(bin);
    for (const name of ["sh", "cat", "ps", "grep", "awk", "sleep", "rm"])
      symlinkSync(join("/bin", name), join(bin, name));
    const argv = [vitest, "run", "--root", folder, "--config", join(root, "vitest.config.ts"), "skips"];
    const runWith = (CI: string) =>
      spawnSync(process.execPath, argv, {
        cwd: root,
        env: { ...process.env, PATH: bin, CI, NO_COLOR: "1" },
        encoding: "utf8",
      });
    const skipped = runWith("");
    expect(`${skipped.status} ${skipped.stdout}`).toMatch(/^0 .*1 passed \| 2 skipped/s);
    expect(skipped.stdout).toMatch(/^Skipped what needs powershell, tmux \(to install: sh \.ci\/packages\)$/m);
    const failed = runWith("true");
    expect(`${failed.status} ${failed.stderr}`).toMatch(
      /^1 .*these tests need tmux, which is missing: sh \.ci\/packages/s,
    );
  },
  60_000,
);

it.skipIf(lacks("linux", "postgresql", "redis-server"))(
  "ends the servers that tests have started, and removes their data, however it ends",
  async () => {
    const folder = tempFolder();
    // The path of a socket has at most 107 bytes.
    const temp = mkdtempSync("/tmp/zh-");
    onTestFinished(() => rmSync(temp, { recursive: true, force: true }));
    chmodSync(temp, 0o711);
    mkdirSync(join(folder, "test"));
    writeFileSync(
      join(folder, "test/starts.test.ts"),
      `import { it } from "${root}/node_modules/vitest/dist/index.js";
       import { sharedAddress } from "${root}/test/support/postgres.ts";
       import { startRedis } from "${root}/test/support/redis.ts";
       it("starts", async () => {
         await sharedAddress("log");
         await startRedis();
         process.stdout.write("started\\n");
         await new Promise((resolve) => setTimeout(resolve, 600_000));
       }, 600_000);`,
    );
    const env = { ...process.env, TMPDIR: temp, TEMP: temp, TMP: temp, NO_COLOR: "1" };
    const argv = [vitest, "run", "--root", folder, "--config", join(root, "vitest.config.ts"), "starts"];
    const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const servers = (): string[] =>
      execFileSync("ps", ["-eo", "args="], { encoding: "utf8" })
        .split("\n")
        .filter((args) => args.includes(`${temp}/`) && /^\S*(postgres|redis-server) /.test(args));
    for await (const bytes of child.stdout) if (String(bytes).includes("started")) break;
    expect(servers()).toHaveLength(2);
    child.kill("SIGKILL");
    await expect.poll(servers, { timeout: 15_000 }).toEqual([]);
    await expect
      .poll(() => readdirSync(temp).filter((name) => name.startsWith("zoho-hooks")), { timeout: 5000 })
      .toEqual([]);
  },
  60_000,
);
