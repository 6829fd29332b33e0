import { writeSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// A trivial app that says which lead has come before it answers, so that what it has seen survives its end.
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const number = /"note":"lead (\d+)"/.exec(Buffer.concat(chunks).toString())?.[1];
    writeSync(1, `${number}\n`);
    response.end("OK");
  });
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  writeSync(1, `port ${(server.address() as AddressInfo).port}\n`);
});
