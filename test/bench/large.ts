/** The time of common queries in a large log. Argument: the number of deliveries (default: a million). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseWhere } from "../../src/log/filter.ts";
import type { LogFilter } from "../../src/log/log.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { newEntry } from "../support/log-entry.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-bench-"));
const log = await openLog({ path: join(folder, "events.db"), now: () => new Date() });
const events = ["Leads.create", "Leads.update", "Deals.create", "Ticket.Create"];
for (let from = 0; from < count; from += 2000) {
  await Promise.all(
    Array.from({ length: 2000 }, (_, j) => {
      const i = from + j;
      const body = `{"data":{"id":5725767000${100_000_000 + i},"Email":"user${i}@example.com"}}`;
      const event = i === 10 ? "Rare.create" : events[i % events.length];
      return log.append(
        newEntry({ receivedAt: new Date(i * 100), event, identity: `${i}`, accepted: i % 5000 !== 0, body }),
      );
    }),
  );
}
const questions: Record<string, LogFilter> = {
  "the last 50": {},
  "the last 50 of one event": { events: ["Deals.create"] },
  "the last 50 of a glob": { events: ["crm:Leads.*"] },
  "the only one of an event": { events: ["Rare.*"] },
  "a product that never came": { product: "desk" },
  "50 refusals": { only: [{ minStatus: 400, maxStatus: 499 }] },
  "the last hour": { since: new Date(count * 100 - 3_600_000) },
  "an old id": { search: "5725767000100000042" },
  "an old e-mail address": { where: [parseWhere("data.Email=user42@example.com")] },
};
for (const [name, filter] of Object.entries(questions)) {
  const start = performance.now();
  let found = 0;
  for await (const _ of log.rows(filter, { limit: 50 })) found++;
  console.log(`${name}: ${found} in ${(performance.now() - start).toFixed(1)} ms`);
}
const start = performance.now();
const { total } = await log.stats();
console.log(`stats of ${total.received}: ${(performance.now() - start).toFixed(0)} ms`);
await log.close();
rmSync(folder, { recursive: true });
