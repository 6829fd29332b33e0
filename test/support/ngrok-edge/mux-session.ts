import type { Duplex } from "node:stream";
import { encodeFrame, type Frame, FrameFlag, FrameType, frameReader } from "./frame.ts";
import { MuxStream } from "./mux-stream.ts";

/** The edge's end of a muxado session: accepts the agent's odd streams and opens even ones. */
export class MuxSession {
  readonly #socket: Duplex;
  readonly #onStream: (stream: MuxStream) => void;
  readonly #streams = new Map<number, MuxStream>();
  #nextId = 2;

  constructor(socket: Duplex, onStream: (stream: MuxStream) => void, onEnd: () => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    socket.on(
      "data",
      frameReader((frame) => this.#receive(frame)),
    );
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      for (const stream of [...this.#streams.values()]) stream.destroy(new Error("the agent's session ended"));
      onEnd();
    });
  }

  open(): MuxStream {
    const stream = this.#track(new MuxStream(this.#nextId, true, (frame) => this.#send(frame)));
    this.#nextId += 2;
    return stream;
  }

  /** Ends the session as a broken network does: without a word. */
  cut(): void {
    this.#socket.destroy();
  }

  /** Keeps the connection and says nothing more, as after a laptop's sleep or a lost NAT entry. */
  freeze(): void {
    this.#socket.pause();
    this.#socket.cork();
  }

  /** Goes on where it stood still: what was sent meanwhile has waited on the way. */
  thaw(): void {
    this.#socket.uncork();
    this.#socket.resume();
  }

  #receive(frame: Frame): void {
    if (frame.type === FrameType.goAway) this.cut();
    else (this.#streams.get(frame.streamId) ?? this.#accept(frame))?.receive(frame);
  }

  /** The first frame of a stream bears SYN; what follows the end of one is of no interest. */
  #accept(frame: Frame): MuxStream | undefined {
    if (frame.type !== FrameType.data || (frame.flags & FrameFlag.syn) === 0) return undefined;
    const stream = this.#track(new MuxStream(frame.streamId, false, (each) => this.#send(each)));
    this.#onStream(stream);
    return stream;
  }

  #send(frame: Frame): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(frame));
  }

  #track(stream: MuxStream): MuxStream {
    this.#streams.set(stream.id, stream);
    stream.on("error", () => {});
    stream.on("close", () => this.#streams.delete(stream.id));
    return stream;
  }
}
