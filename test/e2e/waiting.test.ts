import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { atTerminal, runBin } from "../support/bin.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

let zoho: ZohoServer;
beforeEach(async () => {
  zoho = await startZohoServer();
});
afterEach(() => zoho.close());

describe.skipIf(lacks("script of util-linux"))("a command that waits for Zoho, at a terminal,", () => {
  const env = () => ({
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
  });
  const list = (columns = 100) => atTerminal(["channels", "list"], { env: env(), columns });

  it("shows what it waits for, takes that away, and says what came of it", async () => {
    // The answer comes only after waits from try to try, which are longer than a moment.
    zoho.trouble({ status: 503, body: "" }, 2, ({ path }) => path.endsWith("/watch"));
    const screen = list();
    await screen.shown(/asking Zoho for its channels/);
    const { status, text } = await screen.ended;
    expect(status).toBe(0);
    const shown = stripVTControlCharacters(text).trimEnd().split("\n").at(-1);
    expect(shown).toContain("no Zoho CRM channel");
  });

  it("ends on Ctrl-C with the status of that, and is no bug", async () => {
    zoho.trouble("silence", 1, ({ path }) => path.endsWith("/watch"));
    const screen = list();
    await screen.shown(/asking Zoho for its channels/);
    screen.type("\u0003");
    const { status, text } = await screen.ended;
    expect(status).toBe(130);
    expect(text).not.toContain("bug");
  });

  it("lists channels so that a narrow terminal breaks between what is told, and nowhere in it", async () => {
    const url = "https://a-rather-long-name.ngrok-free.app/webhooks/zoho/crm";
    await runBin(["channels", "create", "Leads.all", "Deals.edit", "--id", "4711", "--url", url], { env: env() });
    const linesAt = async (columns: number) => {
      const { text } = await list(columns).ended;
      return (
        stripVTControlCharacters(text)
          .split("\n")
          // What turns on a slow machine stands before what takes its place.
          .map((line) => line.replace(/^(?:\S asking Zoho for its channels)+/, ""))
          .filter((line) => /4711|https/.test(line))
      );
    };
    expect(await linesAt(140)).toEqual([
      expect.stringMatching(/^4711 +6d 2\dh +Leads\.all Deals\.edit +https\S+ +\[masked\]$/),
    ]);
    expect(await linesAt(80)).toEqual([
      expect.stringMatching(/^4711 {2}6d 2\dh {2}Leads\.all Deals\.edit$/),
      `  ${url}  [masked]`,
    ]);
  });
});

it.skipIf(lacks("script of util-linux"))(
  "events list shows how much of the log it has searched, at a terminal",
  async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: () => new Date() });
    await Promise.all(Array.from({ length: 6000 }, () => log.append(newEntry({}))));
    await log.close();
    const { status, text } = await atTerminal(["events", "list", "--where", "data.total=77"], { cwd }).ended;
    expect(status).toBe(0);
    expect(text).toMatch(/█░+ \d+ of 6000/);
    expect(stripVTControlCharacters(text.split("\u001b[2K").at(-1) ?? "")).toMatch(
      /^no delivery in the log matches\s*$/,
    );
  },
);
