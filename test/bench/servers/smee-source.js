/**
 * The server side of smee: an event stream, and every webhook that is posted to it goes out on the stream.
 *   node smee-source.js port
 */
import { createServer } from "node:http";

let stream;
createServer((request, response) => {
  if (request.headers.accept?.includes("text/event-stream")) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.write("event: ready\ndata: {}\n\n");
    stream = response;
    return;
  }
  if (request.method === "GET") return void response.writeHead(stream === undefined ? 503 : 200).end();
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { host, connection, ...headers } = request.headers;
    const body = JSON.parse(Buffer.concat(chunks).toString());
    stream?.write(`data: ${JSON.stringify({ ...headers, body, query: {}, timestamp: Date.now() })}\n\n`);
    response.writeHead(200, { "content-length": 2 });
    response.end("OK");
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
