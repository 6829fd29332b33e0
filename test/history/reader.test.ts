import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { newEntry } from "../support/log-entry.ts";
import { run, tempFolder } from "../support/run.ts";

const COUNT = 24;
const BODY_BYTES = 200_000;
const cwd = tempFolder();

beforeAll(async () => {
  const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: () => new Date() });
  const body = JSON.stringify({ module: "Leads", padding: "x".repeat(BODY_BYTES) });
  await Promise.all(Array.from({ length: COUNT }, () => log.append(newEntry({ body }))));
  await log.close();
});

it.each([
  [["events", "list", "--all", "--json"]],
  [["events", "list", "--follow", "--all", "--json"]],
  [["replay", "--since", "1d", "--dry-run", "--to", "3000", "--json"]],
])("%j waits for a slow reader, and holds some megabytes for it at most", async (argv) => {
  let written = 0;
  let taken = 0;
  let most = 0;
  let asked = 0;
  const interrupt = new AbortController();
  const { exitCode, lines } = await run(argv, {
    cwd,
    onOut(text) {
      written += text.length;
      most = Math.max(most, written - taken);
      asked = 0;
      if (argv.includes("--follow") && text.includes(`"n":${COUNT},`)) interrupt.abort();
    },
    signal: interrupt.signal,
    // Who asks again and again waits: only then the reader takes what there is.
    backlog() {
      if (++asked > 3) taken = written;
      return written - taken;
    },
  });
  expect(exitCode).toBe(0);
  expect(lines()).toHaveLength(COUNT);
  expect(written).toBeGreaterThan(2 * BODY_BYTES * COUNT);
  expect(most).toBeLessThan(6_000_000);
});
