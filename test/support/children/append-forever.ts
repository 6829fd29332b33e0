import { writeSync } from "node:fs";
import { engineIds } from "../../../src/store/sqlite/engine.ts";
import { openLog } from "../../../src/store/sqlite/log.ts";
import { newEntry } from "../log-entry.ts";

const [, , engine, path = ""] = process.argv;
const log = await openLog({ path, now: () => new Date(), engines: engineIds.filter((id) => id === engine) });
const body = `{"event":"lead.created","padding":"${"x".repeat(2000)}"}`;

async function work(): Promise<never> {
  for (;;) {
    const { n } = await log.append(newEntry({ body, forward: { targets: ["http://localhost:3000/"] } }));
    // Written at once, as an answer on a socket would be.
    writeSync(1, `${n}\n`);
  }
}
await Promise.all(Array.from({ length: 20 }, work));
