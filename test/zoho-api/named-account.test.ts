import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answering } from "../support/answers.ts";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";

const SCOPES = [...ALL_SCOPES, "SalesIQ.webhooks.READ", "SalesIQ.webhooks.CREATE", "SalesIQ.portals.READ"];

let world: ChannelWorld;
let env: Record<string, string>;
const zoho = (argv: readonly string[], options: RunOptions = {}) =>
  run(argv, { env, cwd: world.cwd, now: world.clock.now, sleep: world.clock.sleep, ...options });

/** Two profiles: the `.env` names `prod`, and `sandbox` is the current one. */
beforeEach(async () => {
  world = await startChannelWorld();
  const { ZOHO_REFRESH_TOKEN: _, ...client } = world.env;
  env = { ...client, ZOHO_KEYRING: "off", XDG_CONFIG_HOME: tempFolder() };
  for (const name of ["prod", "sandbox"]) {
    const code = world.server.accounts.makeCode(SCOPES);
    expect((await zoho(["login", "--code", code, "--profile", name])).exitCode).toBe(0);
  }
  writeFileSync(join(world.cwd, ".env"), "ZOHO_PROFILE=prod\n");
});
afterEach(() => world.close());

describe("the question before a deletion", () => {
  it.each([
    [["channels", "delete", "--all"], "Delete 2 channels"],
    [["channels", "delete", "--dead"], "Delete 1 of 2 channels"],
    [["webhooks", "delete", "460000000026049", "--product", "inventory", "--org", "1"], "Delete webhook"],
    [["webhooks", "failures", "--product", "salesiq", "--org", "acme", "--resend"], "Send 1 failed delivery"],
  ])("names the account: %j", async (argv, question) => {
    const create = ["channels", "create", "Leads.all", "--url", "http://127.0.0.1:1/hook"];
    expect((await zoho([...create, "--id", "1", "--profile", "prod"])).exitCode).toBe(0);
    expect((await zoho([...create, "--id", "2", "--profile", "sandbox"])).exitCode).toBe(0);
    const at = world.clock.now().getTime() - 60_000;
    world.server.salesIq.executions["19367000000120011"] = [{ id: "first", at, status: 400, retries: 3 }];
    const asked: string[] = [];
    const ask = async (...more: string[]) =>
      zoho([...argv, ...more], { prompts: answering({ [question]: false }, asked) });
    expect((await ask()).exitCode).toBe(0);
    expect((await ask("--profile", "sandbox")).exitCode).toBe(0);
    rmSync(join(world.cwd, ".env"));
    expect((await ask()).exitCode).toBe(0);
    expect(asked.map((each) => each.slice(0, each.indexOf(question)))).toEqual([
      "In the Zoho account of profile prod (ZOHO_PROFILE): ",
      "In the Zoho account of profile sandbox (--profile): ",
      "In the Zoho account of profile sandbox (the current one): ",
    ]);
  });
});
