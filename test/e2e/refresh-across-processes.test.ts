import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { run } from "../support/run.ts";
import { temporaryFolder } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const scripts = await temporaryFolder();
const script = join(scripts, "refresh-process.mjs");
let server: ZohoServer;
/** A user's home folder. */
let home: string;
let refreshToken: string;
let children: ChildProcess[];
beforeAll(() =>
  build({
    input: fileURLToPath(new URL("../support/refresh-process.ts", import.meta.url)),
    platform: "node",
    output: { file: script, codeSplitting: false },
    logLevel: "silent",
  }),
);
afterAll(() => rm(scripts, { recursive: true, force: true }));
beforeEach(async () => {
  server = await startZohoServer();
  refreshToken = server.accounts.makeRefreshToken(["ZohoCRM.notifications.ALL"]);
  home = await temporaryFolder();
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill();
  await server.close();
  await rm(home, { recursive: true, force: true });
});

/** A process that waits to get an access token. */
async function startProcess() {
  const { clientId, clientSecret } = server.accounts;
  const task = JSON.stringify({
    accountsUrl: server.url,
    clientId,
    clientSecret,
    refreshToken,
    userFolder: join(home, ".config/zoho-hooks"),
  });
  const child = spawn(process.execPath, [script, task], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const reader = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await reader.next()).value).toBe("ready");
  return { child, reader, go: () => child.stdin.write("go\n") };
}

it("makes one token request for four processes that need a token at the same time", async () => {
  const four = await Promise.all([1, 2, 3, 4].map(startProcess));
  const values = await Promise.all(
    four.map(async ({ child, reader, go }) => {
      go();
      const { value } = await reader.next();
      if (child.exitCode === null) await once(child, "exit");
      return value;
    }),
  );
  expect(new Set(values).size).toBe(1);
  expect(server.accounts.scopesOf(String(values[0]))).toBeDefined();
  expect(server.tokenRequests()).toHaveLength(1);
});

it("reports what it waits for, and continues as soon as that process is killed", async () => {
  server.trouble("silence");
  const { child, go } = await startProcess();
  go();
  await server.seen(({ path }) => path === "/oauth/v2/token");
  const tokens = join(home, ".config/zoho-hooks/tokens");
  let heartbeat: NodeJS.Timeout | undefined;
  const touchLocks = (): void => {
    const now = new Date();
    const locks = readdirSync(tokens).filter((name) => name.includes(".lock"));
    for (const name of locks) utimes(join(tokens, name), now, now).catch(() => undefined);
  };
  const { accounts, url } = server;
  const result = await run(["whoami"], {
    cwd: home,
    env: {
      ZOHO_ACCOUNTS_URL: url,
      ZOHO_CLIENT_ID: accounts.clientId,
      ZOHO_CLIENT_SECRET: accounts.clientSecret,
      ZOHO_REFRESH_TOKEN: refreshToken,
    },
    onErr: (text) => {
      if (!text.includes("waiting for another zoho-hooks process")) return;
      child.kill("SIGKILL");
      // The lock never looks abandoned, so only the process id of its owner tells.
      heartbeat = setInterval(touchLocks, 100);
    },
  });
  clearInterval(heartbeat);
  expect(result.exitCode).toBe(0);
  expect(heartbeat).toBeDefined();
  expect(await readdir(tokens)).toEqual([expect.stringMatching(/\.json$/)]);
});
