import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { expectNothingLost, IS_LONG, peakOf } from "../support/faults.ts";
import { app, CRM, lead } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

/** Opened at the same time. */
const BURST = IS_LONG ? 2000 : 1000;
const BURSTS = IS_LONG ? 5 : 1;

it.skipIf(lacks("posix"))(`listen answers ${BURSTS * BURST} connections that are open at the same time`, async () => {
  const cwd = tempFolder();
  const target = await app();
  const listener = await startListenProcess(["--forward-to", target.url], { cwd });
  const port = Number(new URL(listener.url).port);
  const sockets: Socket[] = [];
  const answered: number[] = [];
  let worstMs = 0;
  const postOn = async (socket: Socket, i: number): Promise<void> => {
    const startedAt = performance.now();
    const body = lead(i);
    socket.write(`POST ${CRM} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`);
    socket.write(`content-length: ${body.length}\r\n\r\n${body}`);
    const [answer] = await once(socket, "data");
    if (String(answer).startsWith("HTTP/1.1 200")) answered.push(i);
    worstMs = Math.max(worstMs, performance.now() - startedAt);
  };
  for (let burst = 1; burst <= BURSTS; burst++) {
    const opened = await Promise.all(Array.from({ length: BURST }, () => open(port)));
    sockets.push(...opened);
    await Promise.all(opened.map((socket, i) => postOn(socket, burst * BURST + i)));
  }
  const count = sockets.length;
  const stillOpen = sockets.filter(({ destroyed }) => !destroyed).length;
  expect(answered).toHaveLength(count);
  await target.came(count);
  const peakMegabytes = peakOf(listener);
  expect(await listener.stop()).toMatchObject({
    exitCode: 0,
    summary: { forwards: { delivered: count, failed: 0, waiting: 0 } },
  });
  const fault = `${count} connections, ${stillOpen} of them open at the same time`;
  await expectNothingLost({ fault, cwd, loads: [{ answered, sent: count, worstMs }], peakMegabytes });
  // 240 on Node 20, up to 440 on Node 24, where a bare HTTP server takes half as much again, too.
  if (peakMegabytes !== undefined) expect(peakMegabytes).toBeLessThan(IS_LONG ? 500 : 220);
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}
