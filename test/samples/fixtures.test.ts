import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findEvent } from "../../src/contract/event-names.ts";
import { event, type Format } from "../../src/contract/product.ts";
import { products } from "../../src/products/index.ts";
import { fixtureFiles, learnedPath, projectFixturePath } from "../../src/samples/fixtures.ts";

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

it("uses the known name of a member, and any other as given", () => {
  expect(paths("deals.CREATE")[0]).toBe("crm/guide/Deals.create.json");
  expect(paths("Orchards.create")[0]).toBe("crm/guide/Orchards.create.json");
});

it("has a valid file for a module that is a device on Windows", () => {
  expect(paths("CON.create")[0]).toBe("crm/guide/CON~.create.json");
  expect(paths("Console.create")[0]).toBe("crm/guide/Console.create.json");
});

it("has no file for a name that leaves the folder", () => {
  expect(paths("../../secrets.create")).toEqual([]);
});

it("fills a template with the member, but not an event's own file", () => {
  const match = findEvent(format, "Orchards.create");
  const [own, template] = match === undefined ? [] : fixtureFiles({ id: "crm" }, format, match);
  expect(own?.fill("{Module} {Module}")).toBe("{Module} {Module}");
  expect(template?.fill("{Module} {Module} {Other}")).toBe("Orchards Orchards {Other}");
});

const [product] = products;
const [productFormat] = product?.formats ?? [];
if (product === undefined || productFormat === undefined) throw new Error("there are products");

describe("the file of a sample", () => {
  const root = join("/", "project");

  it("is in its folder", () => {
    expect(projectFixturePath(root, product, productFormat, { name: "a.b" })).toBe(
      join(root, ".zoho-hooks", "fixtures", product.id, format.id, "a.b.json"),
    );
    expect(learnedPath(root, { product: "crm", format: "guide", name: "a.b" }, "md")).toBe(
      join(root, ".zoho-hooks", "learned", "crm", "guide", "a.b.md"),
    );
  });

  it.each(["../../../x", "../../../../x", "../../../learned-elsewhere/x", "../../../fixtures-elsewhere/x"])(
    "is never outside of it, as %s would be",
    (name) => {
      expect(() => projectFixturePath(root, product, productFormat, { name })).toThrow("is not a valid file name in");
      expect(() => learnedPath(root, { product: "crm", format: "guide", name }, "json")).toThrow(
        "is not a valid file name in",
      );
    },
  );
});
