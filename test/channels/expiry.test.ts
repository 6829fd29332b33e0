import { describe, expect, it } from "vitest";
import { chooseExpiry } from "../../src/channels/expiry.ts";
import { crmWatch, findWatchProduct } from "../../src/channels/watch-products.ts";
import { formatSpan, parseDuration } from "../../src/util/units.ts";
import { parseZohoTime, zohoTime } from "../../src/zoho-api/time.ts";

const now = new Date("2026-03-01T09:00:00.987Z");

describe("zohoTime", () => {
  it("writes no fractions of a second, and an offset", () => {
    expect(zohoTime(now)).toBe("2026-03-01T09:00:00+00:00");
  });
});

describe("parseZohoTime", () => {
  it("reads the organisation's offset", () => {
    expect(parseZohoTime("2026-03-02T16:51:03-11:00")?.toISOString()).toBe("2026-03-03T03:51:03.000Z");
    expect(parseZohoTime("2026-03-02T16:51:03+0530")?.toISOString()).toBe("2026-03-02T11:21:03.000Z");
    expect(parseZohoTime("2026-03-02T16:51:03Z")?.toISOString()).toBe("2026-03-02T16:51:03.000Z");
  });

  it.each(["2026-03-02T16:51:03", "2026-03-02", "2026-13-02T16:51:03Z", "", null, 1718117126473])(
    "does not guess what %j means",
    (text) => {
      expect(parseZohoTime(text)).toBeUndefined();
    },
  );
});

describe("chooseExpiry", () => {
  it.each([
    ["crm", 7 * 24 - 1],
    ["bigin", 23],
    ["recruit", 23],
  ])("defaults to just under the longest that %s allows", (product, hours) => {
    const expiry = chooseExpiry(undefined, findWatchProduct(product).lifetime, now);
    expect(expiry.getTime()).toBe(Date.parse("2026-03-01T09:00:00Z") + hours * 3_600_000);
  });

  it("rejects what Zoho would silently cut to an hour", () => {
    expect(() => chooseExpiry("30d", crmWatch.lifetime, now)).toThrow(
      "30d away, and this API grants at most 7d: Zoho would silently make it one hour",
    );
    expect(() => chooseExpiry("25h", findWatchProduct("bigin").lifetime, now)).toThrow("at most 1d");
  });

  it("accepts durations and times", () => {
    expect(chooseExpiry("24h", crmWatch.lifetime, now).toISOString()).toBe("2026-03-02T09:00:00.000Z");
    expect(chooseExpiry("2026-03-02T09:00:00+05:30", crmWatch.lifetime, now).toISOString()).toBe(
      "2026-03-02T03:30:00.000Z",
    );
  });

  it.each(["yesterday", "0h", "2026-02-01T00:00:00Z", "2026-03-02T00:00:00"])("refuses %j", (asked) => {
    expect(() => chooseExpiry(asked, crmWatch.lifetime, now)).toThrow(/expiry/);
  });
});

describe("durations", () => {
  it("are parsed and formatted", () => {
    expect(parseDuration("6d23h", "--expires")).toBe((6 * 24 + 23) * 3_600_000);
    expect(parseDuration("1.5h", "--expires")).toBe(5_400_000);
    expect(parseDuration("250 ms", "--expires")).toBe(250);
    expect(parseDuration("0", "--expires")).toBe(0);
    // Seconds to one, days to another.
    expect(() => parseDuration("7", "--keep")).toThrow(
      expect.objectContaining({ hint: "write it as 7s, 7m, 7h or 7d" }),
    );
    expect(() => parseDuration("6d and 1h", "--expires")).toThrow("--expires");
    expect(formatSpan((6 * 24 + 23) * 3_600_000 + 59_000)).toBe("6d 23h");
    expect(formatSpan(-5)).toBe("0s");
    expect(formatSpan(7 * 86_400_000)).toBe("7d");
    // A new channel shows its whole lifetime, one that ends soon shows seconds.
    expect(formatSpan((6 * 24 + 23) * 3_600_000 - 1000)).toBe("6d 23h");
    expect(formatSpan(86_400_000 - 1000)).toBe("1d");
    expect(formatSpan(3_600_000 - 1)).toBe("59m 59s");
  });
});
