import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Context } from "../context.ts";
import { errorText } from "../util/errors.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { isUserFolderInProject, userFolder } from "./load.ts";

interface Approvable {
  /** What is asked about, among the answers of the project. */
  readonly key: string;
  /** Of which only the hash is saved. The answer does not hold for another one. */
  readonly value: readonly unknown[];
}

interface Question extends Approvable {
  readonly question: string;
}

/** Whether the user has said yes, now or earlier in this project. Asks in a terminal, and remembers a yes in the user's folder. */
export async function askOnce(context: Context, root: string, { key, value, question }: Question): Promise<boolean> {
  if (await hasApproved(context, root, { key, value })) return true;
  const prompts = await context.prompts();
  if (prompts === undefined || !(await prompts.confirm({ message: question }))) return false;
  try {
    await approve(context, root, { key, value });
  } catch (error) {
    const warning = `your answer could not be saved, so you will be asked again: ${errorText(error)}`;
    context.report({ type: "warning", message: warning });
  }
  return true;
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

/** Reports something the first time it happens in a project. */
export async function reportOnce(context: Context, root: string, key: string, message: string): Promise<void> {
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
