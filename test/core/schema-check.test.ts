import { expect, it } from "vitest";
import { z } from "zod";
import { checkSchema } from "../../src/core/schema.ts";

it.each([
  [
    "names that must not be",
    z.strictObject({}),
    Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`k${i}`, 1])),
  ],
  [
    "elements of an alternative",
    z.union([z.array(z.string()), z.object({})]),
    Array.from({ length: 200_000 }, () => 1),
  ],
  ["elements", z.array(z.string()), Array.from({ length: 200_000 }, () => 1)],
])("keeps the first of very many faults: %s", (_, schema, data) => {
  const { ok, issues } = checkSchema(schema, data);
  expect(ok).toBe(false);
  expect(issues).toHaveLength(51);
  expect(issues.at(-1)?.expected).toBe("what the schema says in 199950 more places");
});
