import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import { SECRET, TOKEN } from "../send.ts";
import type { TestEndpoint } from "./good.ts";

interface GuideOptions {
  /** With the guide's "Method 3" before the rest. */
  readonly signature: boolean;
  readonly countFile: string;
}

/** The guide's "Complete Webhook Handler", line by line, with a list in the place of Bull and Redis. */
export async function startGuideHandler({ signature, countFile }: GuideOptions): Promise<TestEndpoint> {
  const app = express();
  app.use(express.json());
  const processedWebhooks = new Set<string>();
  let requests = 0;
  let handled = 0;
  writeFileSync(countFile, "0");
  app.post("/webhooks/zoho/:product", async (req: Request, res: Response) => {
    requests++;
    const webhook = req.body;
    if (signature && !webhook.challenge) {
      const header = req.headers["x-zoho-signature"] as string;
      try {
        if (!verifyWebhookSignature(req.body, header, SECRET)) return res.status(401).send("Invalid signature");
      } catch (error) {
        // Express 4 does not see what an async handler throws; the process would end.
        return res.status(500).send(String(error));
      }
    }
    try {
      if (webhook.challenge) return res.json({ challenge: webhook.challenge });
      if (webhook.token && webhook.token !== TOKEN) return res.status(401).send("Unauthorized");
      const webhookId = getWebhookId(webhook);
      if (processedWebhooks.has(webhookId)) return res.status(200).send("OK");
      writeFileSync(countFile, String(++handled));
      processedWebhooks.add(webhookId);
      return res.status(200).send("OK");
    } catch {
      return res.status(500).send("Error");
    }
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function verifyWebhookSignature(payload: unknown, signature: string, secret: string): boolean {
  const expectedSignature = createHmac("sha256", secret).update(JSON.stringify(payload)).digest("hex");
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expectedSignature));
}

function getWebhookId(webhook: Record<string, unknown> & { ids?: string[] }): string {
  return (
    webhook.ids?.[0] ||
    (webhook.subscription_id as string) ||
    (webhook.invoice_id as string) ||
    (webhook.ticketId as string) ||
    createHash("md5").update(JSON.stringify(webhook)).digest("hex")
  );
}
