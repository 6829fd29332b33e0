import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "./run.ts";
import { TestClock } from "./test-clock.ts";
import { ALL_SCOPES } from "./zoho-client.ts";
import { startZohoServer, type ZohoServer } from "./zoho-server.ts";

export const HOOK = "https://abc.example/webhooks/zoho/crm";

/** A user who is signed in to a strict Zoho, in an empty folder, with a clock that the test moves. */
export interface ChannelWorld {
  readonly server: ZohoServer;
  readonly clock: TestClock;
  readonly env: Record<string, string>;
  readonly cwd: string;
  channels(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** `channels create Leads.create`, with the rest of its arguments. */
  create(...argv: string[]): Promise<RunResult>;
  /** The same on another machine, with another memory. */
  elsewhere(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The watch API's requests with a method. */
  requests(method: string): readonly ApiRequest[];
  close(): Promise<void>;
}

export async function startChannelWorld(): Promise<ChannelWorld> {
  const clock = new TestClock();
  const server = await startZohoServer(clock.now);
  const cwd = tempFolder();
  const env = {
    ZOHO_CLIENT_ID: server.accounts.clientId,
    ZOHO_CLIENT_SECRET: server.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: server.url,
    ZOHO_API_URL: server.url,
  };
  const other = { ...env, XDG_CONFIG_HOME: tempFolder() };
  const channels: ChannelWorld["channels"] = (argv, options = {}) =>
    run(["channels", ...argv], { env, cwd, now: clock.now, sleep: clock.sleep, ...options });
  return {
    server,
    clock,
    env,
    cwd,
    channels,
    create: (...argv) =>
      channels(["create", "Leads.create", ...(argv.includes("--url") ? [] : ["--url", HOOK]), ...argv]),
    elsewhere: (argv, options = {}) => channels(argv, { ...options, env: { ...other, ...options.env } }),
    requests: (method) => server.requests.filter(isWatch(method)),
    close: () => server.close(),
  };
}

export const isWatch = (method: string) => (request: ApiRequest) =>
  request.method === method && request.path.endsWith("/actions/watch");
