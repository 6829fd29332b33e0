import { openLog } from "../../../src/log/sqlite/log.ts";

const [, , path = ""] = process.argv;
const log = await openLog({ path, now: () => new Date() });
const hold = await log.lock({ pid: process.pid, url: undefined, since: new Date() });
process.stdout.write(`${hold.held}\n`);
setInterval(() => {}, 1000);
