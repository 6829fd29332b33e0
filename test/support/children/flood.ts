import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

// Unsigned requests that try to take the memory of a receiver: `flood <attack> <port> <path>`. It prints a line once all is sent.
const [, , attack = "", port = "", path = ""] = process.argv;

const start = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;

/** Six bodies of a megabyte, each byte in a chunk: 37 MB. They are ended, for their answers. */
async function singleBytes(): Promise<void> {
  const sockets = Array.from({ length: 6 }, open);
  const chunks = Buffer.from("1\r\n \r\n".repeat(10_000));
  for (const socket of sockets) await write(socket, `${start}transfer-encoding: chunked\r\n\r\n`);
  for (let i = 0; i < 104; i++) await Promise.all(sockets.map((socket) => write(socket, chunks)));
  await Promise.all(sockets.map((socket) => write(socket, "0\r\n\r\n")));
}

/** Two connections with 130,000 requests, 13 MB, whose answers nobody reads. */
async function pipelined(): Promise<void> {
  const requests = Buffer.from(`${start}content-length: 7\r\n\r\n{"a":1}`.repeat(1000));
  const sockets = Array.from({ length: 2 }, () => open().pause());
  const sendAll = async (socket: Socket): Promise<void> => {
    for (let i = 0; i < 65; i++) if (!socket.destroyed) await write(socket, requests);
  };
  // A receiver that stops reading takes only what its system buffers.
  await Promise.race([Promise.all(sockets.map(sendAll)), delay(3000)]);
}

/** 1,500 bodies that stop shortly before their end: 1.5 GB. */
async function unfinished(): Promise<void> {
  const body = Buffer.alloc(52_000, " ");
  const sendOne = async (): Promise<void> => {
    const socket = open();
    await write(socket, `${start}content-length: 1048000\r\n\r\n`);
    for (let i = 0; i < 20; i++) if (!socket.destroyed) await write(socket, body);
  };
  for (let i = 0; i < 15; i++) await Promise.all(Array.from({ length: 100 }, sendOne));
}

function open(): Socket {
  const socket = connect(Number(port), "127.0.0.1");
  return socket.on("error", () => {}).resume();
}

/** Resolves when the system has taken it, or the connection is closed. */
function write(socket: Socket, data: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", resolve);
    socket.write(data, () => {
      socket.off("close", resolve);
      resolve();
    });
  });
}

const attacks: Readonly<Record<string, () => Promise<void>>> = { singleBytes, pipelined, unfinished };
await attacks[attack]?.();
process.stdout.write("sent\n");
setInterval(() => {}, 1000);
