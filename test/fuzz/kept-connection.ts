import { connect, type Socket } from "node:net";

/** A connection that is used again until the server closes it, as a sender does. */
export class KeptConnection {
  #socket: Socket | undefined;
  #answer = Buffer.alloc(0);
  #wake = (): void => {};
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Resolves to the status, once the whole answer is there. Fails for bytes that belong to no request. */
  async exchange(request: Buffer, isHead: boolean): Promise<number> {
    if (this.#answer.length > 0) throw new Error(`a second answer: ${this.#answer.toString("latin1", 0, 500)}`);
    this.#socket ??= this.#open();
    const socket = this.#socket;
    socket.write(request);
    for (;;) {
      const text = this.#answer.toString("latin1");
      const end = text.indexOf("\r\n\r\n") + 4;
      const length = isHead ? 0 : Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      if (end >= 4 && text.length >= end + length) {
        this.#answer = this.#answer.subarray(end + length);
        if (/^connection: close/im.test(text.slice(0, end))) this.end();
        return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
      }
      if (socket.destroyed) throw new Error(`the connection was closed without an answer: ${text.slice(0, 500)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  end(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#answer = Buffer.alloc(0);
  }

  #open(): Socket {
    const socket = connect(this.#port, "127.0.0.1");
    socket.on("data", (chunk) => {
      this.#answer = Buffer.concat([this.#answer, chunk]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
      this.#wake();
    });
    return socket;
  }
}
