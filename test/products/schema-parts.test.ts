import { expect, it } from "vitest";
import { checkSchema } from "../../src/model/schema.ts";
import { calendarDate, dateTime, lookup, recordId } from "../../src/products/shared/schema-parts.ts";

it("accepts an id of 19 digits as text, and describes what it expects", () => {
  expect(checkSchema(recordId(), "4876876000001402117").ok).toBe(true);
  expect(checkSchema(recordId(), "INV-00217").issues).toEqual([
    { path: [], at: "", expected: "an id of digits, as a string", received: '"INV-00217"' },
  ]);
  expect(checkSchema(recordId(), 12345).issues[0]).toMatchObject({ expected: "string", received: "number 12345" });
});

it.each(["2025-01-15T10:30:00Z", "2025-01-15T10:30:00+00:00", "2025-01-15T10:30:00-08:00", "2025-01-15T10:30:00.125Z"])(
  "accepts %s as a date-time",
  (text) => {
    expect(checkSchema(dateTime(), text).ok).toBe(true);
  },
);

it.each(["2025-01-15", "15-Jan-2025 10:30:00", "2025-13-45T10:30:00Z", ""])("rejects %j as a time", (text) => {
  expect(checkSchema(dateTime(), text).issues[0]?.expected).toBe("a date-time such as 2025-01-15T10:30:00Z");
});

it("accepts only existing days as dates", () => {
  expect(checkSchema(calendarDate(), "2025-02-28").ok).toBe(true);
  expect(checkSchema(calendarDate(), "2025-02-30").ok).toBe(false);
});

it("accepts a reference to a record without its name", () => {
  expect(checkSchema(lookup(), { id: "4876876000001310075", name: null }).ok).toBe(true);
  expect(checkSchema(lookup(), { name: "Atelier Lumière" }).issues[0]?.at).toBe("id");
});
