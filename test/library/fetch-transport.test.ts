import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { fetchTransport } from "../../src/library/connect/fetch-transport.ts";

const MEBIBYTE = 1024 * 1024;

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function textOf(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const request = { method: "GET", headers: {}, body: null, signal: AbortSignal.timeout(20_000) } as const;
  return (await fetchTransport().send({ ...request, url: `http://127.0.0.1:${port}/` })).text();
}

describe("the text of an answer", () => {
  it("is whole where a character is cut between two chunks, and empty without a body", async () => {
    const bytes = Buffer.from("Zoë");
    const text = await textOf((_, response) => {
      response.write(bytes.subarray(0, 3));
      setImmediate(() => response.end(bytes.subarray(3)));
    });
    expect(text).toBe("Zoë");
    server.close();
    expect(await textOf((_, response) => response.writeHead(204).end())).toBe("");
  });

  it("is refused by its announced length, of which nothing comes", async () => {
    const text = textOf((_, response) => response.writeHead(200, { "content-length": 21 * MEBIBYTE }).flushHeaders());
    await expect(text).rejects.toThrow("the answer is longer than 20971520 bytes");
  });

  it("is refused while it is read where it never ends", async () => {
    let sent = 0;
    const text = textOf((_, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(MEBIBYTE), more);
        sent++;
      };
      more();
    });
    await expect(text).rejects.toThrow("the answer is longer than 20971520 bytes");
    // With what lies in the buffers of the sockets.
    expect(sent).toBeLessThan(60);
  });
});
