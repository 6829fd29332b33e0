/** Appends per second, concurrent and one by one, on this Node's SQLite. Needs Node 22.18 or later, which runs TypeScript. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewEntry } from "../../src/log/log.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { newEntry } from "../support/log-entry.ts";

const BODY_BYTES = 2048;

async function measure(count: number, atOnce: number, forward: boolean): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-bench-"));
  const log = await openLog({ path: join(folder, "events.db"), now: () => new Date() });
  let left = count;
  const latencies: number[] = [];
  const start = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) {
        const began = performance.now();
        await log.append(entry(left, forward));
        latencies.push(performance.now() - began);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
  const queue = forward ? "with a waiting forward" : "log only";
  console.log(`${atOnce} at once, ${queue}: ${Math.round(count / seconds)} appends/s, p99 ${p99.toFixed(1)} ms`);
  await log.close();
  rmSync(folder, { recursive: true });
}

function entry(i: number, forward: boolean): NewEntry {
  const body = Buffer.from(
    JSON.stringify({ event: "lead.created", data: { id: `55777700000${i}`, note: "x" } }).padEnd(BODY_BYTES),
  );
  const made = newEntry({ body, identity: `crm:Leads.create:55777700000${i}` });
  return forward ? { ...made, forward: { targets: ["http://localhost:3000/"] } } : made;
}

await measure(1000, 1, false);
await measure(30_000, 50, false);
await measure(30_000, 200, false);
await measure(30_000, 50, true);
