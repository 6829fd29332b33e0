import { createHmac, randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startChannelWorld } from "../support/channel-world.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { sharedAddress } from "../support/postgres.ts";
import { run, tempFolder } from "../support/run.ts";

const BODY = '{"invoice":{"invoice_id":"460000000026001","invoice_number":"INV-1"}}';

/** The origin of the secret that a signature of Books is verified with, or what the command says instead. */
async function verifiedWith(
  secret: string,
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const cwd = folderWith({ ...files, "body.json": BODY });
  const signature = createHmac("sha256", secret).update(BODY).digest("hex");
  const argv = ["verify", "body.json", "--product", "books", "-H", `x-zoho-webhook-signature: ${signature}`, "-v"];
  const { exitCode, out, err } = await run(argv, { cwd, env });
  return exitCode === 0 ? (/ZOHO_WEBHOOK_SECRET\w*/.exec(out)?.[0] ?? out) : `${exitCode}: ${err}${out}`;
}

describe("a variable with _FILE", () => {
  it.each<readonly [env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>]>([
    [{ ZOHO_WEBHOOK_SECRET_FILE: "secret" }, { secret: "of-the-file\n" }],
    [{ ZOHO_WEBHOOK_SECRET_BOOKS_FILE: "secret", ZOHO_WEBHOOK_SECRET: "other" }, { secret: "of-the-file\r\n" }],
    [{}, { ".env": "ZOHO_WEBHOOK_SECRET_FILE=keys/secret\n", "keys/secret": "\ufeffof-the-file" }],
    [{ ZOHO_WEBHOOK_SECRET_FILE: "secret" }, { ".env": "ZOHO_WEBHOOK_SECRET=other\n", secret: "of-the-file" }],
  ])("has the secret in a file: %j", async (env, files) => {
    expect(await verifiedWith("of-the-file", files, env)).toMatch(/^ZOHO_WEBHOOK_SECRET(_BOOKS)?_FILE$/);
  });

  it("gives way to the secret itself in the environment", async () => {
    const files = { ".env": "ZOHO_WEBHOOK_SECRET_FILE=secret\n", secret: "of-the-file" };
    expect(await verifiedWith("itself", files, { ZOHO_WEBHOOK_SECRET: "itself" })).toBe("ZOHO_WEBHOOK_SECRET");
  });

  it.each<readonly [env: Readonly<Record<string, string>>, text: string]>([
    [{ ZOHO_WEBHOOK_SECRET_FILE: "none" }, "ZOHO_WEBHOOK_SECRET_FILE: the file cannot be read: ENOENT"],
    [{ ZOHO_WEBHOOK_SECRET_FILE: "" }, "ZOHO_WEBHOOK_SECRET_FILE is set but empty"],
    [{ ZOHO_WEBHOOK_SECRET_FILE: "empty" }, "empty is empty"],
    [{ ZOHO_WEBHOOK_SECRET_FILE: "." }, "ZOHO_WEBHOOK_SECRET_FILE: the file cannot be read"],
    [
      { ZOHO_WEBHOOK_SECRET_FILE: "secret", ZOHO_WEBHOOK_SECRET: "other" },
      "ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_SECRET_FILE are both set",
    ],
    [{ ZOHO_WEBHOOK_JWKS_FILE: "url" }, "has a URL in it, not a key"],
    [{ ZOHO_WEBHOOK_PUBLIC_KEY_FILE: "secret" }, "ZOHO_WEBHOOK_PUBLIC_KEY_FILE is not an RSA public key"],
  ])("is a usage error where no secret is read: %j", async (env, text) => {
    const files = { secret: "of-the-file", empty: "\n", url: "https://example.com/keys" };
    expect(await verifiedWith("of-the-file", files, env)).toMatch(/^2: /);
    expect(await verifiedWith("of-the-file", files, env)).toContain(text);
  });

  it("keeps no command from running that needs no secret", async () => {
    const { exitCode } = await run(["config", "show"], { env: { ZOHO_WEBHOOK_SECRET_FILE: "none" } });
    expect(exitCode).toBe(0);
  });

  it("is shown as set, and its value nowhere", async () => {
    const cwd = folderWith({ secret: "hush-hush-secret" });
    const env = { ZOHO_WEBHOOK_SECRET_FILE: "secret" };
    const { out } = await run(["config", "show"], { cwd, env });
    expect(out).toMatch(/^ZOHO_WEBHOOK_SECRET_FILE +\(set\) +environment$/m);
    expect(out).not.toMatch(/^ZOHO_WEBHOOK_SECRET +\(not set\)/m);
    expect(out).not.toContain("hush-hush");
  });

  it("is known: only a misspelt one is warned of", async () => {
    const cwd = folderWith({ secret: "of-the-file" });
    const warnings = async (name: string) =>
      (await run(["config", "show"], { cwd, env: { [name]: "secret" } })).err.replace(/\s+/g, " ");
    expect(await warnings("ZOHO_WEBHOOK_SECRET_DESK_FILE")).toBe("");
    expect(await warnings("ZOHO_HOOKS_STORE_KEY_FILE")).toBe("");
    expect(await warnings("ZOHO_WEBHOOK_SECRET_DSK_FILE")).toContain("did you mean ZOHO_WEBHOOK_SECRET_DESK_FILE?");
  });

  it("has the sign-in to Zoho, and the authtoken of ngrok", async () => {
    const world = await startChannelWorld();
    const { ZOHO_CLIENT_SECRET = "", ZOHO_REFRESH_TOKEN = "", ...others } = world.env;
    const cwd = folderWith({ client: `${ZOHO_CLIENT_SECRET}\n`, refresh: ZOHO_REFRESH_TOKEN, ngrok: "of-the-file" });
    const env = { ...others, ZOHO_CLIENT_SECRET_FILE: "client", ZOHO_REFRESH_TOKEN_FILE: "refresh" };
    const { exitCode, err } = await world.channels(["list"], { cwd, env });
    await world.close();
    expect([exitCode, err]).toEqual([0, expect.not.stringContaining("error")]);
    const server = { ZOHO_HOOKS_NGROK_SERVER_ADDR: "localhost:1", NGROK_AUTHTOKEN_FILE: "ngrok" };
    const { lines } = await run(["doctor", "--json"], { cwd, env: server });
    expect(lines().find(({ id }) => id === "ngrok.token")?.text).toBe("from NGROK_AUTHTOKEN_FILE: not tried");
  });

  it.skipIf(lacks("postgresql"))("has the key of what receivers share", async () => {
    const cwd = folderWith({ key: "a long random text of the tests\n" });
    const env = { ZOHO_HOOKS_STORE: await sharedAddress(randomUUID()), ZOHO_HOOKS_STORE_KEY_FILE: "key" };
    const listen = (more: object) =>
      run(["listen", "--port", "0", "--timeout", "1ms"], { cwd, env: { ...env, ...more } });
    expect((await listen({})).exitCode).toBe(0);
    const other = { ZOHO_HOOKS_STORE_KEY_FILE: undefined, ZOHO_HOOKS_STORE_KEY: "another" };
    expect((await listen(other)).err).toContain("cannot be decrypted with ZOHO_HOOKS_STORE_KEY");
  });
});

describe("a .env that names a file outside of its folder", () => {
  const place = join(tempFolder(), "secret");
  const trusted = (line: string) =>
    run(["listen", "--port", "0", "--timeout", "1ms"], {
      cwd: folderWith({ ".env": line, secret: "of-the-file" }),
      env: { ZOHO_HOOKS_TRUST: "0" },
    });

  it.each([
    [`ZOHO_WEBHOOK_SECRET_FILE=${place}`, `key ZOHO_WEBHOOK_SECRET_FILE=${place}`],
    [`ZOHO_WEBHOOK_TOKEN_CRM_FILE=../secret`, "key ZOHO_WEBHOOK_TOKEN_CRM_FILE=../secret"],
    ["NGROK_AUTHTOKEN_FILE=secret", "tunnel NGROK_AUTHTOKEN_FILE=secret"],
    ["ZOHO_REFRESH_TOKEN_FILE=secret", "account ZOHO_REFRESH_TOKEN_FILE=secret"],
  ])("needs trust: %s", async (line, decision) => {
    const { exitCode, err } = await trusted(line);
    expect([exitCode, err.replace(/\s+/g, " ")]).toEqual([2, expect.stringContaining(decision)]);
  });

  it("needs none for a file in the folder", async () => {
    expect((await trusted("ZOHO_WEBHOOK_SECRET_FILE=secret")).exitCode).toBe(0);
  });

  it("does not set the key of what receivers share", async () => {
    const { exitCode, err } = await trusted("ZOHO_HOOKS_STORE_KEY_FILE=/nowhere");
    expect([exitCode, err]).toEqual([0, expect.not.stringContaining("STORE_KEY")]);
  });
});

it.each(["file", "shop-file"])("refuses %s as the name of a product, whose variable would name a file", async (id) => {
  const settings = { products: { [id]: { path: id } } };
  const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify(settings), [`${id}/fixtures/a.json`]: "{}" });
  const { exitCode, err } = await run(["products"], { cwd });
  expect([exitCode, err]).toEqual([2, expect.stringContaining("would be the path of a file with a secret")]);
});
