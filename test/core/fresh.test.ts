import { describe, expect, it } from "vitest";
import { freshen, seededRandom } from "../../src/core/fresh.ts";

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
  it("replaces a record's id by the same new one wherever it stands", () => {
    const fresh = freshen(sample, seededRandom(1), now) as typeof sample;
    const [id = ""] = fresh.ids;
    expect(id).toMatch(/^12345000\d{9}$/);
    expect(id).not.toBe(sample.ids[0]);
    expect(fresh.resource_uri).toBe(`https://www.zohoapis.com/crm/v8/Leads/${id}`);
    expect(fresh.data.id).toBe(id);
    expect(fresh.data.Owner.id).not.toBe(id);
  });

  it("replaces it where it is a name, too: a notification lists changed fields under it", () => {
    const notification = { ids: ["12345000000234567"], affected_fields: [{ "12345000000234567": ["Phone"] }] };
    const fresh = freshen(notification, seededRandom(1), now) as typeof notification;
    expect(fresh.affected_fields.map((each) => Object.keys(each))).toEqual([fresh.ids]);
  });

  it("replaces a UUID under the name of an id, its version and variant kept", () => {
    const event = { id: "5f0c2a7e-91d4-4b6e-8a43-2c1d9e7b6f05", text: "5f0c2a7e-91d4-4b6e-8a43-2c1d9e7b6f05" };
    const fresh = freshen(event, seededRandom(1), now) as typeof event;
    expect(fresh.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(fresh.id).not.toBe(event.id);
    expect(fresh.text).toBe(event.text);
  });

  it("leaves short ids and text that only looks like one", () => {
    const fresh = freshen(sample, seededRandom(1), now) as typeof sample;
    expect(fresh.channel.id).toBe("10000000068001");
    expect(fresh.note).toBe(sample.note);
  });

  it("replaces an id of letters and digits under a name that says so, and nothing like it elsewhere", () => {
    const body = { response_id: "aB3dE5gH", coupon: "aB3dE5gH2", response_start_time: "2025-01-15T10:30:00Z" };
    const fresh = freshen(body, seededRandom(1), now) as typeof body;
    expect(fresh.response_id).toMatch(/^[a-z][A-Z]\d[a-z][A-Z]\d[a-z][A-Z]$/);
    expect(fresh.response_id).not.toBe(body.response_id);
    expect(fresh.coupon).toBe(body.coupon);
    expect(fresh.response_start_time).toBe("2026-03-01T12:00:00Z");
  });

  it("takes the newest day where nothing tells the time", () => {
    const invoice = { date: "2025-01-15", due_date: "2025-02-14", created: { date: "2025-01-10" } };
    expect(freshen(invoice, seededRandom(1), now)).toEqual({
      date: "2026-03-01",
      due_date: "2026-03-31",
      created: { date: "2026-02-24" },
    });
  });

  it("makes the event happen now and keeps notation and intervals", () => {
    const fresh = freshen(sample, seededRandom(1), now) as typeof sample;
    expect(fresh.data.Created_Time).toBe("2026-03-01T12:00:00+00:00");
    expect(fresh.channel.expiry_time).toBe("2027-03-01T12:00:00+00:00");
    expect(fresh.data.due).toBe("2026-03-31");
  });

  it("keeps a time's offset", () => {
    expect(freshen({ at: "2025-01-15T16:00:00+05:30" }, seededRandom(1), now)).toEqual({
      at: "2026-03-01T17:30:00+05:30",
    });
  });

  it("moves times that are counted since 1970, in their own unit, as numbers and as text", () => {
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

  it("gives the same for the same seed, and other ids for another", () => {
    const ids = (seed: number): unknown => (freshen(sample, seededRandom(seed), undefined) as typeof sample).ids;
    expect(ids(7)).toEqual(ids(7));
    expect(ids(7)).not.toEqual(ids(8));
  });

  it("leaves times alone without a now", () => {
    expect((freshen(sample, seededRandom(1), undefined) as typeof sample).data.Created_Time).toBe(
      sample.data.Created_Time,
    );
  });
});
