/**
 * The receiver of the Webhooks Guide on BullMQ, which answers when Redis has the job:
 *   node guide-bullmq.js port redis-port
 */
import { Queue } from "bullmq";
import express from "express";
import { isGenuine } from "./guide-proofs.js";

const [, , port, redisPort] = process.argv;
const queue = new Queue("zoho-webhooks", { connection: { port: Number(redisPort), host: "127.0.0.1" } });
const app = express();
app.use(express.json());
app.post("/webhooks/zoho/:product", async (request, response) => {
  const webhook = request.body;
  if (!isGenuine(request)) return response.status(401).send("Unauthorized");
  const { product } = request.params;
  const data = { product, webhook, webhookId: webhook.ids[0], receivedAt: new Date() };
  const jobId = `zoho-${webhook.ids[0]}`;
  await queue.add(product, data, { jobId, attempts: 3, backoff: { type: "exponential", delay: 2000 } });
  response.status(200).send("OK");
});
app.listen(Number(port), "127.0.0.1");
