import { EventEmitter, once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { usePublicUrl } from "../../src/tunnel/public-url.ts";
import type { Tunnel, TunnelStatus } from "../../src/tunnel/tunnel.ts";

let tunnel: Tunnel;
afterEach(() => tunnel.close());

/** A way that is open or not, told by `reaches`; the clock of the day moves by an hour at each look, as over a sleep. */
function watch(way: { open: boolean }, timeoutMs: number) {
  const statuses: TunnelStatus[] = [];
  const changes = new EventEmitter();
  let hours = 0;
  tunnel = usePublicUrl("https://example.com/", {
    addr: { host: "127.0.0.1", port: 1 },
    reaches: async () => way.open,
    timeoutMs,
    checkEveryMs: 10,
    onStatus: (status) => {
      statuses.push(status);
      changes.emit("status");
    },
    now: () => new Date(3_600_000 * hours++),
    signal: new AbortController().signal,
  });
  return async (type: TunnelStatus["type"]) => {
    while (!statuses.some((status) => status.type === type)) await once(changes, "status");
    return statuses;
  };
}

it("says when its requests no longer arrive, and when they do again", async () => {
  const way = { open: false };
  const said = watch(way, 60_000);
  await said("down");
  way.open = true;

  const statuses = await said("reconnected");

  expect(tunnel.url).toBe("https://example.com");
  expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "reconnected"]);
  expect(statuses.at(-1)).toMatchObject({ url: "https://example.com", previousUrl: undefined });
});

it("is lost when they stay away", async () => {
  const said = watch({ open: false }, 100);

  const statuses = await said("lost");

  expect(statuses.at(-1)).toMatchObject({ downMs: expect.any(Number), error: { code: "tunnelLost" } });
});

it("counts how long it tries, and not what the clock of the day says", async () => {
  const startedAt = performance.now();
  let looks = 0;
  const way = {
    get open() {
      // Away for some looks, of which each is an hour by that clock.
      return ++looks > 8;
    },
  };
  const statuses = await watch(way, 60_000)("reconnected");

  expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "reconnected"]);
  const [, , back] = statuses;
  expect(back?.type === "reconnected" && back.downMs).toBeLessThanOrEqual(Math.ceil(performance.now() - startedAt));
});
