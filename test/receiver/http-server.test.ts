import { once } from "node:events";
import { connect, Server } from "node:net";
import { expect, it, vi } from "vitest";
import { openServer } from "../../src/receiver/http-server.ts";

it("outlives connections that the system cannot accept, and tells of them", async () => {
  const listen = vi.spyOn(Server.prototype, "listen");
  const told: string[] = [];
  const { close } = await openServer(
    { host: "127.0.0.1", port: 0 },
    () => {},
    (what) => void told.push(what),
  );
  const [server] = listen.mock.contexts as Server[];
  listen.mockRestore();
  for (let i = 0; i < 2; i++) server?.emit("error", new Error("accept ENOMEM"));
  expect(told[0]).toBe("a connection could not be accepted: accept ENOMEM");
  await close(0);
});

it("gives the connection back of who has asked for a way through to elsewhere, sends more and never closes it", async () => {
  const server = await openServer({ host: "127.0.0.1", port: 0 }, () => {});
  const sender = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
  sender.write(`CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n${"x".repeat(9000)}`);
  await once(sender.resume(), "end");
  // What nobody takes any more is refused by the system.
  const writing = setInterval(() => sender.write("x"), 50);
  await once(sender, "error");
  clearInterval(writing);
  await server.close(0);
});

it("has an end, whoever has asked for a way through to elsewhere and stays", async () => {
  const server = await openServer({ host: "127.0.0.1", port: 0 }, () => {});
  const sender = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
  sender.write("CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n");
  await once(
    sender.on("error", () => {}),
    "readable",
  );
  await server.close(50);
  sender.destroy();
});
