import { cpSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples/testing");
/** A folder with @playwright/test, which `.ci/languages` sets: the package is too large for the development dependencies. */
const { PLAYWRIGHT = "", LANGUAGES } = process.env;
/** Go compiles its own packages for half a minute the first time. */
const GOCACHE = join(homedir(), ".cache/go-build");

const runners = {
  pytest: { file: "test_leads.py", command: "/usr/bin/python3 -m pytest -q -p no:cacheprovider" },
  PHPUnit: { file: "LeadsTest.php", command: "phpunit LeadsTest.php" },
  Go: { file: "leads_test.go", command: "go test ./...", more: { "go.mod": "module app\n\ngo 1.22\n" } },
  Playwright: {
    file: "leads.spec.js",
    command: "node node_modules/@playwright/test/cli.js test",
    more: { "package.json": '{ "type": "module" }' },
  },
} as const;

/** The answer of the app. */
let status = 200;
const app = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(status).end());
});
beforeEach(async () => {
  status = 200;
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => app.close(resolve)));

describe.each(Object.entries(runners))("the example for %s", (name, { file, command, ...rest }) => {
  it.skipIf(LANGUAGES !== "all" && lacks(name as keyof typeof runners)).each([
    ["passes", 200, 0],
    ["fails where the app refuses the event", 400, 1],
  ])("%s", { timeout: 120_000 }, async (_, answer, code) => {
    status = answer;
    const cwd = tempFolder();
    cpSync(join(EXAMPLES, file), join(cwd, file));
    for (const [path, text] of Object.entries("more" in rest ? rest.more : {})) writeFileSync(join(cwd, path), text);
    if (name === "Playwright") cpSync(join(PLAYWRIGHT, "node_modules"), join(cwd, "node_modules"), { recursive: true });
    const { port } = app.address() as AddressInfo;
    const argv = ["listen", String(port), "--port", "0", "--retries", "0", "--ui", "--exec", command];
    const { status: exitCode, stdout } = await runBin(argv, { cwd, env: { ZOHO_WEBHOOK_TOKEN: "t0ken", GOCACHE } });
    expect(exitCode, stdout).toBe(code);
    // It fails for that reason, and no other.
    if (code !== 0) expect(stdout).toMatch(/\bok\W{1,5}false/i);
  });
});
