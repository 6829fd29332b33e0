import { fstatSync, statSync, writeSync } from "node:fs";
import { devNull } from "node:os";
import type { Output } from "./runtime.ts";

/** An empty pipe takes this much before its reader has read a byte. */
const PIPE_CAPACITY = 16 * 1024;

export interface StandardOutput extends Output {
  /** Node's own stream, opened on the first call. From then on writes to a pipe do not block. */
  stream(): NodeJS.WriteStream;
  /** Resolves when everything has left the process. */
  written(): Promise<void>;
}

/**
 * Standard output or error. Opening Node's stream costs start-up time, so short output to a file or a pipe is written
 * without it. `onLost` is called if it cannot be written, or its reader is gone (`| head`).
 */
export function standardOutput(
  fd: number,
  openStream: () => NodeJS.WriteStream,
  onLost: (error: NodeJS.ErrnoException) => void,
): StandardOutput {
  let opened: NodeJS.WriteStream | undefined;
  /** Bytes that may still be written without the stream. */
  let directBytes = directCapacity(fd);
  const mayBeTerminal = directBytes === 0;
  let isLost = false;
  let pending = "";
  let written = 0;

  const lose = (error: NodeJS.ErrnoException): void => {
    if (isLost) return;
    isLost = true;
    onLost(error);
  };
  const stream = (): NodeJS.WriteStream => {
    if (opened === undefined) {
      opened = openStream();
      opened.on("error", lose);
      directBytes = 0;
    }
    return opened;
  };
  const flush = (): void => {
    const bytes = Buffer.from(pending);
    pending = "";
    if (isLost || bytes.length === 0) return;
    let done = 0;
    if (bytes.length <= directBytes) {
      directBytes -= bytes.length;
      try {
        while (done < bytes.length) done += writeSync(fd, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A full pipe that another process has made non-blocking: leave the rest to the stream.
        if (code !== "EAGAIN") {
          lose(error as NodeJS.ErrnoException);
          return;
        }
      }
    }
    if (done < bytes.length) stream().write(bytes.subarray(done));
  };
  const backlog = (): number => pending.length + (opened?.writableLength ?? 0);
  const isTerminal = (): boolean => mayBeTerminal && stream().isTTY === true;
  return {
    stream,
    write(text) {
      written += text.length;
      // A terminal shows each line at once, in order with prompts; elsewhere the lines of one event-loop turn go out together.
      if (isTerminal()) {
        if (!isLost) stream().write(text);
        return;
      }
      if (pending === "") setImmediate(flush);
      pending += text;
    },
    async written() {
      flush();
      if (opened !== undefined && !isLost) await new Promise((resolve) => opened?.write("", resolve));
    },
    backlog,
    taken: () => written - backlog(),
    get isTTY() {
      return isTerminal();
    },
    get columns() {
      return isTerminal() ? stream().columns : undefined;
    },
  };
}

/** Any amount to a file, as Node itself does, and to the null device; nothing to what may be a terminal. */
function directCapacity(fd: number): number {
  try {
    const kind = fstatSync(fd);
    if (kind.isFIFO() || kind.isSocket()) return PIPE_CAPACITY;
    return kind.isFile() || kind.rdev === statSync(devNull).rdev ? Number.POSITIVE_INFINITY : 0;
  } catch {
    return 0;
  }
}
