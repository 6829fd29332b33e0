import { type Signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { type Issue, jsonLine, Lines } from "../../page-kit/page/lines.tsx";

/** The numbers of the lines whose objects and arrays are folded. */
export type Folded = Signal<ReadonlySet<number>>;
export const NONE_FOLDED: ReadonlySet<number> = new Set();

interface JsonProps {
  /** Indented, a value a line. */
  readonly text: string;
  readonly issues?: readonly Issue[];
  /** Where a button elsewhere folds as well. */
  readonly folded?: Folded;
}

/** JSON whose objects and arrays fold. */
export function Json({ text, issues = [], folded: given }: JsonProps) {
  const own = useSignal(NONE_FOLDED);
  const folded = given ?? own;
  const [lines, ends] = useMemo(() => [text.split("\n"), endsOf(text)] as const, [text]);
  const toggle = (number: number): void => {
    const others = [...folded.value].filter((each) => each !== number);
    folded.value = new Set(folded.value.has(number) ? others : [...others, number]);
  };
  const hidden = new Set<number>();
  for (const start of folded.value) for (let line = start + 1; line <= (ends.get(start) ?? 0); line++) hidden.add(line);
  const print = (line: string, number: number) => {
    if (hidden.has(number)) return null;
    const end = ends.get(number);
    if (end === undefined) return jsonLine(line);
    const isFolded = folded.value.has(number);
    return [
      <button
        key="fold"
        type="button"
        class="fold"
        tabIndex={-1}
        aria-expanded={!isFolded}
        aria-label={`Lines ${number} to ${end}`}
        onClick={() => toggle(number)}
      />,
      jsonLine(line),
      isFolded && [
        <span key="cut" class="cut">
          {" "}
          …{" "}
        </span>,
        lines[end - 1]?.trim(),
      ],
    ];
  };
  return <Lines text={text} issues={issues} print={print} />;
}

/** Folds all within the outermost object or array but what has an issue in it; or unfolds everything. */
export function foldAll(folded: Folded, text: string, issues: readonly Issue[]): void {
  const hasIssue = (start: number, end: number): boolean =>
    issues.some(({ line }) => line !== null && line > start && line <= end);
  const inner = [...endsOf(text)].filter(([start, end]) => start > 1 && !hasIssue(start, end));
  folded.value = folded.value.size > 0 ? NONE_FOLDED : new Set(inner.map(([start]) => start));
}

/** The last line of each object and array that has several, by its first line. Lines count from 1. */
export function endsOf(text: string): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  const open: number[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*[}\]]/.test(line)) ends.set(open.pop() ?? 0, index + 1);
    if (/[{[]$/.test(line)) open.push(index + 1);
  }
  return ends;
}
