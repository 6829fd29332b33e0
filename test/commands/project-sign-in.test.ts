import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Prompts } from "../../src/reports/prompts.ts";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";

let world: ChannelWorld;
let home: string;
beforeEach(async () => {
  world = await startChannelWorld();
  home = tempFolder();
});
afterEach(() => world.close());

/** The sign-in stands in the project's `.env`. */
function inProject(argv: readonly string[], { env, ...options }: RunOptions = {}) {
  const lines = Object.entries(world.env).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(world.cwd, ".env"), lines.join(""));
  return world.channels(argv, { env: { XDG_CONFIG_HOME: home, ...env }, ...options });
}

const confirm: Prompts["confirm"] = async () => true;
const prompts = { confirm } as Prompts;
const URL = "https://abc.example/webhooks/zoho/crm";
const REPORT = "decides whose Zoho account this changes: ZOHO_CLIENT_ID=1000.";

describe("a sign-in of a project's .env", () => {
  it("is reported by what changes something, without its secrets, and not by what reads", async () => {
    const { exitCode, err } = await inProject(["create", "Leads.create", "--url", URL]);
    expect([exitCode, err]).toEqual([0, expect.stringContaining(REPORT)]);
    expect(err).toContain(join(world.cwd, ".env"));
    expect(err).not.toContain(world.env.ZOHO_REFRESH_TOKEN);
    expect((await inProject(["list"])).err).not.toContain("decides");
    expect((await world.create()).err).not.toContain("decides");
  });

  it.each([["delete", "--all"], ["prune"]])("needs the user's yes for %s --yes", async (...words) => {
    const argv = ["--url", words[0] === "prune" ? "http://127.0.0.1:1/hook" : URL];
    expect((await inProject(["create", "Leads.create", ...argv])).exitCode).toBe(0);
    const command = [...words, "--yes"];
    const { exitCode, err } = await inProject(command);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining("whose Zoho account this changes, without a question"),
    ]);
    for (const part of ["--profile", "ZOHO_REFRESH_TOKEN", "in the environment"]) expect(err).toContain(part);
    expect((await inProject([...words, "--dry-run"])).exitCode).toBe(0);
    const no = { confirm: async () => false } as unknown as Prompts;
    expect((await inProject(command, { prompts: no })).exitCode).toBe(2);
    expect(world.requests("DELETE")).toEqual([]);
    expect((await inProject(command, { prompts })).exitCode).toBe(0);
    expect(world.requests("DELETE")).toHaveLength(1);
    // The yes is remembered.
    expect((await inProject(["create", "Leads.create", ...argv])).exitCode).toBe(0);
    expect((await inProject(command)).exitCode).toBe(0);
  });

  it("is reported in a user's folder that came with the project, too", async () => {
    const { clock, server, cwd, env } = world;
    const time = { now: clock.now, sleep: clock.sleep };
    const { ZOHO_REFRESH_TOKEN: _, ...client } = env;
    const user = { ...client, ZOHO_KEYRING: "off", XDG_CONFIG_HOME: join(cwd, "home") };
    const code = server.accounts.makeCode(ALL_SCOPES);
    expect((await run(["login", "--code", code], { ...time, cwd, env: user })).exitCode).toBe(0);
    const { err } = await run(["channels", "create", "Leads.create", "--url", URL], { ...time, cwd, env: user });
    expect(err).toContain(`${join(cwd, "home/zoho-hooks")}, which is in the project, decides whose Zoho account`);
  });

  it("is taken from the environment", async () => {
    await world.create();
    expect((await inProject(["delete", "--all", "--yes"], { env: world.env })).exitCode).toBe(0);
  });
});

it("needs the user before init adds a given secret to its .env, from which it could go to a stranger", async () => {
  const cwd = tempFolder();
  const [env, given] = [join(cwd, ".env"), join(tempFolder(), "secret")];
  writeFileSync(given, "SecretOfTheUser12345");
  const init = (secret: string, more: RunOptions = {}) => {
    const argv = ["init", "--products", "books", "--format", "books=wire", "--port", "4460", "--target", "none"];
    return run([...argv, "--secret", secret], { cwd, env: { XDG_CONFIG_HOME: home }, ...more });
  };
  const lines = (names: RegExp) => {
    const wanted = Object.entries(world.env).filter(([name]) => names.test(name));
    return wanted.map(([name, value]) => `${name}=${value}\n`).join("");
  };
  writeFileSync(env, lines(/./));
  const atHost = await init(given, { prompts });
  expect([atHost.exitCode, atHost.err]).toEqual([2, expect.stringContaining("would send")]);
  writeFileSync(env, lines(/_(?:ID|SECRET|TOKEN)$/));
  const atAccount = await init(given);
  expect([atAccount.exitCode, atAccount.err]).toEqual([
    2,
    expect.stringMatching(/could read ZOHO_WEBHOOK_SECRET.*set ZOHO_WEBHOOK_SECRET in the environment/s),
  ]);
  expect(readFileSync(env, "utf8")).toBe(lines(/_(?:ID|SECRET|TOKEN)$/));
  expect((await init(given, { prompts })).exitCode).toBe(0);
  expect(readFileSync(env, "utf8")).toContain("ZOHO_WEBHOOK_SECRET=SecretOfTheUser12345");
  writeFileSync(env, lines(/./));
  expect((await init("generate")).exitCode).toBe(0);
});

describe("ZOHO_PROFILE of a project's .env", () => {
  it("needs the user before logout ends that sign-in", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, ".env"), "ZOHO_PROFILE=production\nZOHO_DC=eu\n");
    const logout = (...argv: string[]) => run(["logout", ...argv], { cwd, env: { ZOHO_KEYRING: "off" } });
    const { exitCode, err } = await logout();
    expect([exitCode, err]).toEqual([2, expect.stringContaining("by ZOHO_PROFILE whose")]);
    // There is no such profile.
    expect((await logout("--profile", "production")).exitCode).toBe(6);
  });

  it("needs the user for webhooks delete --yes", async () => {
    const cwd = tempFolder();
    writeFileSync(join(cwd, ".env"), `ZOHO_ACCESS_TOKEN=1000.x\n`);
    const { exitCode, err } = await run(["webhooks", "delete", "1", "--product", "books", "--org", "1", "--yes"], {
      cwd,
    });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("by ZOHO_ACCESS_TOKEN whose")]);
  });
});
