/**
 * The receiver of the Webhooks Guide: Express, a signature over the parsed body, a token, a Set of earlier deliveries, and a
 * Bull queue on Redis.
 *   node guide-express.js port folder-of-packages redis-port
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , port, folder, redisPort] = process.argv;
const require = createRequire(join(folder, "package.json"));
const express = require("express");
const Queue = require("bull");

const { ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN } = process.env;
const queue = new Queue("webhooks", { redis: { port: Number(redisPort), host: "127.0.0.1" } });
const known = new Set();
const app = express();
app.use(express.json());
app.post("/webhooks/zoho/:product", async (request, response) => {
  const webhook = request.body;
  const expected = createHmac("sha256", ZOHO_WEBHOOK_SECRET).update(JSON.stringify(webhook)).digest("hex");
  const signature = request.get("x-zoho-signature") ?? "";
  const isSigned =
    signature.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  if (!isSigned || webhook.token !== ZOHO_WEBHOOK_TOKEN) return response.status(401).send("Unauthorized");
  const [id] = webhook.ids;
  if (known.has(id)) return response.status(200).send("OK");
  await queue.add({ product: request.params.product, webhook, id, receivedAt: new Date() });
  known.add(id);
  response.status(200).send("OK");
});
queue.process(async () => {});
app.listen(Number(port), "127.0.0.1");
