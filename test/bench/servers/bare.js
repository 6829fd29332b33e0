/** A minimal Node server: reads the body and answers 200. */
import { createServer } from "node:http";

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.end("OK");
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
