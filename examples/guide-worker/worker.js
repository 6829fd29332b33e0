// The Webhooks Guide's worker on today's BullMQ. Bull 4, which the guide uses, does not see these jobs.
import { Worker } from "bullmq";
import { Redis } from "ioredis";

const { REDIS_URL = "redis://127.0.0.1:6379", QUEUE = "zoho-webhooks" } = process.env;
// BullMQ requires null: a worker waits for Redis as long as it takes.
const connection = new Redis(REDIS_URL, { maxRetriesPerRequest: null });

async function processWebhook(job) {
  const { product, webhook, webhookId } = job.data;
  console.log(`Processing ${product} webhook:`, webhookId);
  switch (product) {
    case "crm":
      return processCRMWebhook(webhook);
    case "desk":
      return processDeskWebhook(webhook);
    default:
      console.log("Unknown product:", product);
  }
}

async function processCRMWebhook({ module, operation, data }) {
  // Ids are text: as numbers, their 19 digits would be rounded.
  console.log(`CRM ${module} ${operation}:`, data.id);
}

async function processDeskWebhook({ event, ticket }) {
  console.log(`Desk ${event}:`, ticket.ticketNumber);
}

const worker = new Worker(QUEUE, processWebhook, {
  connection,
  concurrency: 5,
  // As long as the guide remembers ids. While a job is in Redis, the same event is not queued again.
  removeOnComplete: { age: 24 * 60 * 60 },
});

worker.on("completed", ({ data }) => console.log("Webhook processed successfully:", data.webhookId));
// BullMQ tries again: 3 attempts, after 2 and 4 seconds, as the job says.
worker.on("failed", (job, error) => console.error("Error processing webhook:", job?.data.webhookId, error));
worker.on("error", (error) => console.error("Redis:", error.message));

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    // Ends what it is working on; the rest waits in Redis.
    await worker.close();
    connection.disconnect();
  });
}
