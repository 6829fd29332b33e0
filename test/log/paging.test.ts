import { describe, expect, it } from "vitest";
import { type PageSource, readAll, Span } from "../../src/log/paging.ts";
import type { SqlRow } from "../../src/log/rows.ts";
import { collect } from "../support/temp-log.ts";

describe("a span of numbers", () => {
  it.each([
    [
      "newest",
      [
        [8, 10],
        [5, 7],
        [4, 4],
      ],
    ],
    [
      "oldest",
      [
        [4, 6],
        [7, 9],
        [10, 10],
      ],
    ],
  ] as const)("is looked at in windows, the %s first", (order, windows) => {
    const span = new Span({ low: 4, high: 10 }, order, 3);
    const seen: number[][] = [];
    while (!span.isEmpty) {
      const { low, high } = span.window();
      seen.push([low, high]);
      span.pass();
    }
    expect(seen).toEqual(windows);
    expect(span.size).toBe(0);
  });

  it("goes on behind the last number of a page that was full", () => {
    const [newest, oldest] = [new Span({ low: 1, high: 9 }, "newest", 9), new Span({ low: 1, high: 9 }, "oldest", 9)];
    newest.pass(7);
    oldest.pass(3);
    expect([newest.window(), oldest.window()]).toEqual([
      { low: 1, high: 6 },
      { low: 4, high: 9 },
    ]);
  });

  it("looks at one number at a time after damage, of those that the log has, and at more again as they can be read", () => {
    const span = new Span({ low: 1, high: Number.MAX_SAFE_INTEGER }, "newest", 5);
    span.narrow({ low: 3, high: 20 });
    const widths: number[] = [];
    while (!span.isEmpty) {
      const { low, high } = span.window();
      widths.push(high - low + 1);
      span.pass();
      span.widen();
    }
    expect(widths).toEqual([1, 2, 4, 5, 5, 1]);
  });
});

it("reads a list of one page with one query, for a reader that follows the log", async () => {
  const queries: string[] = [];
  const source: PageSource<number> = {
    dialect: { unindexed: "+", bytesOf: (column) => column },
    columns: "n",
    query: () => Promise.reject(new Error("not needed")),
    ends: () => Promise.reject(new Error("not needed")),
    async page(sql) {
      queries.push(sql);
      return [{ n: 8 }, { n: 9 }];
    },
    async *convert(rows: readonly SqlRow[]) {
      yield rows.map(({ n }) => Number(n));
    },
  };
  expect(await collect(readAll(source, { after: 7 }, { order: "oldest", limit: 500 }))).toEqual([8, 9]);
  expect(queries).toHaveLength(1);
});
