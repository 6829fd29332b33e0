import { expect, it } from "vitest";
import { eventPattern } from "../../src/model/event-names.ts";
import { cpuMs } from "../support/cpu-time.ts";

it.each([
  ["crm:Leads.*", "Leads.create", true],
  ["CRM:leads.CREATE", "Leads.create", true],
  ["crm:Leads.*", "Leads2.create", false],
  ["*.create", "Leads.create.create", true],
  ["*.creat?", "Leads.create", true],
  ["Leads.?", "Leads.", false],
  ["L*d*.*e", "Leads.create", true],
  ["L*x*", "Leads.create", false],
  ["*", undefined, true],
  ["**", "", true],
  ["Leads", "Leads.create", false],
  ["?*", "", false],
])("matches %s against %j: %j", (pattern, event, expected) => {
  expect(eventPattern(pattern).matches("crm", event)).toBe(expected);
});

// A regular expression would backtrack for half a minute and block all deliveries.
it("matches a name of very many dots quickly", () => {
  const event = ".".repeat(300_000);
  const match = () => {
    for (const pattern of ["*.*.change", "*.*.*.*?.change"])
      expect(eventPattern(`crm:${pattern}`).matches("crm", event)).toBe(false);
  };
  expect(cpuMs(match)).toBeLessThan(2000);
});
