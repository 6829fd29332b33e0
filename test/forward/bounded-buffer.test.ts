import { describe, expect, it } from "vitest";
import { BoundedBuffer } from "../../src/forward/bounded-buffer.ts";

function given(limits: { readonly maxCount?: number; readonly maxBytes?: number } = {}): BoundedBuffer<string> {
  return new BoundedBuffer<string>({ maxCount: 3, maxBytes: 10, ...limits, sizeOf: ({ length }) => length });
}

describe("a bounded buffer", () => {
  it("returns the oldest item first", () => {
    const buffer = given();
    for (const each of ["a", "b", "c"]) buffer.push(each);
    expect([buffer.shift(), buffer.shift(), buffer.shift(), buffer.shift()]).toEqual(["a", "b", "c", undefined]);
  });

  it("reserves room up to its count", () => {
    const buffer = given({ maxCount: 2 });
    expect([buffer.reserve(1), buffer.reserve(1), buffer.reserve(1)]).toEqual([true, true, false]);
  });

  it("reserves room up to its bytes", () => {
    const buffer = given();
    expect([buffer.reserve(6), buffer.reserve(5), buffer.reserve(4)]).toEqual([true, false, true]);
    expect(buffer.freeBytes).toBe(0);
  });

  it("reserves room for a single item that is larger than the limit", () => {
    const buffer = given();
    expect([buffer.reserve(11), buffer.reserve(1)]).toEqual([true, false]);
  });

  it("adds an item into reserved room without counting it twice", () => {
    const buffer = given();
    buffer.reserve(4);
    expect([buffer.length, buffer.usedCount, buffer.freeBytes]).toEqual([0, 1, 6]);
    buffer.pushReserved("four");
    expect([buffer.length, buffer.usedCount, buffer.freeBytes]).toEqual([1, 1, 6]);
  });

  it("adds items beyond its limits and has no room then", () => {
    const buffer = given({ maxCount: 1 });
    for (const each of ["seven..", "seven.."]) buffer.push(each);
    expect([buffer.length, buffer.usedCount, buffer.freeBytes]).toEqual([2, 2, -4]);
    expect(buffer.reserve(0)).toBe(false);
  });

  it("has room again for what is removed or no longer reserved", () => {
    const buffer = given({ maxCount: 2 });
    buffer.push("six...");
    buffer.reserve(4);
    buffer.shift();
    expect([buffer.usedCount, buffer.freeBytes]).toEqual([1, 6]);
    buffer.unreserve(4);
    expect([buffer.usedCount, buffer.freeBytes]).toEqual([0, 10]);
  });

  it("clears its items and keeps what is reserved", () => {
    const buffer = given();
    buffer.push("a");
    buffer.reserve(4);
    buffer.push("b");
    expect(buffer.clear()).toEqual(["a", "b"]);
    expect([buffer.length, buffer.usedCount, buffer.freeBytes]).toEqual([0, 1, 6]);
    expect(buffer.clear()).toEqual([]);
  });
});
