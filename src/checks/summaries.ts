import { appendFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Context } from "../project/context.ts";
import { errorText } from "../util/errors.ts";
import { writeFileAtomically } from "../util/files.ts";
import { oneLine, plain } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { type CheckOutcome, countOutcomes, type Finding } from "./finding.ts";

/** The findings of a run. */
interface Suite {
  /** Such as `zoho-hooks check`. */
  readonly command: string;
  /** What was checked: a URL, or the command again. */
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly seconds: number;
}

/** Writes results as the JUnit XML of `--junit`; in a GitHub job also as a table of its summary and as annotations. */
export function writeResults(context: Context, file: string | undefined, given: Suite): void {
  const suite = { ...given, seconds: Math.round(given.seconds * 10) / 10 };
  const { GITHUB_STEP_SUMMARY: ofStep, GITHUB_ACTIONS: isGithub } = context.env;
  if (ofStep) {
    try {
      // Other steps of the job write to it as well.
      appendFileSync(ofStep, markdownText(suite));
    } catch (error) {
      const message = `the results could not be added to GITHUB_STEP_SUMMARY: ${errorText(error)}`;
      context.report({ type: "warning", message });
    }
  }
  // GitHub reads its commands from stderr as well (actions/runner, ScriptHandler.cs), and stdout may be JSON.
  if (isGithub === "true") context.stderr.write(suite.findings.map(annotationOf).join(""));
  if (file !== undefined) writeFileAtomically(resolve(context.cwd, file), junitText(suite));
}

/** Results as JUnit XML, which CI servers read. A warning is a test that passed, with its text as output. */
function junitText({ command, name, findings, seconds }: Suite): string {
  const { failed, skipped } = countOutcomes(findings);
  const counts = `tests="${findings.length}" failures="${failed}" errors="0" skipped="${skipped}" time="${seconds}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${command}" ${counts}>`,
    `  <testsuite name="${escaped(name)}" ${counts}>`,
    ...findings.map(caseText),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseText({ id, outcome, text, details = {}, remedy }: Finding): string {
  const [group = id] = id.split(".", 1);
  const start = `    <testcase classname="zoho-hooks.${escaped(group)}" name="${escaped(id)}"`;
  const message = escaped(text);
  const lines = Object.entries(details).map(([label, detail]) => `${label}: ${detail}`);
  const body = escaped([text, ...lines, ...(remedy === undefined ? [] : [remedy])].join("\n"));
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

const MARKS = { failed: "❌", warning: "⚠️", passed: "✅", skipped: "➖" } as const;

/** A table for `$GITHUB_STEP_SUMMARY`: what is wrong first, what was skipped last. */
function markdownText({ command, name, findings, seconds }: Suite): string {
  const { passed, warning, failed, skipped } = countOutcomes(findings);
  const counts = `${passed} passed, ${counted(warning, "warning")}, ${failed} failed, ${skipped} skipped`;
  const outcomes = Object.keys(MARKS) as readonly CheckOutcome[];
  const rows = outcomes.flatMap((outcome) => findings.filter((each) => each.outcome === outcome)).map(rowText);
  const title = name === command ? command : `${command} ${inCell(name)}`;
  const head = `### ${title}\n\n${counts} in ${seconds} s\n\n| | check | result |\n| --- | --- | --- |`;
  return `${[head, ...rows].join("\n")}\n\n`;
}

function rowText({ id, outcome, text, remedy }: Finding): string {
  const result = remedy === undefined ? inCell(text) : `${inCell(text)}<br>→ ${inCell(remedy)}`;
  return `| ${MARKS[outcome]} | \`${id}\` | ${result} |`;
}

/** An answer of the endpoint is quoted in it: none of its characters may be markup. */
function inCell(text: string): string {
  return oneLine(text).replace(/[\\`*_{}[\]()#+!|<>&~@:]/g, (character) => `&#${character.codePointAt(0)};`);
}

/** https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message */
function annotationOf({ id, outcome, text, remedy }: Finding): string {
  if (outcome !== "failed") return "";
  const encoded = (value: string): string => oneLine(value).replaceAll("%", "%25");
  const title = encoded(`zoho-hooks ${id}`).replaceAll(":", "%3A").replaceAll(",", "%2C");
  return `::error title=${title}::${encoded(remedy === undefined ? text : `${text}. ${remedy}`)}\n`;
}
