import { expect, it } from "vitest";
import type { Claim } from "../../src/log/log.ts";
import { claimRef } from "../../src/log/sqlite/append.ts";
import { ClaimBatch } from "../../src/log/sqlite/queue.ts";

const claim = (n: number) => claimRef(n, n) as Claim;

it("takes the first claim whatever its size, and none behind one that does not fit", () => {
  const batch = new ClaimBatch({ limit: 9, maxBytes: 100 });
  expect(batch.room).toBe(Number.MAX_SAFE_INTEGER);
  expect(batch.add({ claim: claim(1), bytes: 60 })).toBe(true);
  expect(batch.room).toBe(40);
  expect(batch.add({ claim: claim(2), bytes: 41 })).toBe(false);
  expect([batch.room, batch.add({ claim: claim(3), bytes: 1 })]).toEqual([0, false]);
  expect(batch.claims.map(({ n }) => n)).toEqual([1]);
});

it("counts what cannot be read for its limit", () => {
  const batch = new ClaimBatch({ limit: 3 });
  batch.unreadable.push({ ...claimRef(1, 1), reason: "damaged" });
  batch.add({ claim: claim(2), bytes: 1_000_000 });
  expect(batch.wanted).toBe(1);
});
