import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { getuid } from "node:process";
import { describe, expect, it } from "vitest";
import { run, tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const KEYS = ".zoho-hooks/keys";
const SECRETS = join(KEYS, "hook-secrets.json");
const PRIVATE_KEY = join(KEYS, "private.pem");

/** A project with a kept secret and a key pair, as `listen` and `keygen` write them. */
function project() {
  const cwd = tempFolder();
  mkdirSync(join(cwd, KEYS), { recursive: true, mode: 0o700 });
  const write = (name: string, text: string, mode: number) => writeFileSync(join(cwd, name), text, { mode });
  write(SECRETS, '{"mail":{"hookSecret":"of-an-earlier-run"}}', 0o600);
  write(PRIVATE_KEY, testKeys.privateKey, 0o600);
  write(join(KEYS, "public.pem"), testKeys.publicKey, 0o644);
  const env = { ZOHO_WEBHOOK_PRIVATE_KEY: PRIVATE_KEY, ZOHO_WEBHOOK_PUBLIC_KEY: join(KEYS, "public.pem") };
  return { cwd, verify: () => run(["verify", "-"], { cwd, env, stdin: "{}" }) };
}

// Windows has no modes, and making links takes a privilege there.
describe.skipIf(process.platform === "win32")("the secrets and keys in a project's .zoho-hooks/keys", () => {
  it("are used as the tool writes them, and named in the ready block", async () => {
    const { cwd, verify } = project();
    expect((await verify()).err).not.toContain(KEYS);
    const { err } = await run(["listen", "--port", "0", "--timeout", "1ms"], { cwd });
    expect(err).toMatch(/checks .*hook-secrets\.json/);
  });

  it.each([
    [KEYS, 0o755, "chmod 700"],
    [KEYS, 0o770, "chmod 700"],
    [SECRETS, 0o644, "chmod 600"],
    [SECRETS, 0o660, "chmod 600"],
    [PRIVATE_KEY, 0o644, "chmod 600"],
  ])("are refused where %s has mode %o", async (name, mode, hint) => {
    const { cwd, verify } = project();
    chmodSync(join(cwd, name), mode);
    const { exitCode, err } = await verify();
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(cwd, name)} is open to other users`)]);
    expect(err).toContain(`${hint} ${join(cwd, name)}`);
  });

  it.each([".zoho-hooks", KEYS, SECRETS])("are refused where %s is a link", async (name) => {
    const { cwd } = project();
    const clone = tempFolder();
    mkdirSync(dirname(join(clone, name)), { recursive: true, mode: 0o700 });
    symlinkSync(join(cwd, name), join(clone, name));
    const { exitCode, err } = await run(["verify", "-"], { cwd: clone, stdin: "{}" });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`${join(clone, name)} is a link`)]);
  });

  it.skipIf(getuid?.() !== 0)("are refused where they belong to another user", async () => {
    const { cwd, verify } = project();
    chownSync(join(cwd, SECRETS), 65_534, 65_534);
    for (const mode of [0o600, 0o777]) {
      chmodSync(join(cwd, SECRETS), mode);
      const { exitCode, err } = await verify();
      expect([exitCode, err]).toEqual([2, expect.stringContaining("belongs to another user")]);
    }
  });

  it.skipIf(getuid?.() !== 0)("are used by root in a folder that belongs to their owner", async () => {
    const { cwd, verify } = project();
    for (const name of ["", KEYS, SECRETS]) chownSync(join(cwd, name), 65_534, 65_534);
    expect((await verify()).err).not.toContain(KEYS);
  });

  it("are used where the file system has no modes", async () => {
    const { cwd, verify } = project();
    for (const name of [KEYS, SECRETS, PRIVATE_KEY, join(KEYS, "public.pem")]) chmodSync(join(cwd, name), 0o777);
    expect((await verify()).err).not.toContain(KEYS);
  });
});
