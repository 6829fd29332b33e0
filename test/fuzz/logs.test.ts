import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { newEntry } from "../support/log-entry.ts";
import { run, tempFolder } from "../support/run.ts";
import { hostileText } from "./edits.ts";
import { checkEnd, fuzz } from "./fuzz.ts";

/** Damage of a byte, a page or the end of the file, or of a value in a row. */
type Damage =
  | readonly ["byte", at: number, value: number]
  | readonly ["page", page: number, value: number]
  | readonly ["end", bytes: number]
  | readonly ["row", table: string, column: string, value: string | number | null, every: number];

interface Case {
  readonly damage: readonly Damage[];
  readonly command: string;
}

const PAGE_BYTES = 8192;
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  deliveries: [
    "n",
    "received_at",
    "method",
    "url",
    "remote",
    "product",
    "format",
    "event",
    "known",
    "accepted",
    "invalid",
  ].concat(["status", "refusal", "identity", "duplicate_of", "records", "verdicts", "issues"]),
  contents: ["n", "headers", "body"],
  forwards: ["n", "target", "state", "attempts", "due_at"],
  attempts: ["n", "attempt", "target", "at", "status", "latency_ms", "error", "reply"],
  holder: ["pid", "url", "since"],
};
const columns = Object.entries(COLUMNS).flatMap(([table, names]) => names.map((name) => [table, name] as const));
const value = fc.oneof(
  fc.constantFrom(
    null,
    0,
    -1,
    1,
    2,
    9e15,
    -9e15,
    Number.MAX_SAFE_INTEGER,
    1e308,
    "[[",
    "[]",
    "{}",
    "[null]",
    '[{"a":1}]',
    '[["a"]]',
  ),
  hostileText,
  fc.json({ maxDepth: 2 }),
);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(fc.constant("byte" as const), fc.oneof(fc.nat(120), fc.nat(65_535 * 4)), fc.nat(255)),
  fc.tuple(fc.constant("page" as const), fc.nat(40), fc.nat(255)),
  fc.tuple(fc.constant("end" as const), fc.nat(65_535 * 4)),
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...columns), value, fc.integer({ min: 1, max: 5 }))
      .map(([[table, column], text, every]): Damage => ["row", table, column, text, every]),
  },
);
const READING = [
  "list",
  "list --all --json",
  "list --where data.id=1 --only failed",
  "show 3",
  "show 3 --json",
  "stats",
  "stats --json",
];
const OTHERS = [
  "list --all --json",
  "show 2 --curl",
  "diff 1 2",
  "drift",
  "list --follow --limit 5",
  "save-fixture 2",
  "prune --keep 1d",
];
const cases: fc.Arbitrary<Case> = fc.record({
  damage: fc.array(damage, { minLength: 1, maxLength: 3 }),
  command: fc.constantFrom(
    ...[...READING, ...OTHERS].map((each) => `events ${each}`),
    "verify --logged 2",
    "replay --since 1d --dry-run",
    "types crm --observed",
    "listen --port 0 --tunnel none --forward-to 9 --timeout 1ms",
    "listen --port 0 --tunnel none --json --timeout 1ms",
  ),
});

/** Some 200 kB: deliveries of every state, one of several pages, and attempts. */
const template = openLog({ path: join(tempFolder(), "events.db"), now: () => new Date() }).then(async (log) => {
  const target = "http://127.0.0.1:9/";
  for (let n = 1; n <= 40; n++) {
    const body = `{"event":"lead.created","n":${n},"data":{"id":"5725767000000123456","text":"${"é".repeat(n === 7 ? 40_000 : n)}"}}`;
    await log.append(
      newEntry({
        body,
        accepted: n % 5 !== 0,
        identity: `i${n % 11}`,
        ...(n % 3 === 0 ? {} : { forward: { targets: [target] } }),
      }),
    );
  }
  await log.close();
  return log.path;
});
const engine = await loadEngine();

async function damaged(path: string, changes: readonly Damage[]): Promise<void> {
  for (const change of changes) {
    if (change[0] !== "row") continue;
    const [, table, column, text, every] = change;
    const database = engine.open(path);
    try {
      database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid % ${every} = 0`).run(text);
    } catch {
      // A value that this column does not take.
    } finally {
      database.close();
    }
  }
  let whole = readFileSync(path);
  for (const [kind, at, with_] of changes.filter((change) => change[0] !== "row")) {
    if (kind === "byte") whole[Number(at) % whole.length] = Number(with_);
    if (kind === "page") whole.subarray(Number(at) * PAGE_BYTES, (Number(at) + 1) * PAGE_BYTES).fill(Number(with_));
    if (kind === "end") whole = whole.subarray(0, whole.length - (Number(at) % whole.length));
  }
  writeFileSync(path, whole);
}

/** `list --follow` and a listener that has something to wait for go on until they are interrupted. */
const INTERRUPT_MS = 100;

fuzz<Case>({
  name: "logs",
  share: 0.02,
  cases,
  async check(each) {
    const cwd = tempFolder();
    const path = join(cwd, ".zoho-hooks", "events.db");
    mkdirSync(join(cwd, ".zoho-hooks"), { mode: 0o700 });
    copyFileSync(await template, path);
    await damaged(path, each.damage);
    const interrupt = new AbortController();
    const timer = setTimeout(() => interrupt.abort("SIGINT"), INTERRUPT_MS);
    const ended = await run(each.command.split(" "), { cwd, signal: interrupt.signal, unchecked: true });
    clearTimeout(timer);
    rmSync(cwd, { recursive: true, force: true });
    checkEnd(ended);
  },
});
