import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { sendSlowly } from "../../src/forward/post.ts";

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
}

describe("sendSlowly", () => {
  it("sends the whole body in many parts over the given time", async () => {
    const body = Buffer.from("0123456789".repeat(10));
    const parts: Buffer[] = [];
    let endedAfter = -1;
    const startedAt = performance.now();
    const stream = sendSlowly(body, 200, () => {
      endedAfter = performance.now() - startedAt;
    });
    for await (const part of stream) parts.push(Buffer.from(part));
    expect(Buffer.concat(parts).equals(body)).toBe(true);
    expect(parts.length).toBeGreaterThan(5);
    expect(endedAfter).toBeGreaterThan(180);
  });

  it("leaves no timer when the stream is destroyed early", async () => {
    const before = timers();
    const stream = sendSlowly(Buffer.alloc(2), 600_000, () => {});
    await once(stream, "readable");
    stream.read();
    stream.read();
    await new Promise(setImmediate);
    const closed = once(stream, "close");
    stream.destroy();
    await closed;
    await new Promise(setImmediate);
    expect(timers()).toBe(before);
  });
});
