import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";

/** Cases of all areas together. */
const TOTAL = Number(process.env.FUZZ_CASES ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** From the message of a failure, with its seed: only the case that failed. */
const PATH = process.env.FUZZ_PATH;
/** Ends a long run in order. */
const AREA_TIMEOUT_MS = 540_000;
/** What takes longer hangs, even on a machine that does much else. */
const CASE_TIMEOUT_MS = 60_000;

/** An area of input. Its cases are plain JSON, so that one that failed can be kept in `corpus/<area>.json`. */
export interface Area<Case> {
  readonly name: string;
  /** Of all cases. */
  readonly share: number;
  readonly cases: fc.Arbitrary<Case>;
  /** How many cases run at the same time; 1 by default. Each lane has the next seed. */
  readonly lanes?: number;
  check(each: Case, lane: number): Promise<unknown>;
  /** Of the program under test; of this process by default. */
  peakMegabytes?(): Promise<number>;
}

/** The test of an area: the kept cases first, then generated ones; prints its figures. A failure says how to repeat it. */
export function fuzz<Case>({ name, share, cases, lanes = 1, check, peakMegabytes }: Area<Case>): void {
  it(`survives the input of ${name} with seed ${SEED}`, { timeout: AREA_TIMEOUT_MS + 60_000 }, async () => {
    const kept = keptCases<Case>(name);
    const startedAt = performance.now();
    let count = 0;
    let worstMs = 0;
    const runLane = (lane: number) =>
      fc.check(
        fc.asyncProperty(cases, async (each) => {
          const caseStartedAt = performance.now();
          await withinTimeout(check(each, lane));
          expect(Object.keys(Object.prototype)).toEqual([]);
          worstMs = Math.max(worstMs, performance.now() - caseStartedAt);
          count++;
        }),
        {
          seed: SEED + lane,
          ...(PATH === undefined ? {} : { path: PATH }),
          numRuns: kept.length + Math.ceil((share * TOTAL) / lanes),
          examples: kept.map((each): [Case] => [each]),
          interruptAfterTimeLimit: AREA_TIMEOUT_MS,
          markInterruptAsFailure: true,
        },
      );
    const results = await Promise.all(
      Array.from({ length: PATH === undefined ? lanes : 1 }, (_, lane) => runLane(lane)),
    );
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const peak = (await peakMegabytes?.()) ?? process.resourceUsage().maxRSS / 1024;
    process.stdout.write(
      `${name}: ${count} cases in ${seconds} s, worst ${Math.round(worstMs)} ms, peak ${Math.round(peak)} MB, seed ${SEED}\n`,
    );
    // A crash fails the cases of all lanes: the one that caused it can be made smaller.
    const [failed] = results.filter((each) => each.failed).toSorted((a, b) => b.numShrinks - a.numShrinks);
    if (failed === undefined) return;
    const { counterexample, counterexamplePath, errorInstance, seed } = failed;
    const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
    throw new Error(
      `${reason}\n  case: ${JSON.stringify(counterexample?.[0])}\n` +
        `  repeat it: FUZZ_SEED=${seed} FUZZ_PATH=${counterexamplePath} npm run test:fuzz -- -t ${name}\n` +
        `  keep it: add {"what": …, "case": …} to test/fuzz/corpus/${name}.json`,
    );
  });
}

function keptCases<Case>(name: string): readonly Case[] {
  const text = readFileSync(join(import.meta.dirname, "corpus", `${name}.json`), "utf8");
  return (JSON.parse(text) as { what: string; case: Case }[]).map((each) => each.case);
}

async function withinTimeout(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${CASE_TIMEOUT_MS} ms`)), CASE_TIMEOUT_MS);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys them
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const CRASH = /^bug:|this is a bug|please report it|\n {4}at .*[:(]\d+|Unhandled|heap out of memory/m;

/** Fails for text that a terminal obeys, a stack trace or a secret. */
export function checkText(text: string, secrets: readonly string[]): void {
  expect(OBEYED.exec(text)?.input.slice(0, 2000)).toBeUndefined();
  expect(CRASH.exec(text)?.input.slice(0, 2000)).toBeUndefined();
  expect(secrets.filter((each) => text.includes(each))).toEqual([]);
}

export interface Ended {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command ends with a documented code other than that of a bug, and says why when it fails. */
export function checkEnd({ exitCode, out, err }: Ended, secrets: readonly string[] = []): void {
  checkText(out + err, secrets);
  expect([0, 2, 3, 4, 5, 6, 7, 8, 9, 130], out + err).toContain(exitCode);
  // Ctrl-C needs no words.
  if (exitCode !== 0 && exitCode !== 130) expect(out + err).not.toBe("");
}
