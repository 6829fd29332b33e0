import { expect, it } from "vitest";
import { z } from "zod";
import { fixtureFiles } from "../../src/config/fixtures.ts";
import { findEvent } from "../../src/core/event-names.ts";
import { event, type Format } from "../../src/core/product.ts";

const format: Format = {
  id: "guide",
  source: "the test",
  proofs: [],
  events: [
    event("Leads.create", "A lead was created", () => z.unknown()),
    event("<Module>.create", "A record was created", () => z.unknown(), { members: ["Leads", "Deals"] }),
    event("Leads.convert", "A lead was converted", () => z.unknown()),
  ],
  recognise: () => undefined,
  records: () => [],
};

function paths(name: string): readonly string[] {
  const match = findEvent(format, name);
  return match === undefined ? [] : fixtureFiles({ id: "crm" }, format, match).map(({ path }) => path);
}

it("prefers an event's own file to the template of its family", () => {
  expect(paths("Leads.create")).toEqual(["crm/guide/Leads.create.json", "crm/guide/{Module}.create.json"]);
  expect(paths("Leads.convert")).toEqual(["crm/guide/Leads.convert.json"]);
});

it("uses the known spelling of a member, or else the given one", () => {
  expect(paths("deals.CREATE")[0]).toBe("crm/guide/Deals.create.json");
  expect(paths("Orchards.create")[0]).toBe("crm/guide/Orchards.create.json");
});

it("has a file for a module named like a Windows device", () => {
  expect(paths("CON.create")[0]).toBe("crm/guide/CON~.create.json");
  expect(paths("Console.create")[0]).toBe("crm/guide/Console.create.json");
});

it("has no file for a name that leaves the folder", () => {
  expect(paths("../../secrets.create")).toEqual([]);
});

it("fills a template with the member, and leaves an event's own file alone", () => {
  const match = findEvent(format, "Orchards.create");
  const [own, template] = match === undefined ? [] : fixtureFiles({ id: "crm" }, format, match);
  expect(own?.fill("{Module} {Module}")).toBe("{Module} {Module}");
  expect(template?.fill("{Module} {Module} {Other}")).toBe("Orchards Orchards {Other}");
});
