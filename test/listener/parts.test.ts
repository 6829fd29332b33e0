import { expect, it } from "vitest";
import { stopParts } from "../../src/listener/listen.ts";
import type { Part } from "../../src/listener/part.ts";
import type { Report } from "../../src/reports/text.ts";

it("stops the parts of listen last first, and all of them even if one fails", async () => {
  const calls: string[] = [];
  const reports: Report[] = [];
  const part = (name: string, fails = false): Part => ({
    name,
    async stop(drainUntil) {
      calls.push(`${name} ${drainUntil?.aborted}`);
      if (fails) throw new Error("disk full");
    },
  });
  const parts = [part("the log"), part("the receiver", true), part("the tunnel")];
  await stopParts({ report: (report) => void reports.push(report) }, parts, new AbortController().signal);
  expect(calls).toEqual(["the tunnel false", "the receiver false", "the log false"]);
  expect(reports).toEqual([{ type: "warning", message: "the receiver did not stop cleanly: disk full" }]);
});
