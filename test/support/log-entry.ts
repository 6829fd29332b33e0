import type { HeaderPair } from "../../src/delivery/delivery.ts";
import type { ForwardRequest, NewEntry } from "../../src/log/log.ts";
import type { Receipt } from "../../src/model/receipt.ts";

export interface EntryParts {
  readonly body?: Buffer | string;
  readonly url?: string;
  readonly headers?: readonly HeaderPair[];
  readonly receivedAt?: Date;
  readonly accepted?: boolean;
  readonly status?: number;
  readonly refusal?: string;
  readonly product?: string | undefined;
  readonly event?: string | undefined;
  readonly identity?: string | undefined;
  readonly records?: readonly string[];
  readonly receipt?: Partial<Receipt>;
  readonly reconstructed?: boolean;
  readonly forward?: ForwardRequest;
}

/** A delivery as the receiver would hand it to the log. */
export function newEntry(parts: EntryParts = {}): NewEntry {
  const { body = '{"event":"lead.created","data":{"id":"5725767000000123456"}}', accepted = true } = parts;
  return {
    receivedAt: parts.receivedAt ?? new Date(),
    delivery: {
      method: "POST",
      url: parts.url ?? "/webhooks/zoho/crm",
      headers: parts.headers ?? [
        ["Host", "localhost:4000"],
        ["Content-Type", "application/json"],
        ["X-Zoho-Signature", "0f".repeat(32)],
      ],
      body: Buffer.from(body),
    },
    remote: "127.0.0.1",
    receipt: {
      product: "product" in parts ? parts.product : "crm",
      format: "guide",
      event: "event" in parts ? parts.event : "Leads.create",
      known: true,
      suggestions: [],
      custom: false,
      ambiguousWith: [],
      nearest: undefined,
      payload: undefined,
      problem: undefined,
      handshake: undefined,
      verdicts: [{ id: "guide-signature", proves: "body", verdict: "passed", reason: "the signature is right" }],
      schema: { ok: true, issues: [] },
      records: parts.records ?? ["5725767000000123456"],
      identity: parts.identity,
      hint: undefined,
      ...parts.receipt,
    },
    accepted,
    status: parts.status ?? (accepted ? 200 : 401),
    refusal: parts.refusal,
    reconstructed: parts.reconstructed,
    forward: parts.forward,
  };
}
