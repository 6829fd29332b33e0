import { EventEmitter, once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { usePublicUrl } from "../../src/tunnel/public-url.ts";
import type { Tunnel, TunnelStatus } from "../../src/tunnel/tunnel.ts";

let tunnel: Tunnel;
afterEach(() => tunnel.close());

/** Watches a URL that is reachable or not. The system clock moves by an hour at each reading, as after a sleep. */
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

it("reports when requests no longer arrive, and when they do again", async () => {
  const way = { open: false };
  const status = watch(way, 60_000);
  await status("down");
  way.open = true;

  const statuses = await status("reconnected");

  expect(tunnel.url).toBe("https://example.com");
  expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "reconnected"]);
  expect(statuses.at(-1)).toMatchObject({ url: "https://example.com", previousUrl: undefined });
});

it("is lost when requests do not arrive until the timeout", async () => {
  const status = watch({ open: false }, 100);

  const statuses = await status("lost");

  expect(statuses.at(-1)).toMatchObject({ downMs: expect.any(Number), error: { code: "tunnelLost" } });
});

it("measures the timeout by elapsed time, not by the system clock", async () => {
  const startedAt = performance.now();
  let checks = 0;
  const way = {
    get open() {
      // Down for some checks, each of which takes an hour by that clock.
      return ++checks > 8;
    },
  };
  const statuses = await watch(way, 60_000)("reconnected");

  expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "reconnected"]);
  const [, , back] = statuses;
  expect(back?.type === "reconnected" && back.downMs).toBeLessThanOrEqual(Math.ceil(performance.now() - startedAt));
});
