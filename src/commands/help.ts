import { readFileSync } from "node:fs";
import { nearest } from "../model/event-names.ts";
import type { Runtime } from "../process/runtime.ts";
import { noPaint, paintFor } from "../reports/paint.ts";
import { findTopics, helpColumns } from "../terminal/help.ts";
import { pageText } from "../terminal/page.ts";
import { UserError } from "../util/errors.ts";
import { cut, shellQuoted, shortValue } from "../util/text.ts";

/** Prints a page of the documentation as text. `names`: the commands. */
export async function showTopic(topic: string, names: readonly string[], runtime: Runtime): Promise<void> {
  const { packageRoot, argv, stdout } = runtime;
  const topics = findTopics(packageRoot);
  const path = topics.get(topic.toLowerCase());
  if (path === undefined) {
    const [near] = nearest(topic, [...topics.keys(), ...names], 1);
    const hint =
      near === undefined
        ? `zoho-hooks help --search ${shellQuoted(shortValue(topic))} finds pages`
        : `did you mean ${near}?`;
    throw new UserError("usage", `there is no command or topic '${topic}'`, hint);
  }
  const paint = await paintFor(stdout, runtime, !argv.includes("--no-color"));
  const page = pageText(readFileSync(path, "utf8"), topics, helpColumns(stdout), paint);
  const isCommand = names.includes(topic.toLowerCase());
  stdout.write(isCommand ? `Options: zoho-hooks ${topic.toLowerCase()} --help\n\n${page}` : page);
}

/** Prints which pages of the documentation have all words of a text: a line for each page, the best first. */
export async function searchTopics(text: string, runtime: Runtime): Promise<void> {
  const { packageRoot, argv, stdout } = runtime;
  const words = text.split(/\s+/).filter(Boolean).map(wordPattern);
  if (words.length === 0)
    throw new UserError("usage", "--search: the text is empty", "such as zoho-hooks help --search tunnel");
  const topics = findTopics(packageRoot);
  const found = [...topics]
    .flatMap(([topic, path]) => {
      const page = pageText(readFileSync(path, "utf8"), topics, Number.POSITIVE_INFINITY, noPaint);
      const best = bestLine(page, words);
      return best === undefined ? [] : [{ topic, ...best }];
    })
    .sort((a, b) => b.rank - a.rank || b.count - a.count);
  if (found.length === 0) {
    const hint = "try another word, or run zoho-hooks help for the commands and topics";
    throw new UserError("usage", `no page mentions ${JSON.stringify(text)}`, hint);
  }
  const paint = await paintFor(stdout, runtime, !argv.includes("--no-color"));
  const width = Math.max(...found.map(({ topic }) => topic.length));
  const room = helpColumns(stdout) - width - 2;
  const lines = found.map(({ topic, excerpt }) => `${paint.strong(topic.padEnd(width))}  ${cut(excerpt, room)}`);
  stdout.write(`${lines.join("\n")}\n\nzoho-hooks help <topic> shows a page\n`);
}

/** The beginning of a word, so that `own` is not found in `down`. */
function wordPattern(word: string): RegExp {
  return new RegExp(`(?<![a-z0-9])${word.replace(/[^\w]/g, "\\$&")}`, "i");
}

/** Text before the word that was found. */
const MAX_BEFORE = 24;

/** The line of a page with most of the words, and how many lines have any; undefined unless the page has all words. */
function bestLine(page: string, words: readonly RegExp[]) {
  if (!words.every((word) => word.test(page))) return undefined;
  let best = { rank: 0, excerpt: "" };
  let heading = "";
  let count = 0;
  for (const line of page.split("\n")) {
    const isHeading = /^\S/.test(line);
    if (isHeading) heading = line;
    const has = words.filter((word) => word.test(line));
    if (has.length > 0) count++;
    // A heading outranks a line with as many of the words.
    const rank = has.length + (isHeading ? 0.5 : 0);
    if (has.length === 0 || rank <= best.rank) continue;
    const text = line.trim().replace(/\s+/g, " ").replace(/^- /, "");
    const at = has[0]?.exec(text)?.index ?? 0;
    const excerpt = at <= MAX_BEFORE ? text : `…${text.slice(text.indexOf(" ", at - MAX_BEFORE) + 1)}`;
    best = { rank, excerpt: isHeading ? heading : `${heading}: ${excerpt}` };
  }
  return { ...best, count };
}
