import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Button, counted, visible } from "./parts.tsx";
import { set } from "./signals.ts";

const MAX_LINES = 400;
const MAX_LINE_LENGTH = 4_000;
const MAX_PIECE_BOXES = 20;
/** Lines of a block that the browser lays out only when it is seen. */
const BLOCK_LINES = 100;

/** A mistake in a body. */
export interface Issue {
  /** `data.0.Email`. */
  readonly path: string;
  /** In words. */
  readonly text: string;
  /** From 1; null where the place is not in the text. */
  readonly line: number | null;
}

interface LinesProps {
  readonly text: string;
  readonly issues?: readonly Issue[];
  readonly print: PrintLine;
}

/** The content of a line; null leaves the line out. */
type PrintLine = (text: string, number: number) => ComponentChildren;

export function Lines({ text, issues = [], print }: LinesProps) {
  const all = useSignal(false);
  const lines = text.split("\n");
  const isCut = !all.value && (lines.length > MAX_LINES || lines.some(({ length }) => length > MAX_LINE_LENGTH));
  const shown = isCut ? lines.slice(0, MAX_LINES) : lines;
  const beyond = issues.filter(({ line }) => line === null || line > shown.length);
  const blocks = [...shown.keys()].filter((index) => index % BLOCK_LINES === 0);
  return (
    <div>
      {beyond.map(({ path, text: issue, line }) => (
        <p class="issue" key={`${path} ${issue}`}>
          <span class="sign">✗</span> {visible(issue)} {line !== null && `(line ${line})`}
        </p>
      ))}
      <div class="lines">
        {blocks.map((from) => (
          <div class="block" key={from}>
            {shown.slice(from, from + BLOCK_LINES).map((text, index) => {
              const number = from + index + 1;
              const kept = isCut ? text.slice(0, MAX_LINE_LENGTH) : text;
              return line({
                number,
                content: print(kept, number),
                rest: text.length - kept.length,
                issues: issues.filter((issue) => issue.line === number),
              });
            })}
          </div>
        ))}
      </div>
      {isCut && <Button onPress={set(all, true)}>Show all {counted(text.length, "character")}</Button>}
    </div>
  );
}

interface LineProps {
  readonly number: number;
  readonly content: ComponentChildren;
  /** Characters that are cut off. */
  readonly rest: number;
  readonly issues: readonly Issue[];
}

/** A body may have very many lines: no component and no element more than is needed. */
function line({ number, content, rest, issues }: LineProps): ComponentChildren {
  return (
    content !== null && [
      <div key={number} class={issues.length > 0 ? "line wrong" : "line"} data-number={number}>
        {content}
        {rest > 0 && <span class="cut">… {counted(rest, "more character")}</span>}
      </div>,
      issues.map((issue) => (
        <p class="issue" key={issue.text}>
          <span class="sign">✗</span> {visible(issue.text)}
        </p>
      )),
    ]
  );
}

/** Browsers take seconds to break a line of a megabyte, but break many short ones only where they are seen. */
export function textLine(text: string): ComponentChildren {
  if (text.length <= MAX_LINE_LENGTH) return visible(text);
  // By code points: half a surrogate pair would be shown as a wrong character.
  return (text.match(/.{1,4000}/gsu) ?? []).map((piece, index) => (
    <span class="piece" key={index}>
      {visible(piece, MAX_PIECE_BOXES)}
    </span>
  ));
}

/** A line of indented JSON: perhaps a name, and perhaps a value. */
export function jsonLine(text: string): ComponentChildren {
  if (text.length > MAX_LINE_LENGTH) return textLine(text);
  const [, indent = "", name, colon = "", value = ""] = /^(\s*)(?:("(?:[^"\\]|\\.)*")(:\s*))?(.*)$/su.exec(text) ?? [];
  const [, literal, comma] = /^([-\dtfn][^,]*)(,?)$/.exec(value) ?? [];
  return [
    indent,
    name !== undefined && <span class="name">{visible(name)}</span>,
    colon,
    literal === undefined ? visible(value) : [<span class="literal">{literal}</span>, comma],
  ];
}
