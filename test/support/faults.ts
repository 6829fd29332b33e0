import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { CRM, leadNumber } from "./forward-run.ts";
import type { ListenProcess } from "./listen-process.ts";
import type { PostLoad } from "./post-load.ts";
import { collect, tempFolder } from "./temp-log.ts";

/** `FAULTS=long npm run test:faults`: hundreds of kills, 10,000 connections, minutes of load. */
export const IS_LONG = process.env.FAULTS === "long";

/** A disk of 4 MB, where this user may mount one. */
export function smallDisk(): string | undefined {
  const folder = tempFolder();
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", folder]).status !== 0) return undefined;
  onTestFinished(() => void spawnSync("umount", ["-l", folder]));
  return folder;
}

export const DEFAULT_LOG = ".zoho-hooks/events.db";

export async function post(url: string, body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url + CRM, { method: "POST", body, headers: { "content-type": "application/json" } });
  return { status: response.status, text: await response.text() };
}

/** The numbers of the leads in a project's log, oldest first. */
export async function loggedLeads(cwd: string): Promise<readonly number[]> {
  const log = await openLog({ path: join(cwd, DEFAULT_LOG), now: () => new Date(), create: false });
  const leads = (await collect(log.entries({}, { order: "oldest" }))).map(({ delivery }) => leadNumber(delivery));
  await log.close();
  return leads;
}

interface Outcome {
  /** What was done, in a few words. */
  readonly fault: string;
  readonly cwd: string;
  readonly loads: readonly Pick<PostLoad, "answered" | "sent" | "worstMs">[];
  readonly peakMegabytes?: number | undefined;
}

/** Prints the figures of a fault, and fails unless everything that was answered 200 is in the log. */
export async function expectNothingLost({ fault, cwd, loads, peakMegabytes }: Outcome): Promise<void> {
  const logged = new Set(await loggedLeads(cwd));
  const answered = loads.flatMap((load) => load.answered);
  const lost = answered.filter((lead) => !logged.has(lead));
  const sent = loads.reduce((sum, load) => sum + load.sent, 0);
  const worstMs = Math.max(...loads.map((load) => load.worstMs));
  const peak = peakMegabytes === undefined ? "" : `, peak ${peakMegabytes.toFixed(0)} MB`;
  process.stdout.write(
    `${fault}: ${sent} sent, ${answered.length} answered 200, ${lost.length} lost, ` +
      `slowest answer ${worstMs.toFixed(0)} ms${peak}\n`,
  );
  expect(lost).toEqual([]);
}

/** The most memory that a listener has had; to be asked before it is stopped. */
export const peakOf = (listener: ListenProcess): number | undefined => listener.megabytes()?.peak;
