import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeWholeFile } from "../../src/config/write-file.ts";
import { tempFolder } from "../support/run.ts";

// As root it would else put a file in the place of /dev/null.
it.skipIf(process.platform === "win32")("writeWholeFile takes the place of no pipe or device", () => {
  const folder = tempFolder();
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  expect(() => writeWholeFile(path, "x")).toThrow("pipe cannot be written: it is there, and is no file");
  expect(lstatSync(path).isFIFO()).toBe(true);
  expect(readdirSync(folder)).toEqual(["pipe"]);
});
