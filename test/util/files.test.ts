import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { AtomicFile } from "../../src/util/files.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";

it("leaves the old content, and nothing beside it, until a file is committed", () => {
  const folder = folderWith({ "a.txt": "old" });
  const path = join(folder, "a.txt");
  const dropped = new AtomicFile(path);
  dropped.write("half");
  expect(readFileSync(path, "utf8")).toBe("old");
  dropped.discard();
  expect(readdirSync(folder)).toEqual(["a.txt"]);

  const written = new AtomicFile(path);
  written.write("new ");
  written.write("content");
  written.commit();
  written.discard();
  expect([readdirSync(folder), readFileSync(path, "utf8")]).toEqual([["a.txt"], "new content"]);
});

// Windows has no such modes.
it.skipIf(lacks("posix")).each([
  ["its own mode", {}, 0o660],
  ["that of the tool's own files", { mode: 0o600, keepMode: false }, 0o600],
])("gives a file that is replaced %s", (_, mode, expected) => {
  const path = join(folderWith({ "a.txt": "old" }), "a.txt");
  chmodSync(path, 0o660);
  const file = new AtomicFile(path, mode);
  file.commit();
  expect(statSync(path).mode & 0o777).toBe(expected);
});
