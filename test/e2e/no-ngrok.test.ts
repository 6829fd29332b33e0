import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { copyOfPackage } from "../support/package-copy.ts";

const MODULES = join(import.meta.dirname, "../../node_modules");

it("names the ways without ngrok where its agent has no build for this system", async () => {
  const cwd = copyOfPackage();
  mkdirSync(join(cwd, "node_modules"));
  for (const name of ["undici", "zod"]) symlinkSync(join(MODULES, name), join(cwd, "node_modules", name), "junction");
  const env = { NGROK_AUTHTOKEN: "a-token-of-the-test" };
  const argv = ["listen", "--port", "0", "--no-store"];
  const { status, stderr } = await runBin(argv, { bin: join(cwd, "bin/zoho-hooks.js"), cwd, env });
  expect(status).toBe(9);
  expect(stderr).toMatch(/error: the ngrok agent cannot be loaded, .*@ngrok\/ngrok/);
  expect(stderr).toMatch(/--omit=optional; .* --public-url URL, or --tunnel none/);
});
