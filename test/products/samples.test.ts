import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../../src/products/index.ts";
import { readBuiltInFixture } from "../../src/samples/fixtures.ts";
import { fixtureCases } from "../support/fixture-cases.ts";

/** The sample of an event as read by JSON.parse, which loses digits. */
function sampleOf(product: string, name: string, format?: string) {
  const found = fixtureCases().find(
    (each) => each.product.id === product && each.name === name && (format ?? each.format.id) === each.format.id,
  );
  return JSON.parse(found?.text ?? "");
}

describe("a sample of Zoho Sign", () => {
  it("names no recipient in RequestCompleted, which is the system's own", () => {
    const { performed_by_email, action_id } = sampleOf("sign", "RequestCompleted").notifications;
    expect([performed_by_email, action_id]).toEqual(["System Generated", undefined]);
  });

  it.each(["RequestSubmitted", "RequestRecalled", "RequestExpired"])("names its owner as the actor of %s", (name) => {
    const { requests, notifications } = sampleOf("sign", name);
    expect(notifications.performed_by_email).toBe(requests.owner_email);
    expect(notifications.action_id).toBeUndefined();
  });

  it.each(["RequestViewed", "RequestSigningSuccess", "RequestApproved", "RequestRejected"])(
    "says which recipient did %s, by the action that is his",
    (name) => {
      const { requests, notifications } = sampleOf("sign", name);
      const own = requests.actions.find((each: { action_id: unknown }) => each.action_id === notifications.action_id);
      expect(own.recipient_email).toBe(notifications.performed_by_email);
      expect(own.action_type).toBe(name === "RequestApproved" ? "APPROVER" : "SIGN");
    },
  );

  it("has ids of numbers that lose digits in JSON.parse", () => {
    const { requests } = sampleOf("sign", "RequestSigningSuccess");
    expect(requests.request_id).toBeTypeOf("number");
    expect(Number.isSafeInteger(requests.request_id)).toBe(false);
  });
});

describe("a sample of Zoho Mail", () => {
  it("has ids of numbers that lose digits in JSON.parse, and the message's also as text", () => {
    const { messageId, messageIdString } = sampleOf("mail", "message");
    expect([typeof messageId, Number.isSafeInteger(messageId)]).toEqual(["number", false]);
    expect(String(messageId)).not.toBe(messageIdString);
  });
});

describe("a sample of Catalyst Signals", () => {
  it.each([
    ["row_inserted", "cloudscaledatastore"],
    ["row_deleted", "cloudscaledatastore"],
    ["email_opened", "custom"],
    ["order_packed", "custom"],
  ])("names the data store as the source of rows only: %s", (name, service) => {
    const [format] = products.flatMap((each) => (each.id === "signals" ? each.formats : []));
    const product = { id: "signals", title: "", formats: [] };
    const sample = format && readBuiltInFixture(join(import.meta.dirname, "../.."), { product, format, name });
    expect(sample?.text).toContain(`/service:${service}/account:`);
  });
});

describe("a sample of Zoho Desk", () => {
  it("has an incoming thread with matching sender and content", () => {
    const [{ payload }] = sampleOf("desk", "Ticket_Thread_Add");
    expect([payload.direction, payload.author.type]).toEqual(["in", "END_USER"]);
    expect(payload.author.email).not.toContain("support");
  });

  it.each(["Ticket_Approval_Add", "Ticket_Approval_Update"])("has two people in %s", (name) => {
    const [{ payload }] = sampleOf("desk", name);
    expect(payload.approver.zuid).not.toBe(payload.requester.zuid);
  });
});

describe("a sample of Zoho CRM's channels", () => {
  it.each(["Accounts.edit", "Tasks.edit"])("names the edited field and its value in %s", (name) => {
    const { ids, affected_fields, affected_values } = sampleOf("crm", name, "wire");
    expect(affected_fields).toEqual([{ [ids[0]]: ["Owner"] }]);
    expect(Object.keys(affected_values[0].values)).toEqual(["Owner"]);
  });
});

describe("a sample of Zoho's finance products", () => {
  it("has no applied amount for a declined payment", () => {
    const { invoices } = sampleOf("subscriptions", "payment_declined").data.payment;
    expect(invoices).toMatchObject([{ amount_applied: 0 }]);
  });

  it.each(["books", "inventory", "invoice"])("has the state code of an address in a contact of %s", (product) => {
    expect(sampleOf(product, "contact").contact.billing_address).toHaveProperty("state_code");
  });
});
