import { createServer } from "node:http";
import { connect } from "node:net";
import { onTestFinished } from "vitest";

/** A proxy that answers CONNECT, leads every host to one port of loopback, and tells what it was asked for. Gives its port. */
export async function startProxy(toPort: number, asked: string[], port = 0): Promise<number> {
  const server = createServer();
  server.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    const upstream = connect(toPort, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    socket.on("error", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the proxy has no port");
  return address.port;
}
