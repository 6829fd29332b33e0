import { chmodSync, copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logFormat } from "../../src/log/format.ts";
import { readHealth } from "../../src/log/sqlite/health.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { run } from "../support/run.ts";
import { runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

const FORMATS = [0, 1, 11, 999];
/** One that creates a log, and one that only reads. */
const BOTH_WAYS = [
  ["listen", "--port", "0", "--exec", "true"],
  ["events", "list"],
];
const COMMANDS = [
  ...BOTH_WAYS,
  ["events", "prune", "--keep", "1ms"],
  ["replay", "1", "--to", "1"],
  ["store", "status"],
];
const deliver = (format: number) =>
  `let that version deliver what waits: ${format > logFormat() ? "npx zoho-hooks@latest listen" : "its listen"}, with your usual flags; then `;
const message = (format: number) =>
  `was written by another version of zoho-hooks (format ${format}, this version has format ${logFormat()})`;

async function expectRefusal(
  argv: readonly string[],
  { cwd, store }: { readonly cwd: string; readonly store?: string },
  format: number,
  hint: RegExp,
): Promise<void> {
  const { exitCode, err } = await run(argv, { cwd, env: store === undefined ? {} : { ZOHO_HOOKS_STORE: store } });
  expect([argv[0], argv[1], exitCode]).toEqual([argv[0], argv[1], 2]);
  expect(err).toContain(message(format));
  expect(err).toContain(deliver(format));
  expect(err).toMatch(hint);
}

describe("a log of another format in SQLite", () => {
  const hint = /; then move (\S+), \1-wal and \1-shm away together, .* with ZOHO_HOOKS_STORE/;
  // As text: Vitest compares a Buffer byte by byte.
  const stateOf = (paths: readonly string[]) =>
    paths.map((path) => [readFileSync(path, "latin1"), statSync(path).mode]);

  it.each(FORMATS)("is refused by name, and left as it is: format %i", async (format) => {
    const cwd = tempFolder();
    const path = join(cwd, ".zoho-hooks", "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    await log.close();
    await runSqlIn("sqlite", path, `PRAGMA user_version = ${format}`);
    chmodSync(path, 0o640);
    const before = stateOf([path]);
    for (const argv of BOTH_WAYS) await expectRefusal(argv, { cwd }, format, hint);
    await expect(readHealth(path)).rejects.toThrow(message(format));
    expect(stateOf([path])).toEqual(before);
  });

  it("is refused by every command, and keeps the journal of a process that was killed", async () => {
    const cwd = tempFolder();
    const [running, killed] = [join(cwd, "running.db"), join(cwd, "killed.db")];
    const log = await tempLog("sqlite", { path: running });
    await log.append(newEntry());
    await runSqlIn("sqlite", running, "PRAGMA user_version = 1");
    const files = ["", "-wal"].map((suffix) => {
      copyFileSync(running + suffix, killed + suffix);
      return killed + suffix;
    });
    const before = stateOf(files);
    for (const argv of COMMANDS) await expectRefusal(argv, { cwd, store: killed }, 1, hint);
    expect(stateOf(files)).toEqual(before);
    expect(statSync(`${killed}-wal`).size).toBeGreaterThan(0);
  });

  it("is refused while another version's listen has it, whose owner nobody asks for", async () => {
    const cwd = tempFolder();
    const path = join(cwd, "events.db");
    const log = await tempLog("sqlite", { path });
    await log.lock({ pid: 4711, url: undefined, since: new Date() });
    await runSqlIn("sqlite", path, "DROP TABLE holder; PRAGMA user_version = 1");
    for (const argv of BOTH_WAYS) await expectRefusal(argv, { cwd, store: path }, 1, hint);
  });
});

describe.skipIf(lacks("postgresql"))("a log of another format in PostgreSQL", () => {
  it.each(FORMATS)("is refused by name, and left as it is: format %i", async (format) => {
    const cwd = tempFolder();
    const path = join(cwd, "events.db");
    await (await tempLog("postgresql", { path })).append(newEntry());
    await runSqlIn("postgresql", path, `UPDATE meta SET value = '${format}' WHERE name = 'format'`);
    const store = await sharedAddress(path);
    const content = async () =>
      JSON.stringify([
        await runSql(store, "SELECT * FROM meta"),
        await runSql(store, "SELECT * FROM deliveries"),
        await runSql(
          store,
          "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY relname",
        ),
      ]);
    const before = await content();
    for (const argv of [...(format === 1 ? COMMANDS : BOTH_WAYS), ["store", "init"]])
      await expectRefusal(
        argv,
        { cwd, store },
        format,
        /; then start a new log in another schema \(\?schema=name .* with ZOHO_HOOKS_STORE/,
      );
    expect(await content()).toBe(before);
  });
});
