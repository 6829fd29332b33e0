import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Answer } from "../../src/emulator/answer.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

let world: ChannelWorld;
let listener: Listener;
beforeEach(async () => {
  world = await startChannelWorld();
  const { env, cwd, clock } = world;
  listener = await startListener(["--tunnel", "none"], { env, cwd, now: clock.now });
  writeFileSync(join(cwd, "new"), "the-new-token");
  await create("1", "the-old-token");
});
afterEach(async () => {
  await listener.stop();
  await world.close();
});

/** A channel with this token, which posts to the listener. */
const create = (id: string, token: string) => {
  const argv = ["create", "Leads.create", "--id", id, "--url", `${listener.url}/webhooks/zoho/crm`];
  return world.channels(argv, { env: { ...world.env, ZOHO_WEBHOOK_TOKEN: token } });
};
const update = () => create("1", "the-new-token");
/** The statuses of a listener for the old and the new token. */
const answers = async (): Promise<readonly number[]> => {
  const statuses: number[] = [];
  for (const token of ["the-old-token", "the-new-token"]) {
    const body = { module: "Leads", operation: "insert", ids: ["5725767000003000064"], channel_id: "1", token };
    statuses.push((await listener.post("/webhooks/zoho/crm", JSON.stringify(body))).status);
  }
  return statuses;
};
const tokenAtZoho = () => world.server.watch.rows()[0]?.token;

describe("verify --logged", () => {
  const verify = (n: string) => run(["verify", "--logged", n, "--explain"], { env: world.env, cwd: world.cwd });

  it("requires a channel's token as listen did", async () => {
    expect(await answers()).toEqual([200, 401]);
    expect((await verify("1")).out).toContain("✓ verified (token): the token is channel 1");
    const { exitCode, out } = await verify("2");
    expect(out).toContain("the token in the body is not that of channel 1");
    expect(exitCode).toBe(3);
  });

  it("distinguishes the token of another channel from one with extra white space", async () => {
    await create("2", "the-new-token");
    expect(await answers()).toEqual([200, 401]);
    const { out } = await verify("2");
    expect(out).toContain("→ the token is that of channel 2, but the body names another channel");
    expect(out).not.toContain("only by");
    expect(out).not.toMatch(/the-(old|new)-token/);
    const { env, cwd } = world;
    const byNpx = await run(["verify", "--logged", "2", "--explain"], { env, cwd, invocation: "npx zoho-hooks" });
    expect(byNpx.out).toContain("then npx zoho-hooks channels create <event> --id <id>");
  });
});

describe("the token of channels create", () => {
  const create = async (id: string, variables: Readonly<Record<string, string>>, ...argv: string[]) => {
    const { channels, env } = world;
    const args = ["create", "Leads.create", "--id", id, "--url", "https://abc.example/crm", ...argv];
    const { exitCode, out, err } = await channels(args, { env: { ...env, ...variables } });
    return { exitCode, text: out + err, token: world.server.watch.rows().find((row) => row.channelId === id)?.token };
  };

  it("is that of ZOHO_WEBHOOK_TOKEN, or of the product's own variable", async () => {
    const general = await create("7", { ZOHO_WEBHOOK_TOKEN: "the-app-token" });
    expect(general).toMatchObject({ exitCode: 0, token: "the-app-token" });
    expect(general.text).not.toMatch(/the-app-token|a new token was created/);
    const both = { ZOHO_WEBHOOK_TOKEN: "the-app-token", ZOHO_WEBHOOK_TOKEN_CRM: "the-crm-token" };
    expect((await create("8", both)).token).toBe("the-crm-token");
    expect((await create("9", { ZOHO_WEBHOOK_TOKEN_CRM_FILE: "new" })).token).toBe("the-new-token");
  });

  it("is a new one without the variable, and the output says how to see it", async () => {
    const { text, token } = await create("7", {});
    expect(text).toContain(
      "a new token was created; listen on this machine uses it. For your app: zoho-hooks channels show 7",
    );
    expect(text).toContain("--show-secrets");
    expect(text).not.toContain(token);
  });

  it("must not be longer than Zoho accepts", async () => {
    const { exitCode, text } = await create("7", { ZOHO_WEBHOOK_TOKEN: "x".repeat(51) });
    expect(exitCode).toBe(2);
    expect(text).toContain("the token of ZOHO_WEBHOOK_TOKEN has 51 characters, and Zoho accepts at most 50");
  });
});

describe("channels create --id with another token", () => {
  it("replaces the token that a running listener requires", async () => {
    expect(await answers()).toEqual([200, 401]);
    expect((await update()).exitCode).toBe(0);
    expect(await answers()).toEqual([401, 200]);
  });

  it.each([
    ["Zoho has the new one", true],
    ["Zoho has kept the old one", false],
  ])("accepts both if Zoho's answer is lost, until a list shows that %s", async (_, isDone) => {
    const page: Answer = { status: 200, body: "<html>" };
    world.server.trouble(page, 4, (request) => {
      if (!isWatch("PUT")(request)) return false;
      for (const row of world.server.watch.rows()) if (isDone) row.token = "the-new-token";
      return true;
    });
    const { exitCode, err, out } = await update();
    expect(exitCode).toBe(7);
    expect(err).toContain("channel 1 may have been updated: Zoho did not answer");
    expect(err).toContain("until then both its old and its new token are accepted");
    expect(err + out).not.toMatch(/the-(old|new)-token/);
    expect(await answers()).toEqual([200, 200]);
    await world.channels(["list"]);
    expect(await answers()).toEqual(isDone ? [401, 200] : [200, 401]);
    expect(tokenAtZoho()).toBe(isDone ? "the-new-token" : "the-old-token");
  });

  it("keeps the old one if Zoho rejects the new one", async () => {
    const refusal = { code: "INVALID_DATA", message: "no", details: {}, status: "error" };
    world.server.trouble({ status: 400, body: { watch: [refusal] } }, 1, isWatch("PUT"));
    const { exitCode, err } = await update();
    expect([exitCode, err]).toEqual([7, expect.not.stringContaining("may have been updated")]);
    expect(await answers()).toEqual([200, 401]);
  });

  it("accepts the new one if the channel could not be read back", async () => {
    let reads = 0;
    const refusal = { code: "OAUTH_SCOPE_MISMATCH", message: "no", details: {}, status: "error" };
    world.server.trouble({ status: 401, body: refusal }, 1, (request) => isWatch("GET")(request) && ++reads === 2);
    expect((await update()).err).toMatch(/channel 1 was updated, until .*, but could not be read back/);
    expect(await answers()).toEqual([401, 200]);
  });
});
