import { execFileSync } from "node:child_process";
import { symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { run, tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

// /dev/null stands for every device: /dev/zero would never end where it is read.
it.skipIf(process.platform === "win32").each([
  ["a .env", ".env", ["products"]],
  ["a config file", "zoho-hooks.config.json", ["products"]],
  ["a payload", "payload.json", ["verify", "payload.json"]],
  ["a body to send", "body.json", ["send", "crm", "--data", "@body.json", "--dry-run"]],
  ["a secret file", "secret.txt", ["verify", "--secret-file", "secret.txt"]],
  ["a secret for init", "secret.txt", ["init", "--yes", "--secret", "secret.txt"]],
])("refuses a device as %s, before reading it", async (_, name, argv) => {
  const cwd = tempFolder();
  symlinkSync("/dev/null", join(cwd, name));
  const { exitCode, err } = await run(argv, { cwd, stdin: "{}" });
  expect([exitCode, err]).toEqual([
    2,
    expect.stringMatching(/cannot be read( \(unreadable\)|: it is a device or a pipe)/),
  ]);
});

it("refuses a file that is too large, before reading it", async () => {
  const cwd = tempFolder();
  writeFileSync(join(cwd, ".env"), "");
  writeFileSync(join(cwd, "key"), testKeys.publicKey + "\n".repeat(64 * 1024));
  const env = { ZOHO_WEBHOOK_PUBLIC_KEY: "key" };
  expect((await run(["verify"], { cwd, env, stdin: "{}" })).err).toContain("ZOHO_WEBHOOK_PUBLIC_KEY is not an RSA");
  for (const name of ["zoho-hooks.config.json", ".env"]) {
    writeFileSync(join(cwd, name), "{}");
    truncateSync(join(cwd, name), 1024 * 1024 + 1);
    expect((await run(["products"], { cwd })).err).toContain(
      `${name} cannot be read: it has 1048577 bytes, and the limit is 1048576`,
    );
  }
});

it.skipIf(process.platform === "win32")("reads a payload from a pipe, as a shell passes <(…)", async () => {
  const cwd = tempFolder();
  execFileSync("mkfifo", [join(cwd, "pipe")]);
  execFileSync("sh", ["-c", "echo '[1' > pipe &"], { cwd, stdio: "ignore" });
  expect((await run(["verify", "pipe"], { cwd })).exitCode).toBe(4);
});
