import { describe, expect, it } from "vitest";
import { type Loop, LoopFinder, loopText } from "../../src/forward/loops.ts";

/** Changes of records at these times, in seconds; the app answers each after 100 ms. */
function loopsOf(changes: readonly (readonly [record: string, seconds: number])[]): readonly Loop[] {
  const found: Loop[] = [];
  const finder = new LoopFinder((loop) => found.push(loop));
  for (const [i, [record, seconds]] of changes.entries()) {
    finder.arrived({ n: i + 1, product: "crm", records: [record], at: seconds * 1000 });
    finder.answered(i + 1, seconds * 1000 + 100);
  }
  return found;
}

const every = (seconds: number, count: number, record = "4876876000000331002") =>
  Array.from({ length: count }, (_, i) => [record, i * seconds] as const);

describe("LoopFinder", () => {
  it("finds a record that is changed soon after each answer, once, within a minute", () => {
    expect(loopsOf(every(6, 40))).toEqual([{ product: "crm", record: "4876876000000331002", changes: 8, seconds: 42 }]);
    expect(loopsOf(every(0.2, 8)).map(loopText)).toEqual([
      "crm 4876876000000331002 was changed 8 times in 1 s, each time soon after your app's answer: does your app trigger itself?",
    ]);
  });

  it("finds none among ordinary changes", () => {
    expect(loopsOf(every(8, 100))).toEqual([]);
    const ofMany = Array.from({ length: 500 }, (_, i) => [String(i), i * 0.1] as const);
    expect(loopsOf(ofMany)).toEqual([]);
    // Someone who fills in a form, pauses, and goes on.
    expect(loopsOf([...every(3, 7), ...every(3, 7).map(([id, at]) => [id, at + 60] as const)])).toEqual([]);
  });

  it("finds none where changes do not wait for the app's answer", () => {
    const finder = new LoopFinder(() => expect.fail("a loop"));
    for (let n = 1; n <= 50; n++) {
      finder.arrived({ n, product: "crm", records: ["1"], at: n * 100 });
      finder.answered(n - 1, n * 100 + 80);
    }
  });

  it("finds one whose answers are told after the next change", () => {
    const found: Loop[] = [];
    const finder = new LoopFinder((loop) => found.push(loop));
    for (let n = 1; n <= 50; n++) {
      finder.arrived({ n, product: "crm", records: ["1"], at: n * 100 });
      finder.answered(n - 1, n * 100 + 5);
    }
    expect(found).toHaveLength(1);
  });

  it("finds one again after a pause", () => {
    expect(loopsOf([...every(1, 20), ...every(1, 20).map(([id, at]) => [id, at + 600] as const)])).toHaveLength(2);
  });
});
