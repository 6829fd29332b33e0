import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startBin } from "../support/bin.ts";
import { DEFAULT_LOG, IS_LONG } from "../support/faults.ts";
import { app } from "../support/forward-run.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { collect } from "../support/temp-log.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

/** Kills at random moments: of the start, of the creation of the channel, and under load. */
const ROUNDS = IS_LONG ? 20 : 4;

it("listen --channel has one channel after each restart, however often it is killed", async () => {
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
  const argv = ["listen", target.url, "--port", String(port), "--public-url", `http://127.0.0.1:${port}`];
  const start = () => startBin([...argv, "--channel", "Leads.create"], { cwd, env });
  const channels = (): readonly string[] => [...new Set(zoho.watch.rows().map(({ channelId }) => channelId))];
  /** A killed listener may not have answered these, or not have noted that the app has them. */
  const inHand = new Set<string>();
  const events = sendEvents(zoho, inHand);
  let restarts = 0;

  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const child = start();
    if (round % 2 === 0) {
      await child.said(/Ready\./);
      restarts++;
      expect(channels()).toHaveLength(1);
      await pause(Math.random() * 500);
    } else {
      await pause(Math.random() * 1500);
    }
    child.kill("SIGKILL");
    await child.ended;
    expect(channels().length, `after ${Math.round(performance.now() - startedAt)} ms`).toBeLessThan(2);
    for (const { records, state } of await logged(cwd))
      if (state === "waiting") for (const id of records) inHand.add(id);
  }

  const last = start();
  await last.said(/Ready\./);
  expect(channels()).toHaveLength(1);
  const sent = await events.stop();
  const seenIds = (): readonly string[] => target.seen.map(({ body }) => String(JSON.parse(body.toString()).ids[0]));
  await expect.poll(() => sent.filter((id) => !seenIds().includes(id))).toEqual([]);
  last.kill("SIGINT");
  expect((await last.ended).status).toBe(0);
  expect(channels()).toEqual([]);

  const records = await logged(cwd);
  expect(records.filter(({ accepted }) => !accepted)).toEqual([]);
  const unexpected = (ids: readonly string[]): readonly string[] => repeated(ids).filter((id) => !inHand.has(id));
  expect(unexpected(records.flatMap((record) => record.records))).toEqual([]);
  expect(unexpected(seenIds())).toEqual([]);
  process.stdout.write(
    `${ROUNDS} times kill -9 with a channel: ${restarts} restarts, ${sent.length} events, ` +
      `${repeated(seenIds()).length} forwarded twice, ${inHand.size} in hand\n`,
  );
});

/** Changes records all the time. What is not answered 200 is sent again. */
function sendEvents(zoho: ZohoServer, inHand: Set<string>) {
  const sent: string[] = [];
  let isOver = false;
  const worker = async (first: number): Promise<void> => {
    for (let i = first; !isOver; i += WORKERS) {
      const id = `57257670000${String(i).padStart(8, "0")}`;
      const changedAt = Date.now();
      sent.push(id);
      while (!(await isAnswered(id, changedAt))) await pause(20);
      await pause(10);
    }
  };
  const isAnswered = async (id: string, changedAt: number): Promise<boolean> => {
    try {
      const statuses = await zoho.notify("Leads.create", [id], changedAt);
      return statuses.length > 0 && statuses.every((status) => status === 200);
    } catch (error) {
      const { cause } = error as { cause?: { code?: string } };
      if (cause?.code !== "ECONNREFUSED") inHand.add(id);
      return false;
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, i) => worker(i));
  return {
    async stop(): Promise<readonly string[]> {
      isOver = true;
      await Promise.all(workers);
      return sent;
    },
  };
}

const WORKERS = 4;

async function logged(cwd: string) {
  const path = join(cwd, DEFAULT_LOG);
  if (!existsSync(path)) return [];
  const log = await openLog({ path, now: () => new Date(), create: false });
  const records = await collect(log.list());
  await log.close();
  return records;
}

function repeated(ids: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}
