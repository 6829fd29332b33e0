import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startBin } from "../support/bin.ts";
import { DEFAULT_LOG } from "../support/faults.ts";
import { app } from "../support/forward-run.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { collect } from "../support/temp-log.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

/** Kills at random moments: of the start, of the creation of the channel, and under load. */
const ROUNDS = 20;

it("listen --channel has one channel whenever it is killed, and loses nothing that it answered", async () => {
  const cwd = tempFolder();
  const zoho = await startZohoServer();
  onTestFinished(() => zoho.close());
  const target = await app();
  const port = await freePort();
  const env = {
    ...{ HOME: cwd, XDG_CONFIG_HOME: join(cwd, ".config") },
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
  };
  const argv = ["listen", target.url, "--port", String(port), "--channel", "Leads.create"];
  const start = () => startBin(argv, { cwd, env });
  const channels = (): readonly string[] => [...new Set(zoho.watch.rows().map(({ channelId }) => channelId))];
  /** A killed listener may not have noted that the app has these. */
  const inHand = new Set<string>();

  let child = start();
  await child.said(/Ready\./);
  const stopCreating = createLeads(zoho);
  for (let round = 0; round < ROUNDS; round++) {
    const isReady = round % 2 === 0;
    if (isReady) await child.said(/Ready\./);
    await pause(Math.random() * (isReady ? 500 : 1500));
    child.kill("SIGKILL");
    await child.ended;
    expect(channels()).toHaveLength(1);
    for (const { records, state } of await logged(cwd))
      if (state === "waiting") for (const id of records) inHand.add(id);
    child = start();
  }
  await child.said(/Ready\./);
  expect(channels()).toHaveLength(1);
  const created = await stopCreating();
  // One channel all the time, and Zoho sends once: what nobody answered is lost, what was answered is not.
  await expect.poll(() => zoho.deliveries.sent.items.length, { timeout: 30_000 }).toBe(created);
  const answered = zoho.deliveries.sent.items.flatMap(({ status, delivery }) =>
    status === 200 ? idsIn(delivery.body) : [],
  );
  const seenIds = (): readonly string[] => target.seen.flatMap(({ body }) => idsIn(body));
  await expect.poll(() => answered.filter((id) => !seenIds().includes(id))).toEqual([]);
  child.kill("SIGINT");
  expect((await child.ended).status).toBe(0);
  expect(channels()).toEqual([]);

  const records = await logged(cwd);
  expect(records.filter(({ accepted }) => !accepted)).toEqual([]);
  expect(repeated(records.flatMap((record) => record.records))).toEqual([]);
  expect(repeated(seenIds()).filter((id) => !inHand.has(id))).toEqual([]);
  process.stdout.write(
    `${ROUNDS} times kill -9 with a channel: ${created} leads, ${answered.length} answered, ` +
      `${repeated(seenIds()).length} forwarded twice, ${inHand.size} in hand\n`,
  );
});

/** Creates leads through the API all the time. Returns a function that ends it, and resolves to their number. */
function createLeads(zoho: ZohoServer): () => Promise<number> {
  let isOver = false;
  let created = 0;
  const headers = { authorization: `Zoho-oauthtoken ${zoho.accounts.makeAccessToken(["ZohoCRM.modules.ALL"])}` };
  const worker = async (): Promise<void> => {
    while (!isOver) {
      const body = JSON.stringify({ data: [{ Last_Name: `Lead ${created}`, Company: "Acme" }] });
      const { status } = await fetch(`${zoho.url}/crm/v8/Leads`, { method: "POST", headers, body });
      if (status !== 201) throw new Error(`the emulator answered ${status}`);
      created++;
      await pause(25);
    }
  };
  const workers = Array.from({ length: WORKERS }, worker);
  return async () => {
    isOver = true;
    await Promise.all(workers);
    return created;
  };
}

const WORKERS = 4;

function idsIn(body: Buffer): readonly string[] {
  return (JSON.parse(body.toString()) as { ids: string[] }).ids;
}

async function logged(cwd: string) {
  const path = join(cwd, DEFAULT_LOG);
  if (!existsSync(path)) return [];
  const log = await openLog({ path, now: () => new Date(), create: false });
  const records = await collect(log.entries());
  await log.close();
  return records;
}

function repeated(ids: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
