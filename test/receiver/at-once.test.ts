import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { type Secrets, secret } from "../../src/delivery/secrets.ts";
import type { OfferedSecret } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { addressList } from "../../src/receiver/evaluate.ts";
import type { ReceivedEvent } from "../../src/receiver/event-report.ts";
import { type ReceiverOptions, startReceiver } from "../../src/receiver/receiver.ts";
import { memoryRecorder } from "../../src/receiver/recorder.ts";

const requests = channel("http.server.request.start");
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function start(options: Partial<ReceiverOptions> = {}) {
  const events: ReceivedEvent[] = [];
  const saved = new Map<string, OfferedSecret>();
  const secrets: Secrets = {
    for: (_credential, product) => [saved.get(product)].flatMap((each) => (each ? [secret(each.value, "test")] : [])),
    all: () => [],
  };
  const receiver = await startReceiver({
    host: "127.0.0.1",
    port: 0,
    maxBody: 1000,
    products,
    secrets,
    policy: { schema: "warn", onInvalid: "warn" },
    allowed: undefined,
    recorder: memoryRecorder(),
    pid: process.pid,
    now: () => new Date(),
    keepSecret: (product, offered) => void saved.set(product, offered),
    onEvent: (event) => void events.push(event),
    onTrouble: () => {},
    ...options,
  });
  onTestFinished(() => receiver.close(100));
  return { receiver, events, saved };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

function request(path: string, body: string, ...headers: readonly string[]): string {
  const lines = [`POST ${path} HTTP/1.1`, "host: x", "content-type: application/json", ...headers];
  return `${[...lines, `content-length: ${body.length}`].join("\r\n")}\r\n\r\n${body}`;
}

async function statusOf(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = await once(socket, "data");
  return String(answer).slice(9, 12);
}

describe("requests that arrive at once", () => {
  it("save the first of several offered secrets and reject the others", async () => {
    const { receiver, saved } = await start();
    const offers = await Promise.all(
      ["a", "b", "c"].map(async (name) => ({ name, socket: await open(receiver.port) })),
    );
    const statuses = await Promise.all(
      offers.map(({ name, socket }) =>
        statusOf(socket, request("/webhooks/zoho/mail", "{}", `x-hook-secret: ${name.repeat(24)}`)),
      ),
    );
    expect(statuses.toSorted()).toEqual(["200", "401", "401"]);
    expect(saved.get("mail")?.value).toBe(offers[statuses.indexOf("200")]?.name.repeat(24));
  });

  it("keep the address of a sender that is gone before they are evaluated", async () => {
    const { receiver, events } = await start({ allowed: addressList(["127.0.0.1"]) });
    const socket = await open(receiver.port);
    const reset = (message: unknown): void => {
      const { request: incoming } = message as { readonly request: IncomingMessage };
      incoming.once("end", () => setImmediate(() => socket.resetAndDestroy()));
    };
    requests.subscribe(reset);
    onTestFinished(() => requests.unsubscribe(reset));
    socket.write(request("/webhooks/zoho/crm", '{"a":1}'));
    await expect.poll(() => events.length).toBe(1);
    expect(events[0]?.receipt.verdicts[0]).toMatchObject({ id: "source-address", verdict: "passed" });
  });

  it("are all answered and reported before the receiver has closed, even when reporting one fails", async () => {
    const reported: number[] = [];
    const { receiver } = await start({
      onEvent({ n }) {
        reported.push(n);
        if (n % 2 === 0) throw new Error(`of ${n}`);
      },
    });
    const each = await Promise.all(Array.from({ length: 6 }, () => open(receiver.port)));
    let read = 0;
    let closed: Promise<void> | undefined;
    const close = (message: unknown): void => {
      const { request: incoming } = message as { readonly request: IncomingMessage };
      incoming.once("end", () => {
        if (++read === each.length) closed = receiver.close();
      });
    };
    requests.subscribe(close);
    onTestFinished(() => requests.unsubscribe(close));
    const statuses = await Promise.all(each.map((socket) => statusOf(socket, request("/webhooks/zoho/crm", "{}"))));
    await closed;
    expect(statuses).toEqual(Array(6).fill("200"));
    expect(reported.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
