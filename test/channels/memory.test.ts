import { describe, expect, it } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import { configOf, expiringWithin, mergeRows, watchItem } from "../../src/channels/channel.ts";
import { expandEvents, normaliseEvents, withoutEvents } from "../../src/channels/events.ts";
import { grantWarning } from "../../src/channels/expiry.ts";
import { generateChannelId, generateToken } from "../../src/channels/generate.ts";
import { findWatchProduct } from "../../src/channels/watch-products.ts";

const row = (id: string, module: string, more: Partial<Channel> = {}): Channel => ({
  id,
  modules: [module],
  events: [`${module}.edit`, `${module}.create`],
  notifyUrl: "https://abc.example/hook",
  expiresAt: new Date("2026-03-07T09:00:00Z"),
  token: "t",
  related: false,
  values: true,
  conditions: [],
  isUnread: false,
  ...more,
});

describe("normaliseEvents", () => {
  it("accepts .update for Zoho's .edit, commas, and drops duplicates", () => {
    expect(normaliseEvents(["Leads.update,Leads.edit", "Deals.ALL", "Sales_Orders.insert"])).toEqual([
      "Leads.edit",
      "Deals.all",
      "Sales_Orders.create",
    ]);
  });

  it("suggests the operation for a mistyped one", () => {
    expect(() => normaliseEvents(["Leads.craete"])).toThrow(/Leads\.craete/);
    try {
      normaliseEvents(["Leads.udpate"]);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2, hint: "did you mean Leads.edit?" });
    }
  });

  it.each(["Leads", "Leads.", ".create", "Leads create", ""])("refuses %j", (name) => {
    expect(() => normaliseEvents([name])).toThrow();
  });
});

describe("expandEvents and withoutEvents", () => {
  it("expand .all, as Zoho lists it", () => {
    expect(expandEvents(["Leads.all", "Leads.edit"])).toEqual(["Leads.create", "Leads.edit", "Leads.delete"]);
    expect(withoutEvents(["Leads.all", "Deals.edit"], ["Leads.delete", "Deals.all"])).toEqual([
      "Leads.create",
      "Leads.edit",
    ]);
  });
});

describe("mergeRows", () => {
  it("merges rows into channels with the soonest end, and sorts by end", () => {
    const channels = mergeRows([
      row("1", "Leads"),
      row("2", "Leads", { expiresAt: new Date("2026-03-03T00:00:00Z") }),
      row("1", "Deals", { expiresAt: new Date("2026-03-06T09:00:00Z"), conditions: [{ type: "field_selection" }] }),
    ]);
    expect(channels.map((each) => [each.id, each.modules, each.expiresAt?.toISOString()])).toEqual([
      ["2", ["Leads"], "2026-03-03T00:00:00.000Z"],
      ["1", ["Leads", "Deals"], "2026-03-06T09:00:00.000Z"],
    ]);
    expect(channels[1]?.events).toEqual(["Leads.edit", "Leads.create", "Deals.edit", "Deals.create"]);
    expect(channels[1]?.conditions).toEqual([{ type: "field_selection" }]);
  });

  it("sorts a channel without an end first, and counts it as expiring", () => {
    const channels = mergeRows([row("1", "Leads"), row("2", "Leads", { expiresAt: undefined })]);
    expect(channels.map((each) => each.id)).toEqual(["2", "1"]);
    expect(expiringWithin(channels, 3_600_000, new Date("2026-03-01T00:00:00Z")).map((each) => each.id)).toEqual(["2"]);
  });
});

describe("watchItem", () => {
  const [channel] = mergeRows([row("1105420521999070702", "Leads")]);
  const config = channel && configOf(channel);
  const expiresAt = new Date("2026-03-07T09:00:00Z");

  it("includes all that a PUT would drop", () => {
    if (config === undefined) throw new Error("The channel has a configuration.");
    expect(watchItem(config, expiresAt, findWatchProduct("crm"))).toEqual({
      channel_id: "1105420521999070702",
      events: ["Leads.edit", "Leads.create"],
      channel_expiry: "2026-03-07T09:00:00+00:00",
      token: "t",
      notify_url: "https://abc.example/hook",
      return_affected_field_values: true,
      notify_on_related_action: false,
    });
  });

  it("sends a number only if the product expects one and no digit is lost", () => {
    if (config === undefined) throw new Error("The channel has a configuration.");
    const recruit = findWatchProduct("recruit");
    expect(watchItem({ ...config, id: "4711" }, expiresAt, recruit).channel_id).toBe(4711);
    expect(watchItem(config, expiresAt, recruit).channel_id).toBe("1105420521999070702");
  });
});

describe("generated values", () => {
  it("fit Zoho's limits: digits for an id, at most 50 characters for a token", () => {
    const id = generateChannelId();
    expect(id).toMatch(/^\d{15}$/);
    expect(Number.isSafeInteger(Number(id))).toBe(true);
    expect(generateToken()).toMatch(/^[\w-]{32}$/);
    expect(generateToken()).not.toBe(generateToken());
  });
});

describe("grantWarning", () => {
  const now = new Date("2026-03-01T09:00:00Z");
  const asked = new Date("2026-03-08T08:00:00Z");

  it("warns if Zoho granted less, and only then", () => {
    expect(grantWarning(asked, asked, now)).toBeUndefined();
    expect(grantWarning(asked, new Date("2026-03-01T10:00:00Z"), now)).toContain("granted 1h instead of 6d 23h");
    expect(grantWarning(asked, undefined, now)).toContain("does not say");
  });
});
