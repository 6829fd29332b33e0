import { readFileSync } from "node:fs";
import { nearest } from "../contract/event-names.ts";
import type { Runtime } from "../process/runtime.ts";
import { findTopics, helpColumns } from "../terminal/help.ts";
import { pageText } from "../terminal/page.ts";
import { paintFor } from "../terminal/paint.ts";
import { UserError } from "../util/errors.ts";

/** Prints a page of the documentation as text, through a pager where it is longer than the screen. `names`: the commands. */
export async function showTopic(topic: string, names: readonly string[], runtime: Runtime): Promise<void> {
  const { packageRoot, argv, stdout, env } = runtime;
  const topics = findTopics(packageRoot);
  const path = topics.get(topic.toLowerCase());
  if (path === undefined) {
    const [near] = nearest(topic, [...topics.keys(), ...names], 1);
    const hint = near === undefined ? "run zoho-hooks help for the commands and topics" : `did you mean ${near}?`;
    throw new UserError("usage", `there is no command or topic '${topic}'`, hint);
  }
  const paint = await paintFor(stdout, runtime, !argv.includes("--no-color"));
  const page = pageText(readFileSync(path, "utf8"), topics, helpColumns(stdout), paint);
  const isCommand = names.includes(topic.toLowerCase());
  const text = isCommand ? `Options: zoho-hooks ${topic.toLowerCase()} --help\n\n${page}` : page;
  const isLong = paint.live && text.split("\n").length > (stdout.rows || Number.POSITIVE_INFINITY);
  if (!isLong || env.PAGER === "" || !runtime.page(text, env.PAGER)) stdout.write(text);
}
