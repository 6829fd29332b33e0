/** The part of Resend's API that its CLI uses when it listens: it creates and deletes a webhook. */
import { createServer } from "node:http";

createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ object: "webhook", id: "wh_bench", signing_secret: "whsec_YmVuY2g=", deleted: true }),
    );
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
