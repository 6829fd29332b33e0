import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

const LEAST_PAUSE_MS = 20;
const MOST_PARTS = 200;

/**
 * A body of two bytes or more that arrives in small parts, the first at once and the last after the whole time.
 * `onEnd` is called when the last one is on its way.
 */
export function dribble(body: Buffer, overMs: number, onEnd: () => void): Readable {
  const parts = Math.max(2, Math.min(body.length, MOST_PARTS, Math.ceil(overMs / LEAST_PAUSE_MS)));
  const stop = new AbortController();
  async function* run(): AsyncGenerator<Buffer> {
    for (let i = 0; i < parts; i++) {
      if (i > 0) await delay(overMs / (parts - 1), undefined, { signal: stop.signal });
      if (i === parts - 1) onEnd();
      yield body.subarray(Math.floor((body.length * i) / parts), Math.floor((body.length * (i + 1)) / parts));
    }
  }
  // A target that answers before it has read everything ends the stream; no timer may outlive it.
  return Readable.from(run(), { objectMode: false }).once("close", () => stop.abort());
}
