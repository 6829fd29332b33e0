/**
 * The receiver of the Webhooks Guide on BullMQ, which answers when Redis has the job:
 *   node guide-bullmq.js port redis-port
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Queue } from "bullmq";
import express from "express";

const [, , port, redisPort] = process.argv;
const { ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN } = process.env;
const queue = new Queue("zoho-webhooks", { connection: { port: Number(redisPort), host: "127.0.0.1" } });
const app = express();
app.use(express.json());
app.post("/webhooks/zoho/:product", async (request, response) => {
  const webhook = request.body;
  const expected = createHmac("sha256", ZOHO_WEBHOOK_SECRET).update(JSON.stringify(webhook)).digest("hex");
  const signature = request.get("x-zoho-signature") ?? "";
  const isSigned =
    signature.length === expected.length && timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
  if (!isSigned || webhook.token !== ZOHO_WEBHOOK_TOKEN) return response.status(401).send("Unauthorized");
  const { product } = request.params;
  const data = { product, webhook, webhookId: webhook.ids[0], receivedAt: new Date() };
  const jobId = `zoho-${webhook.ids[0]}`;
  await queue.add(product, data, { jobId, attempts: 3, backoff: { type: "exponential", delay: 2000 } });
  response.status(200).send("OK");
});
app.listen(Number(port), "127.0.0.1");
