import { expect, it } from "vitest";
import { z } from "zod";
import { checkSchema } from "../../src/model/schema.ts";

it("reads no unknown member of an object with more than 1,000 of them", () => {
  let reads = 0;
  const data: Record<string, unknown> = { name: 1 };
  for (let i = 0; i < 1_000; i++) {
    Object.defineProperty(data, `k${i}`, {
      enumerable: true,
      get: () => reads++,
    });
  }
  const { issues } = checkSchema(z.looseObject({ name: z.string(), other: z.string() }), data);
  expect(issues.map(({ at }) => at)).toEqual(["name", "other"]);
  expect(reads).toBe(0);
});
