import { describe, expect, it } from "vitest";
import { freshen, seededRandom } from "../../src/samples/fresh.ts";
import { readExact, writeJson } from "../../src/util/json.ts";

const sample = {
  ids: ["12345000000234567"],
  resource_uri: "https://www.zohoapis.com/crm/v8/Leads/12345000000234567",
  channel: { id: "10000000068001", expiry_time: "2026-01-15T10:30:00+00:00" },
  data: {
    id: "12345000000234567",
    Owner: { id: "12345000000123456" },
    Created_Time: "2025-01-15T10:30:00+00:00",
    due: "2025-02-14",
  },
  note: "order 42 of 12345000000234567x",
};
const now = new Date("2026-03-01T12:00:00.750Z");

describe("freshen", () => {
  it("replaces a record's id with the same new one everywhere", () => {
    const fresh = freshen(sample, seededRandom(1), now) as typeof sample;
    const [id = ""] = fresh.ids;
    expect(id).toMatch(/^12345000\d{9}$/);
    expect(id).not.toBe(sample.ids[0]);
    expect(fresh.resource_uri).toBe(`https://www.zohoapis.com/crm/v8/Leads/${id}`);
    expect(fresh.data.id).toBe(id);
  });

  it("moves the times of Zoho Connect, in words and in milliseconds", () => {
    const at = { triggeredTime: "15 Jan 2025, 10:30 AM", triggeredTimeInMillis: "1736937000000" };
    const evening = new Date("2026-03-01T21:05:00.000Z");
    expect(freshen(at, seededRandom(1), evening)).toEqual({
      triggeredTime: "01 Mar 2026, 09:05 PM",
      triggeredTimeInMillis: String(evening.getTime()),
    });
  });

  it("leaves the ids of people, customers and configuration", () => {
    const ticket = {
      payload: { id: "189200000004203471", departmentId: "189200000000103082", layoutId: "189200000000000107" },
      contact: { id: "189200000003906612" },
      createdBy: { id: "189200000000003017" },
      currency_id: "46000000000009701",
      customer_id: "46000000001713801",
      firstThread: { id: "189200000004203480", author: { id: "189200000003906612" } },
      source: "publisher_id:30000000000142011/service",
    };
    const fresh = freshen(ticket, seededRandom(1), now) as typeof ticket;
    expect(fresh).toEqual({
      ...ticket,
      payload: { ...ticket.payload, id: expect.stringMatching(/^18920000\d{10}$/) },
      firstThread: { ...ticket.firstThread, id: expect.stringMatching(/^18920000\d{10}$/) },
    });
    expect(fresh.payload.id).not.toBe(ticket.payload.id);
    expect(fresh.firstThread.id).not.toBe(ticket.firstThread.id);
  });

  it("replaces the ids of the record under any name, and those of its lines", () => {
    const contact = {
      contact: { contact_id: "46000000001713801", contact_persons: [{ contact_person_id: "46000000001713809" }] },
      line_items: [{ line_item_id: "46000000004912399", item_id: "46000000001777101" }],
    };
    const fresh = freshen(contact, seededRandom(1), now, ["46000000001713801"]) as typeof contact;
    expect(fresh.contact.contact_id).not.toBe(contact.contact.contact_id);
    expect(fresh.contact.contact_persons).not.toEqual(contact.contact.contact_persons);
    expect(fresh.line_items[0]?.line_item_id).not.toBe("46000000004912399");
    expect(fresh.line_items[0]?.item_id).toBe("46000000001777101");
  });

  it("replaces the number of a new record everywhere, and no other number", () => {
    const body = {
      invoice: { invoice_id: "46000000004912301", invoice_number: "INV-000042", reference_number: "REF-7781" },
      note: "INV-000042 is due; INV-0000421 is not",
      ticketId: "189200000004203471",
      ticket: { ticketNumber: "10472", subject: "[##10472##] of 10472", phone_number: "10472" },
    };
    const fresh = freshen(body, seededRandom(1), now) as typeof body;
    const { invoice_number: number } = fresh.invoice;
    expect(number).toMatch(/^INV-\d{6}$/);
    expect(number).not.toBe("INV-000042");
    expect(fresh.note).toBe(`${number} is due; INV-0000421 is not`);
    expect(fresh.invoice.reference_number).toBe("REF-7781");
    const { ticketNumber } = fresh.ticket;
    expect(ticketNumber).toMatch(/^[1-9]\d{4}$/);
    expect(ticketNumber).not.toBe("10472");
    expect(fresh.ticket.subject).toBe(`[##${ticketNumber}##] of 10472`);
  });

  it("keeps a numeric id a number, and odd past 2^53, where JSON.parse loses digits", () => {
    const text = '{"event_id":9973000000138073,"ids":["9973000000138073"]}';
    const fresh = writeJson(freshen(readExact(text), seededRandom(1), now));
    const [, id = ""] = /^\{"event_id":(99730000\d{8}),"ids":\["\1"\]\}$/.exec(fresh) ?? [];
    expect(id).not.toBe("");
    expect(id).not.toBe("9973000000138073");
    expect(String(JSON.parse(fresh).event_id)).not.toBe(id);
  });

  it("replaces an id that is a key", () => {
    const notification = { ids: ["12345000000234567"], affected_fields: [{ "12345000000234567": ["Phone"] }] };
    const fresh = freshen(notification, seededRandom(1), now) as typeof notification;
    expect(fresh.affected_fields.map((each) => Object.keys(each))).toEqual([fresh.ids]);
  });

  it("replaces a UUID and keeps its version and variant", () => {
    const event = { id: "5f0c2a7e-91d4-4b6e-8a43-2c1d9e7b6f05", text: "5f0c2a7e-91d4-4b6e-8a43-2c1d9e7b6f05" };
    const fresh = freshen(event, seededRandom(1), now) as typeof event;
    expect(fresh.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(fresh.id).not.toBe(event.id);
    expect(fresh.text).toBe(event.text);
  });

  it("leaves short ids and similar text", () => {
    const fresh = freshen(sample, seededRandom(1), now) as typeof sample;
    expect(fresh.channel.id).toBe("10000000068001");
    expect(fresh.note).toBe(sample.note);
  });

  it("replaces an id of letters and digits only under the name of an id", () => {
    const body = { response_id: "aB3dE5gH", coupon: "aB3dE5gH2", response_start_time: "2025-01-15T10:30:00Z" };
    const fresh = freshen(body, seededRandom(1), now) as typeof body;
    expect(fresh.response_id).toMatch(/^[a-z][A-Z]\d[a-z][A-Z]\d[a-z][A-Z]$/);
    expect(fresh.response_id).not.toBe(body.response_id);
    expect(fresh.coupon).toBe(body.coupon);
    expect(fresh.response_start_time).toBe("2026-03-01T12:00:00Z");
  });

  it("uses the newest date where there is no time", () => {
    const invoice = { date: "2025-01-15", due_date: "2025-02-14", created: { date: "2025-01-10" } };
    expect(freshen(invoice, seededRandom(1), now)).toEqual({
      date: "2026-03-01",
      due_date: "2026-03-31",
      created: { date: "2026-02-24" },
    });
  });

  it("moves the event to now and keeps notation and intervals", () => {
    const fresh = freshen(sample, seededRandom(1), now) as typeof sample;
    expect(fresh.data.Created_Time).toBe("2026-03-01T12:00:00+00:00");
    expect(fresh.channel.expiry_time).toBe("2027-03-01T12:00:00+00:00");
    expect(fresh.data.due).toBe("2026-03-31");
  });

  it("matches whole words of names: attended_time does not contain end", () => {
    const chat = { opened_time: "1736936400000", attended_time: "1736937000000", end_time: "1736937000000" };
    const at = now.getTime() - 750;
    expect(freshen(chat, seededRandom(1), now)).toEqual({
      opened_time: String(at - 600_000),
      attended_time: String(at),
      end_time: String(at),
    });
  });

  it("moves times in words, and a lone expiry to an hour ahead", () => {
    const job = { expiryTime: "January 15, 2025 11:30:00 AM" };
    expect(freshen(job, seededRandom(1), now)).toEqual({ expiryTime: "March 1, 2026 1:00:00 PM" });
    const payout = { initiated_time: "1736937000000", processed_date: "Jan 15, 2025" };
    expect(freshen(payout, seededRandom(1), now)).toMatchObject({ processed_date: "Mar 1, 2026" });
  });

  it("keeps a time's offset", () => {
    expect(freshen({ at: "2025-01-15T16:00:00+05:30" }, seededRandom(1), now)).toEqual({
      at: "2026-03-01T17:30:00+05:30",
    });
  });

  it("moves epoch times in their own unit, as numbers and as text", () => {
    const counted = {
      event_id: 4973000000138074,
      event_time: 1736937000000,
      inner: { date: 1736936997, opened_time: "1736936400000", size: 1736937000000, org_id: 70000001 },
    };
    const fresh = freshen(counted, seededRandom(1), now) as typeof counted;
    const nowMs = Date.parse("2026-03-01T12:00:00Z");
    expect(fresh.event_time).toBe(nowMs);
    expect(fresh.inner).toEqual({
      date: nowMs / 1000 - 3,
      opened_time: String(nowMs - 600_000),
      size: 1736937000000,
      org_id: 70000001,
    });
    expect(String(fresh.event_id)).toMatch(/^49730000\d{8}$/);
    expect(fresh.event_id).not.toBe(counted.event_id);
  });

  it("gives the same ids for the same seed only", () => {
    const ids = (seed: number): unknown => (freshen(sample, seededRandom(seed), undefined) as typeof sample).ids;
    expect(ids(7)).toEqual(ids(7));
    expect(ids(7)).not.toEqual(ids(8));
  });

  it("leaves times alone without `now`", () => {
    expect((freshen(sample, seededRandom(1), undefined) as typeof sample).data.Created_Time).toBe(
      sample.data.Created_Time,
    );
  });
});
