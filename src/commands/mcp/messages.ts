import { Transform, type TransformCallback } from "node:stream";

const NEWLINE = 10;
/** Bytes kept from the end of a skipped message; the SDK writes its id there. */
const TAIL_BYTES = 200;

/**
 * Standard input as whole messages, one a line. The SDK would copy and search all that it has of a message again with each
 * chunk, and end the connection at one that is too long; here, that one alone is left out.
 */
export class MessageLines extends Transform {
  readonly #maxBytes: number;
  readonly #onTooLong: (id: string | number | undefined) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number, onTooLong: (id: string | number | undefined) => void) {
    super();
    this.#maxBytes = maxBytes;
    this.#onTooLong = onTooLong;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end + 1));
      this.#endMessage();
      start = end + 1;
    }
    this.#add(chunk.subarray(start));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#endMessage();
    done();
  }

  #add(part: Buffer): void {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes) this.#parts = [Buffer.concat(this.#parts.slice(-2)).subarray(-TAIL_BYTES)];
  }

  #endMessage(): void {
    const message = Buffer.concat(this.#parts);
    const isTooLong = this.#bytes > this.#maxBytes;
    this.#parts = [];
    this.#bytes = 0;
    if (isTooLong) this.#onTooLong(idAtEnd(message.toString()));
    else if (message.length > 0) this.push(message);
  }
}

function idAtEnd(message: string): string | number | undefined {
  const [, id] = /"id":(\d{1,15}|"[\w-]{1,100}")\}\s*$/.exec(message) ?? [];
  return id === undefined ? undefined : JSON.parse(id);
}
