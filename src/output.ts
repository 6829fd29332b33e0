import { fstatSync, statSync, writeSync } from "node:fs";
import { devNull } from "node:os";

/** What a pipe that nothing stands in takes before its reader has read a byte. */
const AT_ONCE_BYTES = 16 * 1024;

export interface StandardOutput extends Output {
  /** Node's own stream for it, opened now: from here on a pipe's reader is not waited for. */
  stream(): NodeJS.WriteStream;
  /** Resolves when all that was written is out of the process. */
  written(): Promise<void>;
}

/**
 * Standard output or error. To open Node's stream for it takes a part of the start: what a short run has to say to a file
 * or a pipe is written without one. `lost` is told when it cannot be written, or nobody reads it any more (`| head`).
 */
export function standardOutput(
  fd: number,
  openStream: () => NodeJS.WriteStream,
  lost: (error: NodeJS.ErrnoException) => void,
): StandardOutput {
  let opened: NodeJS.WriteStream | undefined;
  let atOnce = bytesAtOnce(fd);
  const mayBeTerminal = atOnce === 0;
  let isLost = false;
  let pending = "";
  let written = 0;

  const lose = (error: NodeJS.ErrnoException): void => {
    if (isLost) return;
    isLost = true;
    lost(error);
  };
  const stream = (): NodeJS.WriteStream => {
    if (opened === undefined) {
      opened = openStream();
      opened.on("error", lose);
      atOnce = 0;
    }
    return opened;
  };
  const flush = (): void => {
    const bytes = Buffer.from(pending);
    pending = "";
    if (isLost || bytes.length === 0) return;
    let done = 0;
    if (bytes.length <= atOnce) {
      atOnce -= bytes.length;
      try {
        while (done < bytes.length) done += writeSync(fd, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A full pipe that another process has set not to wait: the stream knows how to.
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
      // On a terminal each line is seen as it comes, and prompts stand in its place; elsewhere a turn's lines go out as one.
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

/**
 * What may be written without a stream: to a file, as Node itself does, or where nobody wants it, anything; nothing to what
 * may be a terminal.
 */
function bytesAtOnce(fd: number): number {
  try {
    const kind = fstatSync(fd);
    if (kind.isFIFO() || kind.isSocket()) return AT_ONCE_BYTES;
    return kind.isFile() || kind.rdev === statSync(devNull).rdev ? Number.POSITIVE_INFINITY : 0;
  } catch {
    return 0;
  }
}

export interface Output {
  write(text: string): void;
  /** Characters that were written and that its reader has not taken yet: they are held in memory. */
  backlog(): number;
  /** Characters that its reader has taken so far. */
  taken(): number;
  readonly isTTY: boolean;
  /** Width in columns; undefined where there is no terminal. */
  readonly columns: number | undefined;
}
