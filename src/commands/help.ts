import { readFileSync } from "node:fs";
import { nearest } from "../contract/event-names.ts";
import type { Runtime } from "../process/runtime.ts";
import { findTopics, helpColumns } from "../terminal/help.ts";
import { pageText } from "../terminal/page.ts";
import { paintFor } from "../terminal/paint.ts";
import { UserError } from "../util/errors.ts";

/** Prints a page of the documentation as text. `names`: the commands. */
export async function showTopic(topic: string, names: readonly string[], runtime: Runtime): Promise<void> {
  const { packageRoot, argv, stdout } = runtime;
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
  stdout.write(isCommand ? `Options: zoho-hooks ${topic.toLowerCase()} --help\n\n${page}` : page);
}

/** A heading in its place counts for more than any text below it. */
const HEADING_WEIGHT = 10;
const MAX_PAGES = 10;

/** Lists the pages of the documentation that have all these words, the best first, each with the section to look at. */
export function searchPages(words: readonly string[], { packageRoot, stdout }: Runtime): void {
  const wanted = words.map((word) => word.toLowerCase());
  if (wanted.length === 0)
    throw new UserError("usage", "--search needs a word", "such as zoho-hooks help --search tunnel");
  const pages = [...findTopics(packageRoot)]
    .map(([topic, path]) => ({ topic, ...bestSection(readFileSync(path, "utf8"), wanted) }))
    .filter(({ hasAll }) => hasAll)
    .sort((one, other) => other.score - one.score);
  if (pages.length === 0)
    throw new UserError(
      "usage",
      `no page of the documentation has ${words.map((word) => JSON.stringify(word)).join(" and ")}`,
      "run zoho-hooks help for the commands and topics",
    );
  const best = pages.slice(0, MAX_PAGES);
  const width = Math.max(...best.map(({ topic }) => topic.length));
  const lines = best.map(({ topic, heading }) => `  ${topic.padEnd(width)}  ${heading}\n`);
  const more =
    pages.length > best.length ? `  … and ${pages.length - best.length} more; add a word to narrow it down\n` : "";
  stdout.write(`Pages, the best first; read one with zoho-hooks help <topic>:\n${lines.join("")}${more}`);
}

function bestSection(markdown: string, wanted: readonly string[]) {
  const lower = markdown.toLowerCase();
  const hasAll = wanted.every((word) => lower.includes(word));
  const count = (text: string): number =>
    wanted.reduce((sum, word) => sum + text.toLowerCase().split(word).length - 1, 0);
  const sections = sectionsOf(markdown).map(({ heading, text }) => {
    // A long section has every word sooner or later.
    const score = (count(text) + HEADING_WEIGHT * count(heading)) / Math.sqrt(heading.length + text.length);
    return { heading, score };
  });
  const [best = { heading: "", score: 0 }] = sections.sort((one, other) => other.score - one.score);
  return { hasAll, ...best };
}

function sectionsOf(markdown: string): readonly { readonly heading: string; readonly text: string }[] {
  const sections: { heading: string; text: string }[] = [];
  let isCode = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) isCode = !isCode;
    const [, heading] = (!isCode && /^#+ (.+)$/.exec(line)) || [];
    const last = sections.at(-1);
    if (heading !== undefined) sections.push({ heading: heading.replaceAll("`", ""), text: "" });
    else if (last !== undefined) last.text += `${line}\n`;
  }
  return sections;
}
