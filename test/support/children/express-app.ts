import type { AddressInfo } from "node:net";
import express from "express";
import { webhook } from "../../../src/library/express.ts";

// An app that takes CRM's events with the adapter for Express. It prints its port.
const app = express();
app.get("/healthz", (_, response) => void response.send("OK"));
app.post(
  "/webhooks/zoho/crm",
  webhook("crm", { token: "t0ken-of-the-app", secret: "s3cret-of-the-app" }, () => {}),
);
const server = app.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
