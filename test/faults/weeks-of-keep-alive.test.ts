import { describe, expect, it, type TestContext } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/channels/expiry.ts";
import { connectWith } from "../../src/library/connect/connect-with.ts";
import { type ChannelSpec, memoryStore, ZohoError } from "../../src/library/connect.ts";
import { startZoho, type ZohoFault } from "../../src/library/testing.ts";
import { slowStore, withoutAdd } from "../support/app.ts";
import { IS_LONG } from "../support/faults.ts";

const SEEDS = IS_LONG ? [1, 2, 3, 4, 5] : [1];
const DAYS = 40;
const STORE_MS = IS_LONG ? 200 : 1;
const OTHER_URL = "https://other.example/zoho";

type Product = "crm" | "bigin" | "recruit";

/** How an app is run for forty days. */
interface Course {
  readonly product: Product;
  readonly everyMs: number;
  readonly outageMs: number;
  readonly seed: number;
  /** How far the clock of the app is off. */
  readonly clockMs?: number;
  readonly canLock?: boolean;
}

const EVENTS: Readonly<Record<Product, string>> = {
  crm: "Leads.all",
  bigin: "Contacts.all",
  recruit: "Candidates.all",
};

/** A small generator of random numbers (mulberry32), the same in each run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What happened to the channels of one course. */
async function run(
  { product, everyMs, outageMs, seed, clockMs = 0, canLock = true }: Course,
  { onTestFinished }: TestContext,
) {
  const random = randomFrom(seed);
  const startMs = Date.parse("2026-03-01T00:07:00Z");
  let nowMs = startMs;
  const zoho = await startZoho({ now: () => new Date(nowMs) });
  onTestFinished(() => zoho.close());
  const inMemory = memoryStore();
  const store = slowStore(canLock ? inMemory : withoutAdd(inMemory), STORE_MS);
  const { env } = zoho;

  let isOut = false;
  let losesAnswers = false;
  const counts = { granted: 0, lost: 0, gaps: 0, doubles: 0, foreign: 0, wrongUrls: 0 };
  const send: typeof fetch = async (input, init) => {
    if (isOut) throw new TypeError("fetch failed");
    const response = await fetch(input, init);
    const isGrant = String(input).endsWith("/oauth/v2/token") && response.status === 200;
    const isLost = losesAnswers && random() < 0.5;
    if (isGrant) counts[isLost ? "lost" : "granted"]++;
    if (!isLost) return response;
    throw new TypeError("fetch failed");
  };
  let { ZOHO_REFRESH_TOKEN: refreshToken } = env;
  /** Another instance of the app each time, as behind a cron. */
  const keep = (name: string, more: Partial<ChannelSpec> = {}) =>
    connectWith(
      {
        ...{
          clientId: env.ZOHO_CLIENT_ID,
          clientSecret: env.ZOHO_CLIENT_SECRET,
          refreshToken,
          dc: "us",
          store,
          fetch: send,
        },
        ...{ accountsUrl: env.ZOHO_ACCOUNTS_URL, apiUrl: env.ZOHO_API_URL, now: () => new Date(nowMs + clockMs) },
      },
      // Much shorter, but a lock is still waited for longer than its holder needs.
      (ms) => new Promise((resolve) => setTimeout(resolve, ms / 50)),
    ).keepAlive({ name, product, events: [EVENTS[product]], url: OTHER_URL, token: "t0ken", ...more });

  const rotate = async (): Promise<void> => {
    const scope = "ZohoCRM.notifications.ALL,ZohoBigin.notifications.ALL,ZohoRecruit.notifications.ALL";
    const made = await fetch(`${zoho.url}/_emulator/code`, { method: "POST", body: JSON.stringify({ scope }) });
    const { code } = (await made.json()) as { readonly code: string };
    const grant = { grant_type: "authorization_code", client_id: env.ZOHO_CLIENT_ID ?? "", code };
    const body = new URLSearchParams({ ...grant, client_secret: env.ZOHO_CLIENT_SECRET ?? "" });
    const granted = await fetch(`${zoho.url}/oauth/v2/token`, { method: "POST", body });
    const old = new URLSearchParams({ token: refreshToken ?? "" });
    await fetch(`${zoho.url}/oauth/v2/token/revoke`, { method: "POST", body: old });
    ({ refresh_token: refreshToken } = (await granted.json()) as { readonly refresh_token: string });
  };

  const outages = [0.3 + 0.1 * random(), 0.7 + 0.1 * random()].map((part) => startMs + part * DAYS * DAY_MS);
  const moves = [9, 19, 29].map((day) => startMs + (day + random()) * DAY_MS);
  const rotations = [14, 34].map((day) => startMs + (day + random()) * DAY_MS);
  let moved = 0;
  let rotated = 0;
  /** Those that the channel of the app may have by now. */
  let urls: readonly string[] = [];
  for (let nextTick = startMs; nowMs < startMs + DAYS * DAY_MS; nowMs += 15 * MINUTE_MS) {
    isOut = outages.some((at) => nowMs >= at && nowMs < at + outageMs);
    if (nowMs >= (moves[moved] ?? Number.POSITIVE_INFINITY)) moved++;
    if (nowMs >= (rotations[rotated] ?? Number.POSITIVE_INFINITY)) {
      rotated++;
      await rotate();
    }
    if (nowMs >= nextTick) {
      nextTick += everyMs;
      losesAnswers = random() < 0.2;
      const burst: ZohoFault = { answer: 429, times: 1 + Math.floor(3 * random()) };
      if (!isOut && random() < 0.2) zoho.fail(burst);
      const url = `https://app.example/${moved}`;
      const results = await Promise.allSettled([keep("app", { url }), keep("app", { url }), keep("other")]);
      losesAnswers = false;
      for (const result of results)
        if (result.status === "rejected" && !(result.reason instanceof ZohoError)) throw result.reason;
      const isDone = results.slice(0, 2).some(({ status }) => status === "fulfilled");
      urls = isDone ? [url] : [...urls, url];
    }
    const listed = zoho.subscriptions();
    const others = listed.filter((channel) => channel.url === OTHER_URL);
    const own = listed.filter((channel) => channel.url !== OTHER_URL);
    if (own.length === 0 || others.length === 0) counts.gaps++;
    if (own.length > 1) counts.doubles++;
    if (others.length > 1) counts.foreign++;
    if (own.some((channel) => !urls.includes(channel.url))) counts.wrongUrls++;
  }
  const course = `${product} each ${everyMs / HOUR_MS} h, seed ${seed}, clock off by ${clockMs} ms`;
  process.stdout.write(`${course}${canLock ? "" : ", no lock"}: ${JSON.stringify(counts)}\n`);
  return counts;
}

const CLEAN = { gaps: 0, doubles: 0, foreign: 0, wrongUrls: 0 };

// They wait for the store more than they compute: the long form takes half an hour.
describe.concurrent.each(SEEDS)("with the faults of seed %i", { timeout: 3_600_000 }, (seed) => {
  it.for([1, 24, 48])("a cron each %i h keeps the channels of CRM alive for forty days", async (hours, context) => {
    const counts = await run({ product: "crm", everyMs: hours * HOUR_MS, outageMs: DAY_MS, seed }, context);
    expect(counts).toMatchObject(CLEAN);
    // Answers that were lost are repeated. Each rotation ends a token early.
    expect(counts.granted).toBeLessThanOrEqual((DAYS * 24) / hours + 2);
  });

  it.for(["bigin", "recruit"] as const)("a cron each hour keeps the channels of %s alive", async (product, context) => {
    const counts = await run({ product, everyMs: HOUR_MS, outageMs: 10 * HOUR_MS, seed }, context);
    expect(counts).toMatchObject(CLEAN);
  });

  it.for([-DAY_MS, -10 * MINUTE_MS, 10 * MINUTE_MS, DAY_MS])(
    "a clock that is off by %i ms changes nothing",
    async (clockMs, context) => {
      const course = { product: "crm", everyMs: DAY_MS, outageMs: DAY_MS, seed, clockMs } as const;
      expect(await run(course, context)).toMatchObject(CLEAN);
    },
  );

  it("a store that cannot lock costs refreshes, and no channel", async (context) => {
    const course = { product: "crm", everyMs: 6 * HOUR_MS, outageMs: DAY_MS, seed, canLock: false } as const;
    expect(await run(course, context)).toMatchObject(CLEAN);
  });
});

it("finds that a rare cron loses channels that live a day", async (context) => {
  const { gaps } = await run({ product: "bigin", everyMs: DAY_MS, outageMs: 0, seed: 1 }, context);
  expect(gaps).toBeGreaterThan(100);
});
