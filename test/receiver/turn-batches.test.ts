import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { TurnBatches } from "../../src/receiver/turn-batches.ts";

async function take(batches: TurnBatches, work: () => void): Promise<void> {
  do await batches.next();
  while (batches.isOver());
  work();
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe("the batches of a receiver", () => {
  it("begin together for the requests of one turn, and of the next", async () => {
    const steps: string[] = [];
    const batches = new TurnBatches();
    const first = take(batches, () => steps.push("first"));
    await turn();
    setImmediate(() => steps.push("turn"));
    const second = take(batches, () => steps.push("second"));
    await Promise.all([first, second]);
    await turn();
    expect(steps).toEqual(["first", "second", "turn"]);
  });

  it("leave the rest of a batch that takes long to the next one", async () => {
    const steps: string[] = [];
    const batches = new TurnBatches();
    const slow = take(batches, () => {
      steps.push("slow");
      setImmediate(() => steps.push("turn"));
      block(110);
    });
    await Promise.all([slow, take(batches, () => steps.push("rest"))]);
    expect(steps).toEqual(["slow", "turn", "rest"]);
  });

  it("are each receiver's own: a long batch of another delays nothing", async () => {
    const steps: string[] = [];
    const slow = take(new TurnBatches(), () => {
      steps.push("slow");
      setImmediate(() => steps.push("turn"));
      block(110);
    });
    await Promise.all([slow, take(new TurnBatches(), () => steps.push("other"))]);
    expect(steps).toEqual(["slow", "other"]);
  });
});
