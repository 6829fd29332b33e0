import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createInFlight } from "../../src/receiver/read-body.ts";
import { CRM, lead } from "../support/forward-run.ts";
import { type Listener, startListener } from "../support/listener.ts";

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

async function openConnection(): Promise<Socket> {
  listener = await startListener();
  const socket = connect(Number(new URL(listener.url).port), "127.0.0.1");
  await once(socket, "connect");
  return socket.on("error", () => {});
}

const head = `POST ${CRM} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;

/** All that is received until there are so many answers. */
async function answers(socket: Socket, count: number): Promise<string> {
  let text = "";
  for await (const chunk of socket) {
    text += chunk;
    if (text.split("HTTP/1.1 ").length > count) break;
  }
  return text;
}

it("answers 300 pipelined requests, and then another one", async () => {
  const socket = await openConnection();
  socket.write(
    Array.from({ length: 300 }, (_, i) => `${head}content-length: ${lead(i).length}\r\n\r\n${lead(i)}`).join(""),
  );
  let answered = 0;
  const all = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      answered += String(chunk).split("HTTP/1.1 200").length - 1;
      if (answered === 300) resolve();
    });
  });
  await all;
  const more = once(socket, "data");
  socket.write(`${head}content-length: ${lead(301).length}\r\n\r\n${lead(301)}`);
  expect(String(await more)).toMatch(/^HTTP\/1\.1 200 /);
  socket.destroy();
});

it("adds no listener to a connection with each pause", async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", onWarning);
  const socket = await openConnection();
  for (let i = 0; i < 12; i++) {
    socket.write("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".repeat(40));
    let answered = 0;
    while (answered < 40) answered += String((await once(socket, "data"))[0]).split("HTTP/1.1 200").length - 1;
  }
  socket.destroy();
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});

it("closes a connection with thousands of unanswered requests", async () => {
  const socket = await openConnection();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume().write(`${head}content-length: 7\r\n\r\n{"a":1}`.repeat(3000));
  await closed;
  expect((await fetch(`${listener?.url}/healthz`)).status).toBe(200);
});

it("joins a body that comes in single bytes", async () => {
  const socket = await openConnection();
  const body = lead(7);
  socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
  for (const byte of Buffer.from(body)) socket.write(`1\r\n${String.fromCharCode(byte)}\r\n`);
  socket.write("0\r\n\r\n");
  expect(await answers(socket, 1)).toMatch(/^HTTP\/1\.1 200 /);
  const event = listener?.lines().find(({ type }) => type === "event");
  expect(Buffer.from(String(event?.body_b64), "base64").toString()).toBe(body);
});

it("closes the connection of a body in thousands of chunks of one byte", async () => {
  const socket = await openConnection();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume().write(`${head}transfer-encoding: chunked\r\n\r\n${"1\r\n \r\n".repeat(20_000)}`);
  await closed;
  await expect.poll(() => JSON.stringify(listener?.lines())).toContain("more than 10000 chunks of a few bytes");
});

it("refuses what there is no room for, reports it once, and admits others when there is room again", () => {
  let reports = 0;
  const inFlight = createInFlight(() => reports++);
  const admissions = Array.from({ length: 2000 }, () => inFlight.admit());
  expect(admissions).not.toContain(undefined);
  expect([inFlight.admit(), inFlight.admit(), reports]).toEqual([undefined, undefined, 1]);
  for (const admission of admissions) admission?.release();
  const large = inFlight.admit();
  expect([large?.reserve(64 * 1024 * 1024), large?.reserve(1)]).toEqual([true, false]);
  expect([inFlight.admit()?.reserve(1), reports]).toEqual([false, 2]);
  large?.release();
  expect(inFlight.admit()?.reserve(1)).toBe(true);
});
