import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLogAt } from "../../src/log/open-log.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

// /dev/null stands for every device: /dev/zero would never end where it is read.
it.skipIf(lacks("posix")).each<[string, string, string[], Record<string, string>?]>([
  ["a .env", ".env", ["products"]],
  ["a config file", "zoho-hooks.config.json", ["products"]],
  ["a payload", "payload.json", ["verify", "payload.json"]],
  ["a body to send", "body.json", ["send", "crm", "--data", "@body.json", "--dry-run"]],
  ["a secret", "secret.txt", ["verify"], { ZOHO_WEBHOOK_SECRET_FILE: "secret.txt" }],
  ["a list of variables", ".env.example", ["init", "--yes"]],
])("refuses a device as %s, before reading it", async (_, name, argv, env = {}) => {
  const cwd = tempFolder();
  symlinkSync("/dev/null", join(cwd, name));
  const { exitCode, err } = await run(argv, { cwd, env, stdin: "{}" });
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

it.skipIf(lacks("posix"))("reads a payload from a pipe, as a shell passes <(…)", async () => {
  const cwd = tempFolder();
  execFileSync("mkfifo", [join(cwd, "pipe")]);
  execFileSync("sh", ["-c", "echo '[1' > pipe &"], { cwd, stdio: "ignore" });
  expect((await run(["verify", "pipe"], { cwd })).exitCode).toBe(4);
});

describe.skipIf(lacks("posix"))("a pipe of the project", () => {
  const module = { products: { forms: { schema: "pipe.mjs" } } };
  it.each<[name: string, settings: object, argv: readonly string[], status?: number]>([
    ["pipe.mjs", module, ["types"]],
    ["pipe.mjs", module, ["verify", "-"]],
    ["shop/schemas/a.mjs", { products: { shop: { path: "shop" } } }, ["types"]],
    ["shop/schemas.mjs", { products: { shop: { path: "shop" } } }, ["products"]],
    ["pipe.pem", { tunnel: { use: "ngrok" } }, ["listen", "--port", "0"]],
    ["home/zoho-hooks/profiles.json", {}, ["whoami"], 6],
  ])("does not stop the program: %s, %j, %j", async (name, settings, argv, status = 2) => {
    const cwd = tempFolder();
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    execFileSync("mkfifo", [join(cwd, name)]);
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(settings));
    const rootCas = `ZOHO_HOOKS_NGROK_ROOT_CAS=${join(cwd, "pipe.pem")}`;
    writeFileSync(join(cwd, ".env"), `NGROK_AUTHTOKEN=token-of-the-project\n${rootCas}\n`);
    const env = { XDG_CONFIG_HOME: join(cwd, "home") };
    const { exitCode, err } = await run(argv, { cwd, env, stdin: "{}" });
    expect([exitCode, err]).toEqual([status, expect.stringContaining("it is a device or a pipe, not a file")]);
  });

  it("is written to where the user names one", async () => {
    const folder = tempFolder();
    const cwd = join(folder, "project");
    mkdirSync(cwd);
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const reader = execFile("cat", [join(folder, "pipe")]);
    expect((await run(["types", "mail", "--out", "../pipe"], { cwd })).exitCode).toBe(0);
    expect((await once(reader, "exit"))[0]).toBe(0);
  });
});

it.skipIf(lacks("linux"))("reports a file that the system cannot read", async () => {
  const { exitCode, err } = await run(["verify", "/proc/self/mem"], { cwd: tempFolder() });
  expect([exitCode, err]).toEqual([2, expect.stringContaining("error: /proc/self/mem cannot be read: EIO")]);
});

describe.skipIf(lacks("posix"))("a pipe among the files of the event log", () => {
  const LISTEN = ["listen", "--port", "0", "--tunnel", "none", "--timeout", "20ms"];
  const SEND = ["send", "crm", "Leads.create"];

  it.each([
    ["", SEND, 5],
    ["", LISTEN, 2],
    ["-journal", ["events", "list"], 2],
    ["-journal", LISTEN, 2],
    ["-wal", LISTEN, 2],
    ["-shm", LISTEN, 2],
    ["-lock", LISTEN, 2],
    ["-lock", SEND, 5],
    ["-lock-journal", LISTEN, 0],
  ])("does not stop the program: events.db%s, %j", async (suffix, argv, status) => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, ".zoho-hooks"));
    const log = join(cwd, ".zoho-hooks/events.db");
    if (suffix !== "") await (await openLogAt({ root: cwd, store: log }, { now: () => new Date() })).close();
    execFileSync("mkfifo", [log + suffix]);
    const { exitCode, err } = await run(argv, { cwd, env: { ZOHO_HOOKS_PORT: "1" } });
    expect([exitCode, err]).toEqual([status, status === 2 ? expect.stringContaining(log + suffix) : expect.anything()]);
  });
});

it.each([
  { store: "a\0b" },
  { products: { shop: { path: "a\0b" } } },
  { products: { forms: { schema: "a\0b" } } },
  { tunnel: { rootCas: "a\0b" } },
  { products: { shop: { path: "a\nReady. forged" } } },
])("refuses a path with a control character: %j", async (settings) => {
  const cwd = tempFolder();
  writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(settings));
  const { exitCode, err } = await run(["listen", "--port", "0", "--tunnel", "none"], { cwd });
  expect([exitCode, err]).toEqual([
    2,
    expect.stringMatching(/zoho-hooks\.config\.json:\d+:\d+: .*is not allowed here/),
  ]);
});
