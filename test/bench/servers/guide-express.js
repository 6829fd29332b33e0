/**
 * The receiver of the Webhooks Guide: Express, a signature over the parsed body, a token, a Set of earlier deliveries, and a
 * Bull queue on Redis.
 *   node guide-express.js port folder-of-packages redis-port
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { isGenuine } from "./guide-proofs.js";

const [, , port, folder, redisPort] = process.argv;
const require = createRequire(join(folder, "package.json"));
const express = require("express");
const Queue = require("bull");

const queue = new Queue("webhooks", { redis: { port: Number(redisPort), host: "127.0.0.1" } });
const known = new Set();
const app = express();
app.use(express.json());
app.post("/webhooks/zoho/:product", async (request, response) => {
  const webhook = request.body;
  if (!isGenuine(request)) return response.status(401).send("Unauthorized");
  const [id] = webhook.ids;
  if (known.has(id)) return response.status(200).send("OK");
  await queue.add({ product: request.params.product, webhook, id, receivedAt: new Date() });
  known.add(id);
  response.status(200).send("OK");
});
queue.process(async () => {});
app.listen(Number(port), "127.0.0.1");
