import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Destination, type Source, sendingOf } from "../body/source.ts";
import type { Context } from "../context.ts";
import { errorText, usageError } from "../util/errors.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { isUserFolderInProject, userFolder } from "./load.ts";

interface Approvable {
  /** What is asked about, among the answers of the project. */
  readonly key: string;
  /** Of which only the hash is saved. The answer does not hold for another one. */
  readonly value: readonly unknown[];
}

export interface Needed extends Approvable {
  /** What would happen, for the question and the error. */
  readonly reason: string;
  /** How the user could decide it without a question. */
  readonly way: string;
}

/** Whether the user has said yes, now or earlier in this project. Asks in a terminal, and remembers a yes in the user's folder. */
export async function askOnce(
  context: Context,
  root: string,
  { key, value, reason }: Omit<Needed, "way">,
): Promise<boolean> {
  if (await hasApproved(context, root, { key, value })) return true;
  const prompts = await context.prompts();
  if (prompts === undefined || !(await prompts.confirm({ message: `${reason}. Allow this?` }))) return false;
  try {
    await approve(context, root, { key, value });
  } catch (error) {
    const warning = `your answer could not be saved, so you will be asked again: ${errorText(error)}`;
    context.report({ type: "warning", message: warning });
  }
  return true;
}

/** Asks as above. Throws a usage error without a terminal, and after a no. */
export async function requireYes(context: Context, root: string, needed: Needed): Promise<void> {
  const { reason, way } = needed;
  if (await askOnce(context, root, needed)) return;
  const rule = "a project does not decide this by itself: it may be a stranger's";
  throw usageError(reason, `${rule}. If you want it, ${way}; or run this in a terminal, which asks once`);
}

/** Asks before a value goes to a destination that somebody else has named, as `sendingOf` says. */
export async function approveSending(
  context: Context,
  root: string,
  value: Source,
  to: Destination,
  needed: () => Needed,
): Promise<void> {
  if (sendingOf(value, to) === "needsUser") await requireYes(context, root, needed());
}

export async function hasApproved(context: Context, root: string, about: Approvable): Promise<boolean> {
  return isRemembered(context, realpathSync(root), answerTo(root, about));
}

/** Whether the user has answered such a question in this project, whatever the value was. */
export async function hasAnswer(context: Context, root: string, key: string): Promise<boolean> {
  const project = realpathSync(root);
  return (await readApproved(context, project))[project]?.[key] !== undefined;
}

/** Remembers a yes in the user's folder. */
export async function approve(context: Context, root: string, about: Approvable): Promise<void> {
  await remember(context, realpathSync(root), answerTo(root, about));
}

function answerTo(root: string, { key, value }: Approvable): Answer {
  const text = JSON.stringify([realpathSync(root), key, ...value]);
  return { key, hash: createHash("sha256").update(text).digest("hex") };
}

/** Reports something the first time it happens in a project; with `--quiet`, which hides it, a later time. */
export async function reportOnce(context: Context, root: string, key: string, message: string): Promise<void> {
  if (context.quiet) return;
  const project = realpathSync(root);
  const answer = { key, hash: "reported" };
  if (await isRemembered(context, project, answer)) return;
  context.report({ type: "notice", message });
  await remember(context, project, answer).catch(() => undefined);
}

interface Answer {
  readonly key: string;
  readonly hash: string;
}

async function isRemembered(context: Context, project: string, { key, hash }: Answer): Promise<boolean> {
  return (await readApproved(context, project))[project]?.[key] === hash;
}

async function remember(context: Context, project: string, { key, hash }: Answer): Promise<void> {
  if (isUserFolderInProject(context, project)) return;
  // Read again: another command may have been answered meanwhile.
  const approved = await readApproved(context, project);
  await writePrivateJson(approvedFile(context), { ...approved, [project]: { ...approved[project], [key]: hash } });
}

function approvedFile(context: Context): string {
  return join(userFolder(context), "approved.json");
}

type Approved = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Hashes of approved values by project and setting. A damaged file approves nothing, nor one of the project. */
async function readApproved(context: Context, project: string): Promise<Approved> {
  if (isUserFolderInProject(context, project)) return {};
  const file = z.record(z.string(), z.record(z.string(), z.string()));
  const { data } = file.safeParse(await readPrivateJson(approvedFile(context)).catch(() => undefined));
  return data ?? {};
}
