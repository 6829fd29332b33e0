import { EventEmitter, once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { usePublicUrl } from "../../src/tunnel/public-url.ts";
import type { Tunnel, TunnelStatus } from "../../src/tunnel/tunnel.ts";

let tunnel: Tunnel;
afterEach(() => tunnel.close());

/** A way that is open or not, told by `reaches`; the clock moves by a minute at each look. */
function watch(way: { open: boolean }, timeoutMs: number) {
  const statuses: TunnelStatus[] = [];
  const changes = new EventEmitter();
  let minutes = 0;
  tunnel = usePublicUrl("https://example.com/", {
    addr: { host: "127.0.0.1", port: 1 },
    reaches: async () => way.open,
    timeoutMs,
    checkEveryMs: 10,
    onStatus: (status) => {
      statuses.push(status);
      changes.emit("status");
    },
    now: () => new Date(60_000 * minutes++),
    signal: new AbortController().signal,
  });
  return async (type: TunnelStatus["type"]) => {
    while (!statuses.some((status) => status.type === type)) await once(changes, "status");
    return statuses;
  };
}

it("says when its requests no longer arrive, and when they do again", async () => {
  const way = { open: false };
  const said = watch(way, 60 * 60_000);
  await said("down");
  way.open = true;

  const statuses = await said("reconnected");

  expect(tunnel.url).toBe("https://example.com");
  expect(statuses.map(({ type }) => type)).toEqual(["up", "down", "reconnected"]);
  expect(statuses.at(-1)).toMatchObject({ downMs: 60_000, url: "https://example.com", previousUrl: undefined });
});

it("is lost when they stay away", async () => {
  const said = watch({ open: false }, 60_000);

  const statuses = await said("lost");

  expect(statuses.at(-1)).toMatchObject({ downMs: 60_000, error: { code: "tunnelLost" } });
});
