/** An app to forward to. `GET /count` returns the number of deliveries and the times of the first and the last. */
import { createServer } from "node:http";

let count = 0;
let firstAt = 0;
let lastAt = 0;
createServer((request, response) => {
  if (request.method === "GET") {
    // A bench that waits for a child process would not notice that a kept connection has been closed.
    response.setHeader("connection", "close");
    response.end(JSON.stringify({ count, firstAt, lastAt }));
    if (request.url === "/count?reset") count = firstAt = lastAt = 0;
    return;
  }
  request.resume();
  request.on("end", () => {
    count++;
    lastAt = performance.now();
    firstAt ||= lastAt;
    response.end("OK");
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
