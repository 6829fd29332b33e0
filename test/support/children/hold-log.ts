import { hostname } from "node:os";
import { formatSteps } from "../../../src/log/format.ts";
import { openLogAt } from "../../../src/log/open-log.ts";

/** A receiver of the log at a path or an address. Further arguments are the steps of its version, as JSON. */
const [, , store = "", ...steps] = process.argv;
formatSteps.push(...steps.map((step) => JSON.parse(step)));
const log = await openLogAt({ root: "/", store }, { now: () => new Date() });
const hold = await log.lock({ pid: process.pid, host: hostname(), url: undefined, since: new Date() });
process.stdout.write(`${hold.held}\n`);
setInterval(() => {}, 1000);
