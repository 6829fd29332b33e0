import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { EventDetails, Issue } from "../api.ts";
import { saveBody, textOf } from "./actions.ts";
import { filters, set, type Tab, tab } from "./model.ts";
import { Button, CopyButton, counted, Pairs, visible } from "./parts.tsx";

const MAX_LINES = 400;
const MAX_LINE_LENGTH = 4_000;
const MAX_PIECE_BOXES = 20;
/** Lines of a block that the browser lays out only when it is seen. */
const BLOCK_LINES = 100;

const TABS: readonly Tab[] = ["Body", "Headers", "Raw", "curl"];

/** The parts of the request, one at a time. */
export function Request({ event }: { readonly event: EventDetails }) {
  const text = useSignal<string | null>(null);
  useEffect(() => {
    let isCurrent = true;
    text.value = null;
    void textOf(tab.value, event).then((value) => {
      if (isCurrent) text.value = value;
    });
    return () => {
      isCurrent = false;
    };
  }, [tab.value, event]);
  useEffect(() => highlight(filters.value.search));
  return (
    <section class="card request">
      <h3>
        <span class="tabs">
          {TABS.map((name) => (
            <Button key={name} pressed={tab.value === name} onPress={set(tab, name)}>
              {name}
            </Button>
          ))}
        </span>
        <small>
          {counted(event.bytes, "byte")}
          {event.masked && ", secrets masked"}
        </small>
        <span class="space" />
        {text.value !== null && text.value !== "" && <CopyButton text={text.value} />}
        <Button onPress={() => saveBody(event)}>Save</Button>
      </h3>
      <Content event={event} curl={text.value} />
    </section>
  );
}

function Content({ event, curl }: { readonly event: EventDetails; readonly curl: string | null }) {
  const { n, headers, bytes, pretty, fields, raw, issues } = event;
  if (tab.value === "Headers") return <Pairs of={headers} />;
  if (tab.value === "curl") return <Lines key={`${n} curl`} text={curl ?? ""} />;
  if (bytes === 0) return <p class="faint">The body is empty.</p>;
  if (tab.value === "Body" && pretty !== null)
    return <Lines key={`${n} pretty`} text={pretty} issues={issues} isJson={true} />;
  if (tab.value === "Body" && fields !== null)
    return <Pairs of={fields.map(({ name, value }) => [name, value] as const)} />;
  if (raw === null) return <p>The body is not text. Save it to look at its bytes.</p>;
  return <Lines key={`${n} raw`} text={raw} />;
}

/** Marks a text wherever the details show it, without a change to the page's elements. */
function highlight(text: string): void {
  if (!("highlights" in CSS)) return;
  const ranges: Range[] = [];
  const root = document.getElementById("details");
  const walker = root && document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (text !== "" && walker?.nextNode()) {
    const { currentNode: node } = walker;
    const value = node.nodeValue ?? "";
    for (let at = value.indexOf(text); at !== -1; at = value.indexOf(text, at + text.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("search", new Highlight(...ranges));
}

interface LinesProps {
  readonly text: string;
  readonly issues?: readonly Issue[];
  readonly isJson?: boolean;
}

export function Lines({ text, issues = [], isJson = false }: LinesProps) {
  const all = useSignal(false);
  const lines = text.split("\n");
  const isCut = !all.value && (lines.length > MAX_LINES || lines.some(({ length }) => length > MAX_LINE_LENGTH));
  const shown = isCut ? lines.slice(0, MAX_LINES) : lines;
  const beyond = issues.filter(({ line }) => line === null || line > shown.length);
  const blocks = Array.from({ length: Math.ceil(shown.length / BLOCK_LINES) }, (_, index) => index * BLOCK_LINES);
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
            {shown.slice(from, from + BLOCK_LINES).map((text, index) =>
              line({
                number: from + index + 1,
                text: isCut ? text.slice(0, MAX_LINE_LENGTH) : text,
                rest: isCut ? Math.max(0, text.length - MAX_LINE_LENGTH) : 0,
                issues: issues.filter((issue) => issue.line === from + index + 1),
                isJson,
              }),
            )}
          </div>
        ))}
      </div>
      {isCut && (
        <Button onPress={set(all, true)}>
          Show all: {counted(lines.length, "line")}, {counted(text.length, "character")}
        </Button>
      )}
    </div>
  );
}

interface LineProps {
  readonly number: number;
  readonly text: string;
  /** Characters that are cut off. */
  readonly rest: number;
  readonly issues: readonly Issue[];
  readonly isJson: boolean;
}

/** A body may have very many lines: no component and no element more than is needed. */
function line({ number, text, rest, issues, isJson }: LineProps): ComponentChildren {
  return [
    <div key={number} class={issues.length > 0 ? "line wrong" : "line"} data-number={number}>
      {text.length > MAX_LINE_LENGTH ? pieces(text) : isJson ? jsonLine(text) : visible(text)}
      {rest > 0 && <span class="cut">… {counted(rest, "more character")}</span>}
    </div>,
    issues.map((issue) => (
      <p class="issue" key={issue.text}>
        <span class="sign">✗</span> {visible(issue.text)}
      </p>
    )),
  ];
}

/** Browsers take seconds to break a line of a megabyte, but break many short ones only where they are seen. */
function pieces(text: string): ComponentChildren {
  // By code points: half a surrogate pair would be shown as a wrong character.
  return (text.match(/.{1,4000}/gsu) ?? []).map((piece, index) => (
    <span class="piece" key={index}>
      {visible(piece, MAX_PIECE_BOXES)}
    </span>
  ));
}

/** A line of indented JSON: perhaps a name, and perhaps a value. */
function jsonLine(text: string): ComponentChildren {
  const [, indent = "", name, colon = "", value = ""] = /^(\s*)(?:("(?:[^"\\]|\\.)*")(:\s*))?(.*)$/su.exec(text) ?? [];
  const [, literal, comma] = /^([-\dtfn][^,]*)(,?)$/.exec(value) ?? [];
  return [
    indent,
    name !== undefined && <span class="name">{visible(name)}</span>,
    colon,
    literal === undefined ? visible(value) : [<span class="literal">{literal}</span>, comma],
  ];
}
