import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectZoho, memoryStore, type Store } from "../../src/library/connect.ts";
import { type App, errorOf, slowStore, startApp, withoutAdd } from "../support/app.ts";

let nowMs: number;
let app: App;
beforeEach(async () => {
  nowMs = Date.parse("2026-03-01T09:00:00Z");
  app = await startApp({ now: () => new Date(nowMs) });
});
afterEach(() => app.zoho.close());

const HOUR_MS = 3_600_000;

describe("an access token", () => {
  it("is shared by instances with one store, and is the only request while it is valid", async () => {
    const store = memoryStore();
    const first = await app.connect({ store }).accessToken();
    expect(first).toMatch(/^1000\./);
    expect(await app.connect({ store }).accessToken()).toBe(first);
    nowMs += 58 * 60_000;
    expect(await app.connect({ store }).accessToken()).toBe(first);
    nowMs += 90_000;
    expect(await app.connect({ store }).accessToken()).not.toBe(first);
    expect(app.tokenRequests()).toBe(2);
  });

  it("is shared by connections without a store, which a route may make for each request", async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => app.connect().accessToken()));
    expect(new Set(tokens).size).toBe(1);
    expect(app.tokenRequests()).toBe(1);
  });

  it("needs no store while this instance has it", async () => {
    let reads = 0;
    const store = memoryStore();
    const get = (key: string) => {
      reads++;
      return store.get(key);
    };
    const zoho = app.connect({ store: { ...store, get } });
    await zoho.accessToken();
    const before = reads;
    for (let i = 0; i < 100; i++) await zoho.accessToken();
    expect(reads).toBe(before);
  });

  it("is refreshed once by fifty cold instances on a slow store that can lock", async () => {
    const store = slowStore(memoryStore(), 50);
    const instances = Array.from({ length: 50 }, () => app.connect({ store }));
    const tokens = await Promise.all(instances.flatMap((zoho) => [zoho.accessToken(), zoho.accessToken()]));
    expect(new Set(tokens).size).toBe(1);
    expect(app.tokenRequests()).toBe(1);
  });

  it("is got by all of twelve cold instances on a store that cannot lock, two of which Zoho refuses", async () => {
    const store = slowStore(withoutAdd(memoryStore()), 50);
    const instances = Array.from({ length: 12 }, () => app.connect({ store }));
    const tokens = await Promise.all(instances.map((zoho) => zoho.accessToken()));
    expect(tokens.every((token) => token.startsWith("1000."))).toBe(true);
    await app.connect({ store }).accessToken();
    expect(app.tokenRequests()).toBe(12);
  });

  it("is not lost where an answer of the store comes after what was written since", async () => {
    const store = memoryStore();
    let reads = 0;
    let tellWritten = (): void => {};
    const written = new Promise<void>((resolve) => {
      tellWritten = resolve;
    });
    const zoho = app.connect({
      store: {
        ...store,
        async get(key) {
          const value = await store.get(key);
          if (++reads === 2) await written;
          return value;
        },
        async set(...entry) {
          await store.set(...entry);
          tellWritten();
        },
      },
    });
    const tokens = await Promise.all([zoho.accessToken(), zoho.accessToken()]);
    expect(new Set([...tokens, await app.connect({ store }).accessToken()]).size).toBe(1);
    expect(app.tokenRequests()).toBe(1);
  });

  it("that was rejected is replaced by the one in the store before Zoho is asked", async () => {
    const store = memoryStore();
    const [one, two] = [app.connect({ store }), app.connect({ store })];
    const old = await one.accessToken();
    await two.accessToken();
    const next = await one.accessToken({ instead: old });
    expect(next).not.toBe(old);
    expect(await two.accessToken({ instead: old })).toBe(next);
    expect(app.tokenRequests()).toBe(2);
  });

  it("is kept sealed: the store shows neither it nor the credentials, and what was changed there is ignored", async () => {
    const kept = new Map<string, string>();
    const store: Store = {
      get: async (key) => kept.get(key),
      set: async (key, value) => kept.set(key, value),
    };
    const token = await app.connect({ store }).accessToken();
    const text = JSON.stringify([...kept]);
    for (const secret of [token, app.options.clientSecret, app.options.refreshToken, app.options.clientId])
      expect(text).not.toContain(secret);
    for (const [key, value] of kept) kept.set(key, `${value.slice(0, -8)}AAAA${value.slice(-4)}`);
    expect(await app.connect({ store }).accessToken()).not.toBe(token);
  });

  it("is given although it could not be stored, and a store that cannot be read is named", async () => {
    const full = { ...memoryStore(), set: () => Promise.reject(new Error("429 Too Many Requests")) };
    expect(await app.connect({ store: full }).accessToken()).toMatch(/^1000\./);
    const broken = { ...memoryStore(), get: () => Promise.reject(new Error("WRONGPASS")) };
    expect(await errorOf(app.connect({ store: broken }).accessToken())).toMatchObject({
      code: "store",
      message: "the store failed: WRONGPASS",
    });
  });

  it("is not asked for an eleventh time in ten minutes, and the error says how long to wait", async () => {
    const store = memoryStore();
    let token = await app.connect({ store }).accessToken();
    for (let i = 1; i < 10; i++) token = await app.connect({ store }).accessToken({ instead: token });
    nowMs += 60_000;
    const error = await errorOf(app.connect({ store }).accessToken({ instead: token }));
    expect(error).toMatchObject({ code: "token_throttled", isSignIn: false, retryAfterMs: 540_000 });
    expect(app.tokenRequests()).toBe(10);
    nowMs += 541_000;
    expect(await app.connect({ store }).accessToken({ instead: token })).toMatch(/^1000\./);
  });

  it("of a revoked sign-in is an error that says what to do", async () => {
    const { env } = app.zoho;
    const refreshToken = "1000.revoked";
    const error = await errorOf(app.connect({ refreshToken }).accessToken());
    expect(error).toMatchObject({ name: "ZohoError", code: "invalid_code", isSignIn: true });
    expect(error.hint).toContain("make a new refresh token at https://api-console.zoho.com");
    expect(`${error.message} ${error.hint}`).not.toMatch(/zoho-hooks|--|ZOHO_/);
    const wrong = await errorOf(app.connect({ clientSecret: "wrong" }).accessToken());
    expect(wrong).toMatchObject({ code: "invalid_client", isSignIn: true });
    expect(wrong.message).not.toContain(env.ZOHO_CLIENT_ID);
  });

  it("is asked for again after lost answers and outages, and an outage is no wrong sign-in", async () => {
    app.zoho.fail({ answer: "cut", times: 2 });
    expect(await app.connect().accessToken()).toMatch(/^1000\./);
    nowMs += HOUR_MS;
    app.zoho.fail({ answer: 503, times: 4 });
    expect(await errorOf(app.connect().accessToken())).toMatchObject({ code: "unavailable", isSignIn: false });
    const closed = await startApp();
    await closed.zoho.close();
    const away = await errorOf(closed.connect().accessToken());
    expect(away).toMatchObject({ code: "unreachable", isSignIn: false, hint: "call it again" });
  });
});

describe("a call", () => {
  it("ends in time, with what Zoho asked to wait", async () => {
    app.zoho.fail({ answer: "silence", times: 9 });
    const startedAt = performance.now();
    const silent = await errorOf(app.connect({ timeoutMs: 300 }).accessToken());
    expect(silent.code).toBe("no_answer");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    app.zoho.reset();
    app.zoho.fail({ answer: 429, times: 9, retryAfter: "30s" });
    const asked = await errorOf(app.connect().accessToken());
    expect(asked).toMatchObject({ code: "token_throttled", retryAfterMs: 30_000 });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  it("ends with the reason of its signal", async () => {
    app.zoho.fail({ answer: "silence" });
    const reason = new Error("the visitor left");
    const aborted = app.connect().accessToken({ signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
  });

  it("reads the options first when it is called, and names what is missing", async () => {
    const zoho = connectZoho({ clientId: undefined, clientSecret: "", refreshToken: " ", dc: undefined });
    expect(await errorOf(zoho.accessToken())).toMatchObject({
      code: "misuse",
      message: "connectZoho has no clientId, clientSecret, refreshToken, dc",
      hint: expect.stringMatching(/such as ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN, ZOHO_DC$/),
    });
    const { message } = await errorOf(app.connect({ dc: "mars" }).accessToken());
    expect(message).toBe('there is no Zoho data centre "mars"');
    const plain = await errorOf(app.connect({ accountsUrl: "http://accounts.example" }).accessToken());
    expect(plain.message).toContain("accountsUrl must be an https URL");
  });
});
