import { Readable } from "node:stream";

const LEAST_PAUSE_MS = 20;
const MOST_PARTS = 200;

/**
 * A body of two bytes or more that arrives in small parts, the first at once and the last after the whole time.
 * `onEnd` is called when the last one is on its way.
 */
export function dribble(body: Buffer, overMs: number, onEnd: () => void): Readable {
  const parts = Math.max(2, Math.min(body.length, MOST_PARTS, Math.ceil(overMs / LEAST_PAUSE_MS)));
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  // Not an async generator: a stream made of one waits for its pause to end before it closes.
  return new Readable({
    read() {
      timer = setTimeout(
        () => {
          const from = Math.floor((body.length * sent) / parts);
          sent++;
          if (sent === parts) onEnd();
          this.push(body.subarray(from, Math.floor((body.length * sent) / parts)));
          if (sent === parts) this.push(null);
        },
        sent === 0 ? 0 : overMs / (parts - 1),
      );
    },
    // A target that answers before it has read everything ends the stream; no timer may outlive it.
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
}
