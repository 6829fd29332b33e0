import { describe, expect, it } from "vitest";
import { noSecrets } from "../../src/delivery/secrets.ts";
import { findProduct } from "../../src/model/event-names.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { posted } from "../support/deliveries.ts";

function received(product: string, body: string): Receipt {
  const now = new Date("2025-01-15T10:30:00Z");
  return receive({
    products,
    product: findProduct(products, product),
    delivery: posted(body),
    secrets: noSecrets,
    now,
  });
}

describe("a notification of Zoho CRM", () => {
  it.each(["", '"affected_fields":null,'])("may omit the changed fields: %j", (fields) => {
    const body = `{"server_time":1718117126473,"query_params":{},"module":"Leads","resource_uri":"https://www.zohoapis.com/crm/v8/Leads",${fields}"ids":["5725767000003000064"],"operation":"update","channel_id":"1000000068001"}`;
    expect(received("crm", body)).toMatchObject({ event: "Leads.edit", schema: { ok: true, issues: [] } });
  });
});

describe("a delivery of Zoho Sign", () => {
  it("may have numbers as ids, without losing digits", () => {
    const body =
      '{"requests":{"request_id":2000000000000002017},"notifications":{"operation_type":"RequestViewed","performed_at":1736937000000}}';
    expect(received("sign", body)).toMatchObject({
      records: ["2000000000000002017"],
      schema: { ok: true, issues: [] },
    });
  });

  it("has a hint when one of several has signed", () => {
    const body = (type: string): string =>
      `{"requests":{"request_id":"1"},"notifications":{"operation_type":"${type}"}}`;
    expect(received("sign", body("RequestSigningSuccess")).hint).toContain("wait for RequestCompleted");
    expect(received("sign", body("RequestCompleted")).hint).toBeUndefined();
  });
});

describe("a delivery of Zoho Desk", () => {
  const one = (id: string, type: string): string =>
    `{"payload":{"id":"${id}","ticketNumber":"1","departmentId":"2"},"eventTime":"1736937000000","eventType":"${type}","orgId":"7"}`;

  it("is named after the first of several events, with a hint", () => {
    const several = received("desk", `[${one("11", "Ticket_Add")},${one("12", "Ticket_Update")}]`);
    expect(several).toMatchObject({ event: "Ticket_Add", records: ["11", "12"], schema: { ok: true } });
    expect(several.hint).toContain("process all of them");
    expect(received("desk", `[${one("11", "Ticket_Add")}]`).hint).not.toContain("process all of them");
  });
});

describe("a delivery of Zoho Payments", () => {
  it("has the object of a payment link as payment_links", () => {
    const body =
      '{"event_id":1,"event_type":"payment_link.paid","account_id":"2","event_time":3,"event_object":{"payment_links":{"payment_link_id":"77"}}}';
    expect(received("payments", body)).toMatchObject({
      event: "payment_link.paid",
      records: ["77"],
      schema: { ok: true },
    });
  });

  it("of a mandate, whose names are not published, is known under any name", () => {
    const mandate = { event_id: 1, account_id: 2, event_time: 3, event_object: { mandate: { mandate_id: "77" } } };
    const body = (event_type: string) => JSON.stringify({ ...mandate, event_type });
    const known = { event: "mandate.whatever_it_is", records: ["77"], known: true, schema: { ok: true } };
    expect(received("payments", body("mandate.whatever_it_is"))).toMatchObject(known);
    expect(received("payments", body("dispute.created"))).toMatchObject({ known: false });
    const { event_object: _, ...bare } = mandate;
    const broken = received("payments", JSON.stringify({ ...bare, event_type: "mandate.x" }));
    expect(broken).toMatchObject({ known: true, schema: { ok: false } });
  });
});

describe("a delivery of Zoho SalesIQ", () => {
  const body = (attempt: number, id = "30000000000012345"): string =>
    JSON.stringify({
      entity_type: "conversation",
      org_id: "7",
      event: "conversation.rated",
      entity_id: id,
      attempt,
      entity: {},
    });

  it("has the same identity when it is retried", () => {
    expect(received("salesiq", body(2)).identity).toBe(received("salesiq", body(1)).identity);
    expect(received("salesiq", body(1, "30000000000012346")).identity).not.toBe(received("salesiq", body(1)).identity);
  });

  it("is distinguished from the call of a bot", () => {
    expect(received("salesiq", '{"handler":"message","operation":"message","visitor":{}}')).toMatchObject({
      format: "zobot",
      event: "zobot.message",
    });
  });
});

describe("a delivery of Zoho Mail", () => {
  it("may have only subject and addresses", () => {
    const body = '{"subject":"Hi","fromAddress":"a@example.com","toAddress":"b@example.com"}';
    expect(received("mail", body)).toMatchObject({ event: "message", records: [], schema: { ok: true } });
  });
});
