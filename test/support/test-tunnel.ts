import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Context } from "../../src/project/context.ts";
import type { TunnelOptions } from "../../src/tunnel/tunnel.ts";

/** A tunnel without an agent: a port of loopback that leads to the receiver. */
export interface TestTunnel {
  /** The public URL of the moment. */
  readonly url: string;
  readonly isOpen: boolean;
  /** For `RunOptions`. */
  readonly overrides: NonNullable<Context["overrides"]>;
  /** Breaks the connection. */
  goDown(): void;
  /** The connection is there again, under the URL with this host. */
  comeBack(host: string): void;
  close(): Promise<void>;
}

export async function startTestTunnel(): Promise<TestTunnel> {
  let options: TunnelOptions | undefined;
  let downSince: Date | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (options === undefined || downSince !== undefined) {
      socket.destroy();
      return;
    }
    const upstream = connect(options.addr);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      sockets.add(one);
      one
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const urlAt = (host: string): string => `http://${host}:${(server.address() as AddressInfo).port}`;
  let url = urlAt("127.0.0.1");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    get url() {
      return url;
    },
    get isOpen() {
      return options !== undefined;
    },
    overrides: {
      async openTunnel(_, opened) {
        options = opened;
        options.onStatus({ type: "up", at: options.now(), url });
        return {
          kind: "ngrok",
          get url() {
            return url;
          },
          close: async () => {
            options = undefined;
            cut();
          },
        };
      },
    },
    goDown() {
      if (options === undefined) return;
      downSince = options.now();
      cut();
      options.onStatus({ type: "down", at: downSince, reason: "the test broke the connection" });
    },
    comeBack(host) {
      if (options === undefined || downSince === undefined) return;
      const at = options.now();
      const previousUrl = url === urlAt(host) ? undefined : url;
      const downMs = Math.max(0, at.getTime() - downSince.getTime());
      url = urlAt(host);
      downSince = undefined;
      options.onStatus({ type: "reconnected", at, downMs, url, previousUrl });
    },
    close: async () => {
      cut();
      await new Promise((done) => server.close(done));
    },
  };
}
