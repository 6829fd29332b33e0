import { appendFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONFIG_FILE } from "../../src/config/settings.ts";
import type { Prompts } from "../../src/reports/prompts.ts";
import { openLog } from "../../src/store/sqlite/log.ts";
import type { TunnelOptions } from "../../src/tunnel/tunnel.ts";
import { clock, start, startChannelListeners, statesOf, tunnel, world, zoho } from "../support/channel-listener.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

startChannelListeners();

/** A signed-in user in a project whose `.env` has an ngrok authtoken. */
function user() {
  const { env: { NGROK_AUTHTOKEN: _, ...env } = {}, cwd = "", ...options } = world();
  writeFileSync(join(cwd, ".env"), "NGROK_AUTHTOKEN=token-of-a-stranger\n");
  return { ...options, cwd, env: { ...env, XDG_CONFIG_HOME: tempFolder() } };
}
const REFUSED = [2, expect.stringContaining("Zoho would post your records to a tunnel whose owner sees the traffic")];
const fail = (): never => {
  throw new Error("there is no tunnel yet");
};
const prompts = { confirm: async () => true } as unknown as Prompts;

it("a publicUrl of the project that a variable of the user's hides needs a yes, since listen may have been started without it", async () => {
  const { env = {}, cwd = "", ...options } = world();
  writeFileSync(join(cwd, ".env"), "ZOHO_HOOKS_PUBLIC_URL=https://stranger.test\n");
  const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
  const lock = await log.lock({ pid: 1, url: "https://stranger.test", since: new Date() });
  const user = { ...env, XDG_CONFIG_HOME: tempFolder(), ZOHO_HOOKS_TUNNEL: "ngrok" };
  const { exitCode, err } = await run(["channels", "create", "Leads.create"], { ...options, cwd, env: user });
  expect([exitCode, err]).toEqual([2, expect.stringContaining("Zoho would post your records to it")]);
  expect(zoho.requests).toEqual([]);
  if (lock.held) await lock.release();
  await log.close();
});

describe("a tunnel of an ngrok authtoken of the project", () => {
  it("needs the user's yes, once, before listen --channel has Zoho post to it", async () => {
    const options = user();
    const { exitCode, err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], options);
    expect([exitCode, err]).toEqual(REFUSED);
    expect(zoho.requests).toEqual([]);
    await (await startHumanListener(["--channel", "Leads.create"], { ...options, prompts })).stop();
    expect(statesOf(await start(["--channel", "Leads.create"], options))).toEqual(["created"]);
  });

  it("needs it where the project has an access token, but the refresh token, which precedes it, is the user's", async () => {
    const options = user();
    expect(options.env).toHaveProperty("ZOHO_REFRESH_TOKEN");
    appendFileSync(join(options.cwd, ".env"), "ZOHO_ACCESS_TOKEN=1000.of-a-stranger\n");
    const { exitCode, err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], options);
    expect([exitCode, err]).toEqual(REFUSED);
    expect(zoho.requests).toEqual([]);
  });

  it("needs none where the sign-in is the project's, too", async () => {
    const { env = {}, cwd = "", ...options } = world();
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(cwd, ".env"), lines.join(""));
    const own = { ...options, cwd, env: { XDG_CONFIG_HOME: tempFolder() } };
    expect(statesOf(await start(["--channel", "Leads.create"], own))).toEqual(["created"]);
  });

  it("is not told to other projects by a log of the user's, since their channels would be created with its URL", async () => {
    const { cwd, env, ...options } = user();
    const withLog = (path: string, more = {}) => ({
      ...options,
      cwd,
      env: { ...env, ...more, ZOHO_HOOKS_STORE: path },
    });
    const told = async (given: ReturnType<typeof withLog>) => {
      const listener = await start([], given);
      const status = await run(["store", "status", "--json"], { ...given, cwd: tempFolder() });
      const [ready] = listener.lines().filter(({ type }) => type === "ready");
      await listener.stop();
      const { receivers } = status.lines()[0] as { receivers: [{ url: string }] };
      return [receivers[0].url === ready?.public_url, receivers[0].url === ready?.url];
    };
    expect(await told(withLog(join(tempFolder(), "events.db")))).toEqual([false, true]);
    expect(await told(withLog(join(tempFolder(), "events.db"), { NGROK_AUTHTOKEN: "mine" }))).toEqual([true, false]);
    // A file of the project may name the same log.
    const { env: both, ...shared } = withLog(join(tempFolder(), "events.db"));
    const { ZOHO_HOOKS_STORE: store, ...without } = both;
    writeFileSync(join(cwd, CONFIG_FILE), JSON.stringify({ store }));
    const again = { ...shared, env: without };
    await (await startHumanListener([], { ...again, prompts })).stop();
    expect(await told({ ...shared, env: both })).toEqual([false, true]);
    const listener = await start([], again);
    const status = await run(["store", "status", "--json"], { ...options, env: both, cwd: tempFolder() });
    expect(status.lines()).toMatchObject([{ receivers: [{ url: listener.url }] }]);
    await listener.stop();
    // So may a link of the project.
    symlinkSync(dirname(String(store)), join(cwd, "data"), "junction");
    writeFileSync(join(cwd, CONFIG_FILE), JSON.stringify({ store: "data/events.db" }));
    await (await startHumanListener([], { ...again, prompts })).stop();
    const linked = await start([], again);
    const seen = await run(["store", "status", "--json"], { ...options, env: both, cwd: tempFolder() });
    expect(seen.lines()).toMatchObject([{ receivers: [{ url: linked.url }] }]);
    await linked.stop();
  });

  it("needs it before channels create takes its URL from the running listen", async () => {
    const options = user();
    const log = await openLog({ path: join(options.cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    const lock = await log.lock({ pid: 1, url: "https://a.ngrok.test", since: new Date() });
    const create = ["channels", "create", "Leads.create"];
    const { exitCode, err } = await run(create, options);
    expect([exitCode, err]).toEqual(REFUSED);
    // The running listen has not been started with it.
    const withToken = (token: string) => ({ ...options, env: { ...options.env, NGROK_AUTHTOKEN: token } });
    const later = await run(create, withToken("token-of-the-user"));
    expect([later.exitCode, later.err]).toEqual(REFUSED);
    expect(zoho.requests).toEqual([]);
    expect((await run(create, { ...withToken("token-of-a-stranger"), prompts })).exitCode).toBe(0);
    expect((await run(create, { ...options, prompts })).exitCode).toBe(0);
    expect((await run(create, withToken("token-of-the-user"))).exitCode).toBe(0);
    if (lock.held) await lock.release();
    await log.close();
  });

  it("needs it for the URL of a running listen even where the .env has changed since, until the listen has the user's tunnel", async () => {
    const options = user();
    const env = join(options.cwd, ".env");
    const { openTunnel = fail } = tunnel.overrides;
    let move: TunnelOptions["onStatus"] = fail;
    const overrides: RunOptions["overrides"] = {
      openTunnel(choice, opened) {
        move = opened.onStatus;
        return openTunnel(choice, opened);
      },
    };
    const listen = async (given: RunOptions, url: string) => {
      const listener = await start([], { ...given, overrides });
      // Channels need https, which the tunnel of the tests has not.
      move({ type: "reconnected", url, previousUrl: tunnel.url, at: clock.now(), downMs: 0 });
      const status = () => run(["store", "status", "--json"], given);
      await expect.poll(async () => (await status()).lines()).toMatchObject([{ receivers: [{ url }] }]);
      return listener;
    };
    const create = (more: RunOptions = {}) => run(["channels", "create", "Leads.create"], { ...options, ...more });
    const listener = await listen(options, "https://stranger.test");
    rmSync(env);
    const { exitCode, err } = await create();
    expect([exitCode, err]).toEqual([2, expect.stringContaining("only this project says that its running listen")]);
    expect(zoho.requests).toEqual([]);
    expect((await create({ prompts })).exitCode).toBe(0);
    expect((await create()).exitCode).toBe(0);
    await listener.stop();
    writeFileSync(env, "NGROK_AUTHTOKEN=token-of-a-stranger\n");
    await (await listen(options, "https://another.test")).stop();
    rmSync(env);
    await listen({ ...options, env: { ...options.env, NGROK_AUTHTOKEN: "mine" } }, "https://another.test");
    expect((await create()).exitCode).toBe(0);
  });

  it("needs it, anew for each target, before it gets the app's answers by the project's own setting", async () => {
    const options = user();
    const settle = (forwardTo: string) =>
      writeFileSync(join(options.cwd, CONFIG_FILE), JSON.stringify({ respond: "mirror", forwardTo }));
    settle("3000/private");
    const answered = [2, expect.stringContaining("your app's answers would go to a tunnel whose owner")];
    const listen = async (...flags: string[]) => {
      const { exitCode, err } = await run(["listen", "--port", "0", "--timeout", "1ms", ...flags], options);
      return [exitCode, err];
    };
    expect(await listen()).toEqual(answered);
    expect(await listen("--respond", "mirror")).toEqual([0, expect.stringContaining("sees the traffic")]);
    await (await startHumanListener([], { ...options, prompts })).stop();
    expect((await listen())[0]).toBe(0);
    settle("3001/private");
    expect(await listen()).toEqual(answered);
  });
});
