import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Lines, textLine } from "../../page-kit/page/lines.tsx";
import { Button, counted, Pairs } from "../../page-kit/page/parts.tsx";
import { set } from "../../page-kit/page/signals.ts";
import type { EventDetails } from "../api.ts";
import { saveBody, textOf } from "./actions.ts";
import { CopyButton } from "./copy-button.tsx";
import { endsOf, type Folded, foldAll, Json, NONE_FOLDED } from "./json.tsx";
import { filters, type Tab, tab } from "./model.ts";

const TABS: readonly Tab[] = ["Body", "Headers", "Raw", "curl"];

/** The parts of the request, one at a time. */
export function Request({ event }: { readonly event: EventDetails }) {
  const text = useSignal<string | null>(null);
  const folded = useSignal(NONE_FOLDED);
  const { pretty, issues } = event;
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
        {tab.value === "Body" && pretty !== null && endsOf(pretty).size > 1 && (
          <FoldButton isFolded={folded.value.size > 0} onPress={() => foldAll(folded, pretty, issues)} />
        )}
        {text.value !== null && text.value !== "" && <CopyButton text={text.value} />}
        <Button onPress={() => saveBody(event)}>Save</Button>
      </h3>
      <Content event={event} curl={text.value} folded={folded} />
    </section>
  );
}

/** Without its word where it is narrow. */
function FoldButton({ isFolded, onPress }: { readonly isFolded: boolean; readonly onPress: () => void }) {
  const word = isFolded ? "Unfold" : "Fold";
  return (
    <Button label={word} title={`${word} all objects and arrays`} onPress={onPress}>
      {isFolded ? "▾" : "▸"} <span class="word">{word}</span>
    </Button>
  );
}

interface ContentProps {
  readonly event: EventDetails;
  readonly curl: string | null;
  readonly folded: Folded;
}

function Content({ event, curl, folded }: ContentProps) {
  const { n, headers, bytes, pretty, fields, raw, issues } = event;
  if (tab.value === "Headers") return <Pairs of={headers} />;
  if (tab.value === "curl") return <Lines key={`${n} curl`} text={curl ?? ""} print={textLine} />;
  if (bytes === 0) return <p class="faint">The body is empty.</p>;
  if (tab.value === "Body" && pretty !== null)
    return <Json key={`${n} pretty`} text={pretty} issues={issues} folded={folded} />;
  if (tab.value === "Body" && fields !== null)
    return <Pairs of={fields.map(({ name, value }) => [name, value] as const)} />;
  if (raw === null) return <p>The body is not text. Save it to look at its bytes.</p>;
  return <Lines key={`${n} raw`} text={raw} print={textLine} />;
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
