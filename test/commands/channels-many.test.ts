import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/zoho/channel-time.ts";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const createMany = async (count: number): Promise<void> => {
  for (let id = 1; id <= count; id++) await world.create("--id", String(id), "--expires", "5h");
};

describe("channels renew --every of many channels", () => {
  it("is no leak to Node, neither while they are renewed nor while they wait", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(`${warning.name}: ${warning.message}`);
    process.on("warning", onWarning);
    await createMany(12);
    const stop = new AbortController();
    let renewed = 0;
    const { exitCode } = await world.channels(["renew", "--every", "--json"], {
      sleep: world.clock.wait,
      signal: stop.signal,
      onOut(text) {
        renewed += text.split('"renewed"').length - 1;
        // All are due again.
        if (renewed === 12) world.clock.advance(134 * HOUR_MS);
        if (renewed === 24) stop.abort();
      },
    });
    expect([exitCode, renewed]).toEqual([0, 24]);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});
