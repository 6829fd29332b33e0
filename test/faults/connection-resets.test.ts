import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { startListenProcess } from "../support/listen-process.ts";
import { tempFolder } from "../support/run.ts";

/** How a client may begin, and whether the server answers that. */
const BEGINNINGS: readonly { readonly bytes: string | Buffer; readonly answered: boolean }[] = [
  { bytes: "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", answered: true },
  { bytes: "GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", answered: true },
  { bytes: Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]), answered: true },
  { bytes: "POST /webhooks/zoho/crm HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{", answered: false },
  { bytes: "", answered: false },
];

/** Opens `count` connections and resets each: half at once, half after the server has answered, where it does. */
async function resetConnections(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i += BEGINNINGS.length)
    await Promise.all(BEGINNINGS.map((beginning) => reset(port, beginning, i % 2 === 0)));
}

async function reset(port: number, { bytes, answered }: (typeof BEGINNINGS)[number], atOnce: boolean): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  await new Promise((resolve) => socket.write(bytes, resolve));
  if (answered && !atOnce) await once(socket, "data");
  socket.resetAndDestroy();
  await once(socket, "close");
}

it("listen survives connections that are reset at any point", async () => {
  const listener = await startListenProcess([], { cwd: tempFolder() });
  await resetConnections(Number(new URL(listener.url).port), 300);
  expect((await fetch(`${listener.url}/healthz`)).status).toBe(200);
  expect(await listener.stop()).toMatchObject({ exitCode: 0 });
});
