import { Duplex } from "node:stream";
import { type Frame, FrameFlag, FrameType, uint32 } from "./frame.ts";

/** How many bytes each side may send before the other has acknowledged any. */
const WINDOW_BYTES = 256 * 1024;
const CANCELLED = 6;

/** One stream of a session. It sends no more than the agent's window allows, and gives credit for what was read. */
export class MuxStream extends Duplex {
  readonly id: number;
  readonly #send: (frame: Frame) => void;
  #sendWindow = WINDOW_BYTES;
  #receiveWindow = WINDOW_BYTES;
  /** Bytes that are in our read buffer and not yet acknowledged. */
  #unread = 0;
  #flags: number;
  #pending: { bytes: Buffer; done: (error?: Error | null) => void } | undefined;

  constructor(id: number, openedHere: boolean, send: (frame: Frame) => void) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.#send = send;
    this.#flags = openedHere ? FrameFlag.syn : 0;
  }

  receive(frame: Frame): void {
    if (frame.type === FrameType.windowIncrement) {
      this.#sendWindow += frame.body.readUInt32BE(0);
      this.#flush();
    } else if (frame.type === FrameType.reset) {
      this.destroy(new Error(`the agent reset stream ${this.id}`));
    } else {
      this.#receiveData(frame);
    }
  }

  #receiveData(frame: Frame): void {
    this.#receiveWindow -= frame.body.length;
    if (this.#receiveWindow < 0) this.destroy(new Error(`the agent overran the window of stream ${this.id}`));
    this.#unread += frame.body.length;
    const wantsMore = frame.body.length === 0 || this.push(frame.body);
    if (wantsMore) this.#acknowledge();
    if ((frame.flags & FrameFlag.fin) !== 0) this.push(null);
  }

  #acknowledge(): void {
    if (this.#unread === 0) return;
    this.#receiveWindow += this.#unread;
    this.#send({ type: FrameType.windowIncrement, flags: 0, streamId: this.id, body: uint32(this.#unread) });
    this.#unread = 0;
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#sendWindow === 0) return;
    const now = pending.bytes.subarray(0, this.#sendWindow);
    this.#sendWindow -= now.length;
    this.#sendData(now, 0);
    pending.bytes = pending.bytes.subarray(now.length);
    if (pending.bytes.length > 0) return;
    this.#pending = undefined;
    pending.done();
  }

  #sendData(body: Buffer, flags: number): void {
    this.#send({ type: FrameType.data, flags: flags | this.#flags, streamId: this.id, body });
    this.#flags = 0;
  }

  override _read(): void {
    this.#acknowledge();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pending = { bytes: chunk, done };
    this.#flush();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sendData(Buffer.alloc(0), FrameFlag.fin);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error !== null || !this.readableEnded || !this.writableFinished) {
      this.#send({ type: FrameType.reset, flags: 0, streamId: this.id, body: uint32(CANCELLED) });
    }
    done(error);
  }
}
