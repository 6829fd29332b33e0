import { Server } from "node:net";
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
