import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { expectNothingLost, IS_LONG, peakOf } from "../support/faults.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";

const COUNT = IS_LONG ? 1000 : 500;
/** One sends a header without end, one a body, one nothing at all. */
const BEGINNINGS = [
  "POST /webhooks/zoho/crm HTTP/1.1\r\nhost: a\r\nx-slow: ",
  "POST /webhooks/zoho/crm HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{",
  "",
];

it(`listen answers others while ${COUNT} senders send a byte a second, and closes these at its limit`, async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd });
  const port = Number(new URL(listener.url).port);
  const sockets = await Promise.all(Array.from({ length: COUNT }, (_, i) => openSlow(port, BEGINNINGS[i % 3] ?? "")));
  const load = postLoad({ url: listener.url, from: 0, count: 1000, connections: 8, pauseMs: 5 });
  await load.ended;
  expect(load.refused).toEqual([]);
  // Far below the minute for which the slow ones stay, however busy the machine is.
  expect(load.worstMs).toBeLessThan(20_000);
  expect(sockets.filter(({ socket }) => socket.destroyed)).toEqual([]);
  // Its limit is a minute, and Node looks every 30 seconds.
  if (IS_LONG) await Promise.all(sockets.map(({ closed }) => closed));
  const peakMegabytes = peakOf(listener);
  for (const { socket } of sockets) socket.destroy();
  expect((await listener.stop()).exitCode).toBe(0);
  await expectNothingLost({ fault: `${COUNT} slow senders`, cwd, loads: [load], peakMegabytes });
});

async function openSlow(port: number, beginning: string): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const socket = connect(port, "127.0.0.1");
  const closed = once(socket, "close");
  socket.on("error", () => {}).resume();
  await once(socket, "connect");
  socket.write(beginning);
  const timer = setInterval(() => beginning !== "" && socket.write("x"), 1000);
  void closed.then(() => clearInterval(timer));
  onTestFinished(() => void socket.destroy());
  return { socket, closed };
}
