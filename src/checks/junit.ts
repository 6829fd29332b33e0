import { plain } from "../util/text.ts";
import type { CheckOutcome } from "./reports.ts";

export interface JUnitCase {
  readonly group: string;
  readonly name: string;
  readonly outcome: CheckOutcome;
  readonly text: string;
  readonly details: readonly string[];
}

export interface JUnitSuite {
  /** What was checked. */
  readonly name: string;
  readonly seconds: number;
}

/** Results as JUnit XML, which CI servers read. A warning is a test that passed, with its text as output. */
export function junitText(cases: readonly JUnitCase[], { name, seconds }: JUnitSuite): string {
  const count = (outcome: CheckOutcome): number => cases.filter((each) => each.outcome === outcome).length;
  const counts = `tests="${cases.length}" failures="${count("failed")}" errors="0" skipped="${count("skipped")}" time="${seconds}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="zoho-hooks check" ${counts}>`,
    `  <testsuite name="${escaped(name)}" ${counts}>`,
    ...cases.map(caseText),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseText({ group, name, outcome, text, details }: JUnitCase): string {
  const start = `    <testcase classname="zoho-hooks.${escaped(group)}" name="${escaped(name)}"`;
  const message = escaped(text);
  const body = escaped([text, ...details].join("\n"));
  switch (outcome) {
    case "passed":
      return `${start}/>`;
    case "skipped":
      return `${start}><skipped message="${message}"/></testcase>`;
    case "warning":
      return `${start}><system-out>${body}</system-out></testcase>`;
    case "failed":
      return `${start}><failure message="${message}">${body}</failure></testcase>`;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** All but the characters of XML 1.0: not even an entity may stand for the others. */
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function escaped(text: string): string {
  return plain(text, true)
    .replace(NOT_XML, "")
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
