import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";

describe("keygen", () => {
  it("writes a matching key pair, and prints only the public key", async () => {
    const cwd = tempFolder();
    const { exitCode, out, err } = await run(["keygen"], { cwd });
    expect(exitCode).toBe(0);
    const folder = join(cwd, ".zoho-hooks", "keys");
    const privateKey = readFileSync(join(folder, "private.pem"), "utf8");
    const publicKey = readFileSync(join(folder, "public.pem"), "utf8");
    expect(out).toBe(publicKey);
    expect(out + err).not.toContain("PRIVATE KEY-----");
    const body = Buffer.from("body");
    expect(verify("sha256", body, createPublicKey(publicKey), sign("sha256", body, createPrivateKey(privateKey)))).toBe(
      true,
    );
    expect(createPublicKey(publicKey).asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(readFileSync(join(folder, ".gitignore"), "utf8")).toBe("*\n");
    if (process.platform !== "win32") expect(statSync(join(folder, "private.pem")).mode & 0o777).toBe(0o600);
    expect(err).toContain(`ZOHO_WEBHOOK_PRIVATE_KEY=${join(".zoho-hooks", "keys", "private.pem")}`);
  });

  it("prints paths that the variables accept, also from a subfolder, and warns that Git does not ignore another one", async () => {
    const root = folderWith({ "zoho-hooks.config.json": "{}", "sub/x": "" });
    const cwd = join(root, "sub");
    for (const flags of [[], ["--out", "mine"]]) {
      const { err } = await run(["keygen", ...flags], { cwd });
      expect(err.includes("keep it out of Git")).toBe(flags.length > 0);
      const [, key = ""] = /(ZOHO_WEBHOOK_PRIVATE_KEY=.+)$/m.exec(err) ?? [];
      const env = { ZOHO_WEBHOOK_PRIVATE_KEY: key.split("=")[1] ?? "" };
      const sent = await run(["send", "cliq", "invocation", "--dry-run"], { cwd, env });
      expect([sent.exitCode, sent.err]).toEqual([0, expect.stringContaining("signed with ZOHO_WEBHOOK_PRIVATE_KEY")]);
    }
  });

  it("replaces a .gitignore that does not keep the key out of Git", async () => {
    const cwd = folderWith({ ".zoho-hooks/keys/.gitignore": "# keys\n  *\n*\t\n" });
    expect((await run(["keygen"], { cwd })).exitCode).toBe(0);
    expect(readFileSync(join(cwd, ".zoho-hooks/keys/.gitignore"), "utf8")).toBe("*\n");
  });

  it("rejects an empty folder name", async () => {
    const { exitCode, err } = await run(["keygen", "--out", ""]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("--out names no folder")]);
  });

  it("never overwrites a key, and leaves no partial pair", async () => {
    for (const name of ["private.pem", "public.pem"]) {
      const cwd = tempFolder();
      writeFileSync(join(cwd, name), "mine");
      const { exitCode, out, err } = await run(["keygen", "--out", "."], { cwd });
      expect(exitCode).toBe(2);
      expect(out).toBe("");
      expect(err).toContain(".pem already exists, and keys are never overwritten");
      expect(readFileSync(join(cwd, name), "utf8")).toBe("mine");
      expect(existsSync(join(cwd, name === "private.pem" ? "public.pem" : "private.pem"))).toBe(false);
    }
  });

  it.skipIf(lacks("linux"))("ends if the file system creates no folder", async () => {
    expect(await run(["keygen", "--out", "/proc/zoho-hooks/keys"])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("cannot be written"),
    });
  });

  it("says why a folder cannot be created", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, "file"), "");
    const { exitCode, err } = await run(["keygen", "--out", join("file", "pair")], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain("the key pair cannot be written");
  });

  it("creates keys that send signs with and verify verifies with, and prints their paths as JSON", async () => {
    const cwd = tempFolder();
    const { lines } = await run(["keygen", "--out", "pair", "--json"], { cwd });
    expect(lines()[0]).toMatchObject({
      v: 1,
      type: "key_pair",
      private_key_file: join("pair", "private.pem"),
      public_key: readFileSync(join(cwd, "pair", "public.pem"), "utf8"),
    });
    const env = { ZOHO_WEBHOOK_PRIVATE_KEY: "pair/private.pem", ZOHO_WEBHOOK_PUBLIC_KEY: "pair/public.pem" };
    const dry = await run(["send", "cliq", "invocation", "--dry-run", "--json"], { cwd, env });
    expect(dry.exitCode).toBe(0);
    const checked = await run(["verify", "--json", "--product", "cliq"], { cwd, env, stdin: dry.out });
    expect(checked.lines()[0]).toMatchObject({ signatures: [{ id: "cliq-signature", result: "verified" }] });
    expect(checked.exitCode).toBe(0);
  });
});
