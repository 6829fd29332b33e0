import { statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { run } from "../support/run.ts";

let umask: number;
beforeEach(() => {
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
});

const modeOf = (...path: readonly string[]): string => (statSync(join(...path)).mode & 0o777).toString(8);

// Windows has no such modes.
it.skipIf(lacks("posix"))("makes the folder of keys private, whatever the umask is", async () => {
  const cwd = folderWith({ ".zoho-hooks/keys/other.pem": "" });
  expect((await run(["keygen"], { cwd })).exitCode).toBe(0);
  expect([modeOf(cwd, ".zoho-hooks/keys"), modeOf(cwd, ".zoho-hooks/keys/.gitignore")]).toEqual(["700", "644"]);
  const fresh = folderWith({});
  expect((await run(["keygen"], { cwd: fresh })).exitCode).toBe(0);
  expect([modeOf(fresh, ".zoho-hooks"), modeOf(fresh, ".zoho-hooks/keys")]).toEqual(["700", "700"]);
});

it.skipIf(lacks("posix"))("makes the files of the log private, whatever the umask is", async () => {
  const cwd = folderWith({});
  const app = await startListener([], { cwd });
  const files = [".zoho-hooks/events.db", ".zoho-hooks/events.db-lock", ".zoho-hooks/.gitignore"];
  expect(files.map((name) => modeOf(cwd, name))).toEqual(["600", "600", "644"]);
  await app.stop();
});
