import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** What a config file's schema asks for, in words of JSON. */
const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "text",
};

/** What is wrong with a value of a config file, behind its name: "should be an object, and is a list". */
export function issueWords(issue: Issue): string {
  const { code, message } = issue;
  if (code === "invalid_type") {
    const received = /received (\w+)/.exec(message)?.[1] ?? "";
    return `should be ${kind(issue.expected)}, but is ${kind(received)}`;
  }
  if (code === "invalid_value") return `is not one of ${issue.values.map((each) => JSON.stringify(each)).join(", ")}`;
  if (code === "too_big") return `is too large: ${issue.maximum} at most`;
  if (code === "too_small") return issue.origin === "string" ? "is empty" : `is too small: ${issue.minimum} at least`;
  return "is not allowed here";
}

function kind(name: string): string {
  return KINDS[name] ?? name;
}
