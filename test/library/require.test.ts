import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const APP = `const { fixture, sign, verify } = require("zoho-hooks");
  const request = sign("books", fixture("books", "invoice_created"), { secret: "k" });
  console.log(verify("books", request, { secret: "k" }).ok);`;

// `npm test` builds first; a run of vitest alone may not have.
it.skipIf(!existsSync(join(root, "dist/index.js")))("is required where no ES module can be, as in Jest", () => {
  const argv = ["--no-experimental-require-module", "--eval", APP];
  expect(execFileSync(process.execPath, argv, { cwd: root, encoding: "utf8" })).toBe("true\n");
});
