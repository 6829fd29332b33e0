import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/zoho-client.ts";
import { startZohoServer } from "../support/zoho-server.ts";

it("makes one token request for four processes that need a token at the same moment", async () => {
  const server = await startZohoServer();
  const folder = await temporaryFolder();
  const script = join(folder, "refresh-process.mjs");
  await build({
    input: fileURLToPath(new URL("../support/refresh-process.ts", import.meta.url)),
    platform: "node",
    output: { file: script, codeSplitting: false },
    logLevel: "silent",
  });
  const { clientId, clientSecret } = server.accounts;
  const refreshToken = server.accounts.makeRefreshToken(["ZohoCRM.notifications.ALL"]);
  const task = JSON.stringify({ accountsUrl: server.url, clientId, clientSecret, refreshToken, folder });
  const children: ChildProcess[] = [];
  try {
    const lines = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const child = spawn(process.execPath, [script, task], { stdio: ["pipe", "pipe", "inherit"] });
        children.push(child);
        const reader = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        expect((await reader.next()).value).toBe("ready");
        return { child, reader };
      }),
    );
    const values = await Promise.all(
      lines.map(async ({ child, reader }) => {
        child.stdin.write("go\n");
        const { value } = await reader.next();
        if (child.exitCode === null) await once(child, "exit");
        return value;
      }),
    );
    expect(new Set(values).size).toBe(1);
    expect(server.accounts.scopesOf(String(values[0]))).toBeDefined();
    expect(server.tokenRequests()).toHaveLength(1);
  } finally {
    for (const child of children) child.kill();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
