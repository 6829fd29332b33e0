import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

/** The first file that every run loads; the others are small. */
const CODE_BYTES = 100_000;

async function runIn(caches: string, env: Readonly<Record<string, string>> = {}, cwd = tempFolder()): Promise<void> {
  const { status, stderr } = await runBin(["products"], { env: { XDG_CACHE_HOME: caches, ...env }, cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

describe.skipIf(lacks("a compile cache (Node 22.1)"))("compiled code", () => {
  it("is cached below the user's cache folder, for this user only", async () => {
    const caches = join(tempFolder(), "cache");
    await runIn(caches);
    const folder = join(caches, "zoho-hooks/compile-cache");
    const [file, ...others] = filesBelow(folder).filter((path) => statSync(path).size > CODE_BYTES);
    expect([file, others]).toEqual([expect.any(String), []]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const { ino } = statSync(file as string);
    await runIn(caches);
    expect(filesBelow(folder).map((path) => statSync(path).ino)).toContain(ino);
  });

  it.each<[string, (caches: string) => void]>([
    ["a cache folder that others can write to", (caches) => chmodSync(caches, 0o777)],
    [
      "a folder of ours that others can write to",
      (caches) => {
        mkdirSync(join(caches, "zoho-hooks"));
        chmodSync(join(caches, "zoho-hooks"), 0o770);
      },
    ],
    [
      "a link",
      (caches) => {
        mkdirSync(join(caches, "elsewhere"), { mode: 0o700 });
        symlinkSync("elsewhere", join(caches, "zoho-hooks"));
      },
    ],
  ])("is not cached in %s", async (_, prepare) => {
    const caches = tempFolder();
    prepare(caches);
    await runIn(caches);
    expect(filesBelow(caches)).toEqual([]);
  });

  it("is not cached with NODE_DISABLE_COMPILE_CACHE", async () => {
    const caches = tempFolder();
    await runIn(caches, { NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(readdirSync(caches)).toEqual([]);
  });
});

it("runs where no cache can be written", async () => {
  const file = join(tempFolder(), "file");
  writeFileSync(file, "");
  await runIn(file);
  await runIn("/proc/none/cache");
});
