import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Prompts } from "../../src/reports/prompts.ts";
import { openLog } from "../../src/store/sqlite/log.ts";
import { answering } from "../support/answers.ts";
import { type ChannelWorld, HOOK, startChannelWorld } from "../support/channel-world.ts";
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
function inProject(
  argv: readonly string[],
  { env, tunnel, ...options }: RunOptions & { readonly tunnel?: string } = {},
) {
  const all = tunnel === undefined ? world.env : { ...world.env, NGROK_AUTHTOKEN: tunnel };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(world.cwd, ".env"), lines.join(""));
  return world.channels(argv, { env: { XDG_CONFIG_HOME: home, ...env }, ...options });
}

const confirm: Prompts["confirm"] = async () => true;
const prompts = { confirm } as Prompts;
const REPORT = "decides whose Zoho account this changes: ZOHO_CLIENT_ID=1000.";

describe("a sign-in of a project's .env", () => {
  it("is reported by what changes something, without its secrets, and not by what reads", async () => {
    const { exitCode, err } = await inProject(["create", "Leads.create", "--url", HOOK]);
    expect([exitCode, err]).toEqual([0, expect.stringContaining(REPORT)]);
    expect(err).toContain(join(world.cwd, ".env"));
    expect(err).not.toContain(world.env.ZOHO_REFRESH_TOKEN);
    expect((await inProject(["list"])).err).not.toContain("decides");
    expect((await world.create()).err).not.toContain("decides");
  });

  it.each([["delete", "--all"], ["prune"]])("needs the user's yes for %s --yes", async (...words) => {
    const argv = ["--url", words[0] === "prune" ? "http://127.0.0.1:1/hook" : HOOK];
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
    const { err } = await run(["channels", "create", "Leads.create", "--url", HOOK], { ...time, cwd, env: user });
    expect(err).toContain(`${join(cwd, "home/zoho-hooks")}, which is in the project, decides whose Zoho account`);
  });

  it("does not make a running listen's URL true, whoever the tunnel's token is from", async () => {
    const log = await openLog({ path: join(world.cwd, ".zoho-hooks/events.db"), now: world.clock.now });
    const lock = await log.lock({ pid: 1, url: "https://stranger.test", since: world.clock.now() });
    const create = (options?: RunOptions) => inProject(["create", "Leads.create"], { tunnel: "a-token", ...options });
    const { exitCode, err } = await create();
    expect([exitCode, err]).toEqual([2, expect.stringContaining("only this project says that its running listen")]);
    expect(world.requests("POST")).toEqual([]);
    expect((await create({ prompts })).exitCode).toBe(0);
    expect((await create()).exitCode).toBe(0);
    if (lock.held) await lock.release();
    await log.close();
  });

  it("is not named in a question where the environment's decides", async () => {
    await world.create();
    const asked: string[] = [];
    for (const line of ["ZOHO_ACCESS_TOKEN=x", "ZOHO_ACCESS_TOKEN=x\nZOHO_ENVIRONMENT=production"]) {
      writeFileSync(join(world.cwd, ".env"), `${line}\n`);
      const prompts = answering({ "Delete channel": false }, asked);
      expect((await world.channels(["delete", "--all"], { prompts })).exitCode).toBe(0);
    }
    expect(asked.map((each) => each.slice(0, each.indexOf(": Delete")))).toEqual([
      "In the Zoho account of the environment's variables",
      `In the Zoho account of the environment's variables, with ZOHO_ENVIRONMENT=production of ${join(world.cwd, ".env")}`,
    ]);
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
  // Another terminal may not have the sign-in of this one.
  const hidden = await init(given, { env: { ...world.env, XDG_CONFIG_HOME: home, ZOHO_REFRESH_TOKEN: "of-the-user" } });
  expect([hidden.exitCode, hidden.err]).toEqual([2, expect.stringContaining("could read ZOHO_WEBHOOK_SECRET")]);
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
    expect([exitCode, err]).toEqual([2, expect.stringContaining("by ZOHO_PROFILE=production which")]);
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

describe("a profile of the user's that a project's .env chooses", () => {
  const SCOPES = [...ALL_SCOPES, "SalesIQ.webhooks.READ", "SalesIQ.webhooks.CREATE", "SalesIQ.portals.READ"];
  /** The environment has no sign-in: `prod` is chosen by the `.env`, and `sandbox` is the current one. */
  let user: Record<string, string>;
  beforeEach(async () => {
    const { ZOHO_REFRESH_TOKEN: _, ...client } = world.env;
    user = { ...client, ZOHO_KEYRING: "off", XDG_CONFIG_HOME: home };
    for (const name of ["prod", "sandbox"]) {
      const code = world.server.accounts.makeCode(SCOPES);
      expect((await zoho(["login", "--code", code, "--profile", name])).exitCode).toBe(0);
    }
    writeFileSync(join(world.cwd, ".env"), "ZOHO_PROFILE=prod\n");
  });
  const zoho = (argv: readonly string[], options: RunOptions = {}) =>
    run(argv, { env: user, cwd: world.cwd, now: world.clock.now, sleep: world.clock.sleep, ...options });

  it.each([
    [["channels", "delete", "--all"], "Delete 2 channels"],
    [["channels", "disable", "1"], "Channel 1 would have"],
    [["channels", "disable", "1", "--events", "Leads.create"], "Stop Leads.create"],
    [["channels", "prune"], "Delete 1 of 2 channels"],
    [["webhooks", "delete", "460000000026049", "--product", "inventory", "--org", "1"], "Delete webhook"],
    [["webhooks", "failures", "--product", "salesiq", "--org", "acme", "--resend"], "Send 1 failed delivery"],
  ])("is named before the question of %j is answered", async (argv, question) => {
    const create = ["channels", "create", "Leads.all", "--url", "http://127.0.0.1:1/hook"];
    for (const [id, name] of ["1 prod", "2 sandbox"].map((each) => each.split(" ") as [string, string]))
      expect((await zoho([...create, "--id", id, "--profile", name])).exitCode).toBe(0);
    const at = world.clock.now().getTime() - 60_000;
    world.server.failures.executions["19367000000120011"] = [{ id: "first", at, status: 400, retries: 3 }];
    const asked: string[] = [];
    const ask = async (...more: string[]) =>
      zoho([...argv, ...more], { prompts: answering({ [question]: false }, asked) });
    expect((await ask()).exitCode).toBe(0);
    expect((await ask("--profile", "sandbox")).exitCode).toBe(0);
    rmSync(join(world.cwd, ".env"));
    expect((await ask()).exitCode).toBe(0);
    expect(asked.map((each) => each.slice(0, each.indexOf(question)))).toEqual([
      `In the Zoho account that ${join(world.cwd, ".env")} chooses by ZOHO_PROFILE=prod: `,
      "In the Zoho account of profile sandbox (--profile): ",
      "In the Zoho account of profile sandbox (the current one): ",
    ]);
  });

  it("needs a yes before channels renew creates all its expired channels again, but not those that are named", async () => {
    for (const id of ["1", "2"])
      await zoho(["channels", "create", "Leads.all", "--id", id, "--url", HOOK, "--expires", "1h"]);
    world.clock.advance(7_200_000);
    const { exitCode, err } = await zoho(["channels", "renew", "--all"]);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringMatching(
        /ZOHO_PROFILE=prod in whose .* created again \(1, 2\)\n.*use --profile, or set ZOHO_PROFILE/,
      ),
    ]);
    expect(world.requests("POST")).toHaveLength(2);
    expect((await zoho(["channels", "renew", "--all", "--dry-run"])).exitCode).toBe(0);
    expect((await zoho(["channels", "renew", "1"])).exitCode).toBe(0);
    expect((await zoho(["channels", "renew"], { prompts })).exitCode).toBe(0);
    expect(world.requests("POST")).toHaveLength(4);
    world.clock.advance(700_000_000);
    // The yes is remembered, for this alone.
    expect((await zoho(["channels", "renew"])).exitCode).toBe(0);
    expect(world.requests("POST")).toHaveLength(6);
    expect((await zoho(["channels", "delete", "--all", "--yes"])).exitCode).toBe(2);
  });

  it("needs its own approval for logout, beside that for channels delete", async () => {
    await zoho(["channels", "create", "Leads.all", "--url", HOOK]);
    expect((await zoho(["channels", "delete", "--all", "--yes"], { prompts })).exitCode).toBe(0);
    const { exitCode, err } = await zoho(["logout"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("ZOHO_PROFILE=prod which sign-in this ends")]);
    expect((await zoho(["logout"], { prompts })).exitCode).toBe(0);
  });
});
