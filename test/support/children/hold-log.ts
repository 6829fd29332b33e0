import { engineIds } from "../../../src/store/sqlite/engine.ts";
import { openLog } from "../../../src/store/sqlite/log.ts";

const [, , engine, path = ""] = process.argv;
const log = await openLog({ path, now: () => new Date(), engines: engineIds.filter((id) => id === engine) });
const hold = await log.lock({ pid: process.pid, url: undefined, since: new Date() });
process.stdout.write(`${hold.held}\n`);
setInterval(() => {}, 1000);
