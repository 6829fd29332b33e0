import { expect, it } from "vitest";
import { idsAt, textAt } from "../../src/body/payload.ts";

it("finds text at a path, and nothing where there is none", () => {
  expect(textAt({ ticket: { id: "18" } }, ["ticket", "id"])).toBe("18");
  for (const data of [
    undefined,
    null,
    7,
    "ticket",
    [],
    { ticket: null },
    { ticket: { id: 18 } },
    { ticket: { id: "" } },
  ]) {
    expect(textAt(data, ["ticket", "id"])).toBeUndefined();
  }
});

it("does not take what every object inherits for a field", () => {
  expect(idsAt({}, ["constructor", "name"])).toEqual([]);
  expect(textAt({}, ["constructor", "name"])).toBeUndefined();
});

it("finds one id or a list of them as text, and skips what is no id", () => {
  expect(idsAt({ ids: ["4876876000001402117", 12, null, {}, "", ["9"]] }, ["ids"])).toEqual([
    "4876876000001402117",
    "12",
  ]);
  expect(idsAt({ id: "31" }, ["id"])).toEqual(["31"]);
  expect(idsAt({ id: { $numberLong: "31" } }, ["id"])).toEqual([]);
});
