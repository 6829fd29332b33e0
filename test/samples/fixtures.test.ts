import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findEvent } from "../../src/model/event-names.ts";
import { event, type Format } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { fixtureFiles, projectFixturePath } from "../../src/samples/fixtures.ts";

const format: Format = {
  id: "guide",
  source: "the test",
  proofs: [],
  events: [
    event("Leads.create", "A lead was created", () => z.unknown()),
    event("<Module>.create", "A record was created", () => z.unknown(), { members: ["Leads", "Deals"] }),
    event("Leads.convert", "A lead was converted", () => z.unknown()),
  ],
  body: { recognise: () => undefined, records: () => [] },
};

function files(given: string): readonly string[] {
  const name = findEvent(format, given)?.name;
  return name === undefined ? [] : fixtureFiles({ format, name }).map((file) => file.name);
}

it("prefers an event's own file to the template of its family", () => {
  expect(files("Leads.create")).toEqual(["Leads.create.json", "{Module}.create.json"]);
  expect(files("Leads.convert")).toEqual(["Leads.convert.json"]);
});

it("uses the known name of a member, and any other as given", () => {
  expect(files("deals.CREATE")[0]).toBe("Deals.create.json");
  expect(files("Orchards.create")[0]).toBe("Orchards.create.json");
});

it("has a valid file for a module that is a device on Windows", () => {
  expect(files("CON.create")[0]).toBe("CON~.create.json");
  expect(files("Console.create")[0]).toBe("Console.create.json");
});

it("has no file for a name that leaves the folder", () => {
  expect(files("../../secrets.create")).toEqual([]);
});

it("fills a template with the member, but not an event's own file", () => {
  const [own, template] = fixtureFiles({ format, name: "Orchards.create" });
  expect(own.fill("{Module} {Module}")).toBe("{Module} {Module}");
  expect(template?.fill("{Module} {Module} {Other}")).toBe("Orchards Orchards {Other}");
});

const [product] = products;
if (product === undefined) throw new Error("there are products");

describe("the file of a sample", () => {
  const root = join("/", "project");

  it("is in its folder", () => {
    expect(projectFixturePath(root, { product, format, name: "a.b" })).toBe(
      join(root, ".zoho-hooks", "fixtures", product.id, format.id, "a.b.json"),
    );
  });

  it.each(["../../../x", "../../../../x", "../../../fixtures-elsewhere/x"])(
    "is never outside of it, as %s would be",
    (name) => {
      expect(() => projectFixturePath(root, { product, format, name })).toThrow("is not a valid file name in");
    },
  );
});
