import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { learnedPath, projectFixturePath } from "../../src/config/fixtures.ts";
import { products } from "../../src/products/index.ts";

const [product] = products;
const [format] = product?.formats ?? [];
if (product === undefined || format === undefined) throw new Error("there are products");

describe("the file of a sample", () => {
  const root = join("/", "project");

  it("lies in the folder for it", () => {
    expect(projectFixturePath(root, product, format, { name: "a.b" })).toBe(
      join(root, ".zoho-hooks", "fixtures", product.id, format.id, "a.b.json"),
    );
    expect(learnedPath(root, { product: "crm", format: "guide", name: "a.b" }, "md")).toBe(
      join(root, ".zoho-hooks", "learned", "crm", "guide", "a.b.md"),
    );
  });

  it.each(["../../../x", "../../../../x", "../../../learned-elsewhere/x", "../../../fixtures-elsewhere/x"])(
    "never lies outside of it, as %s would",
    (name) => {
      expect(() => projectFixturePath(root, product, format, { name })).toThrow("is not a possible file name in");
      expect(() => learnedPath(root, { product: "crm", format: "guide", name }, "json")).toThrow(
        "is not a possible file name in",
      );
    },
  );
});
