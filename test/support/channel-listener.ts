import { afterEach, beforeEach } from "vitest";
import { type Listener, startListener } from "./listener.ts";
import { type RunOptions, tempFolder } from "./run.ts";
import { TestClock } from "./test-clock.ts";
import { startTestTunnel, type TestTunnel } from "./test-tunnel.ts";
import { ALL_SCOPES } from "./zoho-client.ts";
import { startZohoServer, type ZohoServer } from "./zoho-server.ts";

export let tunnel: TestTunnel;
export let zoho: ZohoServer;
export let clock: TestClock;
/** Of each `world`. */
export let interrupt: AbortController;
let listeners: Listener[] = [];

/** A tunnel, a strict Zoho and a clock for each test, which ends with its listeners. */
export function startChannelListeners(): void {
  beforeEach(async () => {
    clock = new TestClock();
    interrupt = new AbortController();
    [tunnel, zoho] = await Promise.all([startTestTunnel(), startZohoServer(clock.now)]);
  });
  afterEach(async () => {
    for (const each of listeners) await each.stop();
    listeners = [];
    await zoho.close();
    await tunnel.close();
  });
}

/** A user who is signed in, in an empty folder. */
export const world = (env: Record<string, string> = {}): RunOptions => ({
  now: clock.now,
  sleep: clock.wait,
  cwd: tempFolder(),
  signal: interrupt.signal,
  overrides: tunnel.overrides,
  env: {
    ZOHO_HOOKS_TUNNEL: "ngrok",
    NGROK_AUTHTOKEN: "a-token-of-the-test",
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
    ...env,
  },
});

export async function start(argv: readonly string[], options: RunOptions): Promise<Listener> {
  const listener = await startListener(argv, options);
  listeners.push(listener);
  return listener;
}

export function listen(argv: readonly string[] = [], env: Record<string, string> = {}): Promise<Listener> {
  return start(["--channel", "Leads.create,Deals.all", ...argv], world(env));
}

/** How often a listener looks at its channel beside a Zoho on this machine. */
const POLL_MS = 3000;

/** Lets time pass until the only listener looks at its channel, and waits for what follows from it. */
export async function poll(ms = POLL_MS): Promise<void> {
  // The next look, and the detection of sleep.
  await clock.asleep(2);
  clock.advance(ms);
  await clock.asleep(2);
}

export const linesOf = (of: Listener, type: string) => of.lines().filter((line) => line.type === type);
export const statesOf = (of: Listener): unknown[] => linesOf(of, "channel").map(({ state }) => state);
export const channelId = (): string => zoho.watch.rows()[0]?.channelId ?? "none";
