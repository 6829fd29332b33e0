import { once } from "node:events";
import { connect, Server } from "node:net";
import { expect, it, vi } from "vitest";
import { openServer } from "../../src/receiver/http-server.ts";

it("survives accept errors and reports them", async () => {
  const listen = vi.spyOn(Server.prototype, "listen");
  const errors: string[] = [];
  const onProtocolError = (message: string): void => void errors.push(message);
  const { close } = await openServer({ host: "127.0.0.1", port: 0 }, () => {}, { onProtocolError });
  const [server] = listen.mock.contexts as Server[];
  listen.mockRestore();
  for (let i = 0; i < 2; i++) server?.emit("error", new Error("accept ENOMEM"));
  expect(errors[0]).toBe("a connection could not be accepted: accept ENOMEM");
  await close(0);
});

it("closes a CONNECT socket whose client keeps writing", async () => {
  const server = await openServer({ host: "127.0.0.1", port: 0 }, () => {});
  const sender = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
  sender.write(`CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n${"x".repeat(9000)}`);
  await once(sender.resume(), "end");
  // Writing to a closed connection fails.
  const writing = setInterval(() => sender.write("x"), 50);
  await once(sender, "error");
  clearInterval(writing);
  await server.close(0);
});

it("shuts down while a CONNECT socket is open", async () => {
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

it("shuts down without waiting for a connection that has sent nothing, such as a browser's spare one", async () => {
  const server = await openServer({ host: "127.0.0.1", port: 0 }, (_, response) => response.end());
  const spare = connect(server.port, "127.0.0.1");
  await once(spare, "connect");
  // A later connection is answered, so the server knows the spare one by now.
  await (await fetch(`http://127.0.0.1:${server.port}`)).text();
  // Longer than the test may take.
  await server.close(600_000);
  spare.destroy();
});
