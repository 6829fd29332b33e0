import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { runBin } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";

it.skipIf(lacks("posix"))("listen --exec ends background processes of the program", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const cwd = folderWith({
    "hold.mjs": `import { connect } from "node:net"; connect(${port}, "127.0.0.1").on("error", () => {});`,
  });
  const connected = once(server, "connection");
  const wait = `until [ -e connected ]; do sleep 0.05; done`;
  const running = runBin(["listen", "--port", "0", "--exec", `node hold.mjs & ${wait}`], { cwd });
  const [socket] = await connected;
  socket.on("error", () => {}).resume();
  const ended = once(socket, "close");
  writeFileSync(join(cwd, "connected"), "");
  expect((await running).status).toBe(0);
  await ended;
});
