import { expect, it } from "vitest";
import { idsAt, textAt } from "../../src/delivery/payload.ts";

it("finds text at a path", () => {
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

it("ignores inherited properties", () => {
  expect(idsAt({}, ["constructor", "name"])).toEqual([]);
  expect(textAt({}, ["constructor", "name"])).toBeUndefined();
});

it("finds one id or a list of ids as text, and skips other values", () => {
  expect(idsAt({ ids: ["4876876000001402117", 12, null, {}, "", ["9"]] }, ["ids"])).toEqual([
    "4876876000001402117",
    "12",
  ]);
  expect(idsAt({ id: "31" }, ["id"])).toEqual(["31"]);
  expect(idsAt({ id: { $numberLong: "31" } }, ["id"])).toEqual([]);
});
