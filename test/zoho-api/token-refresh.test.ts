import { afterEach, beforeEach, expect, it } from "vitest";
import { refreshableTokens, type TokenCache, type TokenRecord } from "../../src/zoho-api/token-refresh.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

let rig: Rig;
/** Runs before a request is repeated. */
let pause = async (): Promise<void> => {};
beforeEach(async () => {
  rig = await startRig({ sleep: () => pause() });
});
afterEach(() => rig.close());

/** A cache that cannot lock, such as a key-value store that only gets and sets. */
function unlockedCache(): TokenCache {
  let record: TokenRecord = { refreshedAt: [] };
  return {
    read: async () => record,
    async write(written) {
      record = written;
    },
    async remove() {
      record = { refreshedAt: [] };
    },
    locked: (work) => work(),
  };
}

function instance(cache: TokenCache) {
  const { access } = rig.signIn;
  if (access.kind !== "refreshable") throw new Error("a sign-in that can be refreshed was expected");
  return refreshableTokens({ now: rig.clock.now, cache }, rig.signIn, access, rig.http);
}

it("takes the token that another instance got while its own refresh failed", async () => {
  const cache = unlockedCache();
  rig.server.trouble("cut");
  pause = async () => {
    pause = async () => {};
    await instance(cache).get();
    rig.server.trouble({ status: 200, body: { error: "Access Denied" } });
  };
  const { value } = await instance(cache).get();
  expect(rig.server.tokenRequests()).toHaveLength(3);
  expect((await instance(cache).get()).value).toBe(value);
});

it("counts the refreshes of all instances when its own fails", async () => {
  const cache = unlockedCache();
  for (let i = 0; i < 8; i++) await instance(cache).replace(await instance(cache).get());
  const value = await instance(cache).get();
  rig.server.trouble({ status: 200, body: { error: "invalid_client" } });
  expect(await failureOf(instance(cache).replace(value))).toMatchObject({ code: "invalid_client" });
  expect(await failureOf(instance(cache).replace(value))).toMatchObject({ code: "token_throttled" });
  expect(rig.server.tokenRequests()).toHaveLength(10);
});
