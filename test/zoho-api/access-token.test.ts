import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import { accessTokens } from "../../src/zoho-api/access-token.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const another = () => accessTokens(rig.context, rig.signIn, rig.http);

describe("access tokens", () => {
  it("are made once, shared through a private file, and refreshed before they expire", async () => {
    const first = await rig.tokens.get();
    expect((await another().get()).value).toBe(first.value);
    rig.clock.advance(58 * 60_000);
    expect((await another().get()).value).toBe(first.value);
    rig.clock.advance(90_000);
    expect((await rig.tokens.get()).value).not.toBe(first.value);
    expect(rig.server.tokenRequests()).toHaveLength(2);
    const [file = ""] = await readdir(join(rig.folder, "tokens"));
    const path = join(rig.folder, "tokens", file);
    if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).not.toContain(rig.server.accounts.clientSecret);
  });

  it("are requested once for concurrent callers", async () => {
    const values = await Promise.all([rig.tokens.get(), rig.tokens.get(), another().get(), another().get()]);
    expect(new Set(values.map((each) => each.value)).size).toBe(1);
    expect(rig.server.tokenRequests()).toHaveLength(1);
  });

  it("are requested at most ten times in ten minutes, over all processes", async () => {
    for (let i = 0; i < 9; i++) await another().replace(await rig.tokens.get());
    const failure = await failureOf(another().replace(await rig.tokens.get()));
    expect(failure).toMatchObject({ exitCode: 6, code: "token_throttled" });
    expect(rig.server.tokenRequests()).toHaveLength(10);
    rig.clock.advance(601_000);
    await another().replace(await rig.tokens.get());
    expect(rig.server.tokenRequests()).toHaveLength(11);
  });

  it("are not requested while Zoho rate-limits, whoever used up the budget", async () => {
    rig.server.trouble({ status: 200, body: { error: "Access Denied" } });
    expect(await failureOf(rig.tokens.get())).toMatchObject({ code: "token_throttled" });
    expect(await failureOf(another().get())).toMatchObject({ code: "token_throttled" });
    expect(rig.server.tokenRequests()).toHaveLength(1);
    rig.clock.advance(601_000);
    expect((await another().get()).value).toMatch(/^1000\./);
  });

  it("do not count refreshes that never reached Zoho, and concurrent callers are one attempt", async () => {
    await rig.tokens.get();
    rig.clock.advance(3_600_000);
    const nowhere = await startRig({ sleep: async () => {} });
    await nowhere.server.close();
    const access = rig.signIn.access;
    if (access.kind !== "refreshable") throw new Error("a rig refreshes");
    const client = { ...access.client, accountsUrl: nowhere.server.url };
    const signIn = { ...rig.signIn, access: { ...access, client } };
    const offline = accessTokens({ ...nowhere.context, now: rig.clock.now }, signIn, nowhere.http);
    for (let round = 0; round < 12; round++) {
      const failures = await Promise.all([offline.get(), offline.get()].map(failureOf));
      expect(failures.map(({ code }) => code)).toEqual(["unreachable", "unreachable"]);
    }
    // Four attempts a round, however many callers.
    expect(nowhere.exchanges).toHaveLength(48);
    await nowhere.http.close();
  });

  it("are made although the clock was set back after earlier ones", async () => {
    rig.clock.advance(365 * 24 * 3_600_000);
    for (let i = 0; i < 8; i++) await another().replace(await rig.tokens.get());
    rig.server.trouble({ status: 200, body: { error: "Access Denied" } });
    expect(await failureOf(another().replace(await rig.tokens.get()))).toMatchObject({ code: "token_throttled" });
    rig.clock.advance(-365 * 24 * 3_600_000);
    expect((await another().get()).value).toMatch(/^1000\./);
  });

  it("are refreshed after the clock was set back, because their end is not known", async () => {
    const before = await rig.tokens.get();
    rig.clock.advance(-2 * 24 * 3_600_000);
    const after = await another().get();
    expect(after.value).not.toBe(before.value);
    expect(after.expiresAt?.getTime()).toBe(rig.clock.now().getTime() + 3_600_000);
    expect((await another().get()).value).toBe(after.value);
  });

  it("are still made for other callers when the first one is interrupted", async () => {
    rig.server.trouble("silence");
    const interrupt = new AbortController();
    const first = failureOf(rig.tokens.get(interrupt.signal).catch((reason) => Promise.reject(new Error(reason))));
    // The second caller waits for the request of the first.
    const second = rig.tokens.get();
    await rig.server.seen(({ path }) => path === "/oauth/v2/token");
    interrupt.abort("SIGINT");
    expect((await first).message).toBe("SIGINT");
    expect((await second).value).toMatch(/^1000\./);
  });

  it.each([
    ["", -60_000],
    [", also where the clock was set back since", 3_600_000],
  ])("are made by the next process when the owner of the lock is gone%s", async (_, touchedMs) => {
    await rig.tokens.get();
    const [file = ""] = await readdir(join(rig.folder, "tokens"));
    const lock = join(rig.folder, "tokens", `${file}.lock`);
    await mkdir(join(rig.folder, "tokens"), { recursive: true });
    await writeFile(lock, "a process that was killed");
    const touched = new Date(Date.now() + touchedMs);
    await utimes(lock, touched, touched);
    rig.clock.advance(3_600_000);
    expect((await rig.tokens.get()).value).toMatch(/^1000\./);
    expect(await readdir(join(rig.folder, "tokens"))).toEqual([file]);
  });

  it("survive a damaged cache file", async () => {
    const first = await rig.tokens.get();
    const [file = ""] = await readdir(join(rig.folder, "tokens"));
    await writeFile(join(rig.folder, "tokens", file), '{"accessTo');
    expect((await rig.tokens.get()).value).not.toBe(first.value);
  });

  it("that the user gave cannot be replaced, and the error says what to set", async () => {
    const access = { kind: "fixed", accessToken: secret("1000.given", "ZOHO_ACCESS_TOKEN") } as const;
    const given = accessTokens(rig.context, { ...rig.signIn, access }, rig.http);
    const token = await given.get();
    expect(token.value).toBe("1000.given");
    const failure = await failureOf(given.replace(token));
    expect(failure).toMatchObject({ exitCode: 6, code: "invalid_token" });
    expect(failure.hint).toContain("ZOHO_REFRESH_TOKEN");
    expect(failure.message).not.toContain("1000.given");
  });
});
