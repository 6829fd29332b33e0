import { writeSync } from "node:fs";
import { openLog } from "../../../src/log/sqlite/log.ts";
import { newEntry } from "../log-entry.ts";

const [, , path = ""] = process.argv;
const log = await openLog({ path, now: () => new Date() });
const body = `{"event":"lead.created","padding":"${"x".repeat(2000)}"}`;

async function work(): Promise<never> {
  for (;;) {
    const { n } = await log.append(newEntry({ body, forward: { targets: ["http://localhost:3000/"] } }));
    // Written at once, as an answer on a socket would be.
    writeSync(1, `${n}\n`);
  }
}
await Promise.all(Array.from({ length: 20 }, work));
