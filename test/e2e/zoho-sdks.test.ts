import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tempFolder } from "../support/run.ts";
import { startTarget, type Target } from "../support/target.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

let zoho: ZohoServer;
let target: Target;
beforeEach(async () => {
  [zoho, target] = await Promise.all([startZohoServer(), startTarget()]);
});
afterEach(() => Promise.all([zoho.close(), target.close()]));

const SCOPES = ["modules", "settings", "users", "org", "notifications", "coql"].map((each) => `ZohoCRM.${each}.ALL`);

async function integrate(script: string, argv: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const env = {
    ...process.env,
    ZOHO_API_URL: zoho.url,
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(SCOPES),
  };
  const path = fileURLToPath(new URL(`../support/sdks/${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...argv], { env, cwd: tempFolder() });
  return JSON.parse(stdout);
}

describe.each([
  ["@zohocrm/typescript-sdk-8.0", "typescript-sdk.cjs", ["8.0"], "1105420521999070702"],
  ["@zohocrm/typescript-sdk-7.0", "typescript-sdk.cjs", ["7.0"], "1105420521999070702"],
  ["zcrmsdk", "zcrmsdk.cjs", [], "1105420521999070"],
] as const)("%s, unmodified,", (_, script, argv, channel) => {
  it("works with records and channels of the emulator", async () => {
    const result = await integrate(script, [...argv, tempFolder(), `${target.url}/hook`]);
    expect(result).toEqual({
      enabled: ["SUCCESS"],
      replaced: ["SUCCESS"],
      patched: ["SUCCESS"],
      removed: ["SUCCESS"],
      listed: [
        [channel, "Leads", ["Leads.edit", "Leads.create", "Leads.delete"]],
        [channel, "Contacts", ["Contacts.create"]],
      ],
      created: ["SUCCESS"],
      updated: ["SUCCESS"],
      got: [["Zylker", "boyle@example.com", "Trade Show", 12.5]],
      upserted: ["update", "insert"],
      found: [["Austin"]],
      all: [["other@example.com"], ["boyle@example.com"]],
      queried: [["boyle@example.com"]],
      deleted: ["SUCCESS"],
      gone: 204,
      refused: ["INVALID_DATA"],
      users: ["patricia.boyle@example.com"],
      disabled: ["SUCCESS", "SUCCESS"],
    });
    await zoho.deliveries.settled();
    const operations = target.seen.map(({ body }) => JSON.parse(body.toString()).operation);
    expect(operations.sort()).toEqual(["delete", "insert", "insert", "update", "update"]);
  });
});
