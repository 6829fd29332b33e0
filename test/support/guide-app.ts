import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import express from "express";

/** What the app has taken in, as its queue would hold it. */
interface Taken {
  readonly product: string;
  readonly id: string;
  readonly duplicate: boolean;
}

export interface GuideApp {
  readonly port: number;
  readonly url: string;
  readonly taken: readonly Taken[];
  close(): Promise<void>;
}

/**
 * An app that does what the Webhooks Guide tells a developer to do: Express parses the JSON, the signature is checked
 * over that JSON serialised again, then the token, then whether the event has come before. It asks for a signature on
 * everything but a challenge, and for the token where the body has one.
 */
export async function startGuideApp(given: { readonly secret: string; readonly token: string }): Promise<GuideApp> {
  const taken: Taken[] = [];
  const known = new Set<string>();
  const app = express();
  app.use(express.json());
  app.post("/webhooks/zoho/:product", (request, response) => {
    const webhook: Record<string, unknown> = request.body;
    if (webhook.challenge) {
      response.json({ challenge: webhook.challenge });
      return;
    }
    if (!isSigned(webhook, request.get("x-zoho-signature"), given.secret)) {
      response.status(401).send("Invalid signature");
      return;
    }
    if (webhook.token && webhook.token !== given.token) {
      response.status(401).send("Invalid token");
      return;
    }
    const id = webhookId(webhook);
    taken.push({ product: request.params.product, id, duplicate: known.has(id) });
    known.add(id);
    response.status(200).send("OK");
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isSigned(webhook: unknown, signature: string | undefined, secret: string): boolean {
  const expected = Buffer.from(createHmac("sha256", secret).update(JSON.stringify(webhook)).digest("hex"));
  const received = Buffer.from(signature ?? "");
  return received.length === expected.length && timingSafeEqual(received, expected);
}

/** The guide's order: the record's id where the envelope has one at its top, else a hash of the whole. */
function webhookId(webhook: Record<string, unknown>): string {
  const [first] = Array.isArray(webhook.ids) ? webhook.ids : [];
  const id = first || webhook.subscription_id || webhook.invoice_id || webhook.ticketId;
  return id ? String(id) : createHash("md5").update(JSON.stringify(webhook)).digest("hex");
}
