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
    case "books":
      return processBooksWebhook(webhook);
    default:
      console.log("Unknown product:", product);
  }
}

async function processCRMWebhook({ module, operation, ids = [], data }) {
  // What Zoho CRM itself posts (format wire) names the records, and has no data.
  if (data === undefined) {
    console.log(`CRM ${module} ${operation}:`, ids.join(", "), "(ids only: read the records through the API)");
    return;
  }
  // Ids are text: as numbers, their 19 digits would be rounded.
  console.log(`CRM ${module} ${operation}:`, data.id);
  switch (module) {
    case "Leads":
      if (operation === "create") await handleNewLead(data);
      else if (operation === "update") await handleLeadUpdate(data);
      break;
    case "Deals":
      if (operation === "edit" && data.Stage) await handleDealStageChange(data);
      break;
    default:
      console.log("Unhandled CRM module:", module);
  }
}

// What Desk and Books themselves post names no `event`, and ends up as unhandled.
async function processDeskWebhook({ event, ticket }) {
  console.log(`Desk ${event}:`, ticket?.ticketNumber);
  switch (event) {
    case "Ticket.Create":
      await handleNewTicket(ticket);
      break;
    case "Ticket.Update":
      await handleTicketUpdate(ticket);
      break;
    case "Ticket.Close":
      await handleTicketClose(ticket);
      break;
    default:
      console.log("Unhandled Desk event:", event);
  }
}

async function processBooksWebhook({ event, data }) {
  console.log(`Books ${event}:`, data?.invoice_number || data?.subscription_number);
  switch (event) {
    case "invoice_created":
      await handleInvoiceCreated(data);
      break;
    case "payment_received":
      await handlePaymentReceived(data);
      break;
    default:
      console.log("Unhandled Books event:", event);
  }
}

// Your business logic goes into these.
async function handleNewLead(lead) {
  console.log("New lead:", lead.First_Name, lead.Last_Name);
}

async function handleLeadUpdate(lead) {
  console.log("Lead updated:", lead.id);
}

async function handleDealStageChange(deal) {
  console.log("Deal stage changed:", deal.Stage);
}

async function handleNewTicket(ticket) {
  console.log("New ticket:", ticket.subject);
}

async function handleTicketUpdate(ticket) {
  console.log("Ticket updated:", ticket.ticketNumber);
}

async function handleTicketClose(ticket) {
  console.log("Ticket closed:", ticket.ticketNumber);
}

async function handleInvoiceCreated(invoice) {
  console.log("Invoice created:", invoice.invoice_number);
}

async function handlePaymentReceived(payment) {
  console.log("Payment received:", payment.amount);
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
