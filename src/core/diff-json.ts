import { type JsonNode, scanJson } from "./json-text.ts";

/** One place in which two JSON texts are not the same. */
export interface Difference {
  readonly path: readonly (string | number)[];
  readonly change: "added" | "removed" | "changed";
  /** The value's own text, so that no digit is lost. Undefined where there is none. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * What differs between two texts that are valid JSON, in the order of the first one. Keys have no order; elements of a
 * list are compared by their place. Numbers are compared as they are written, texts by what they say.
 */
export function diffJson(before: string, after: string): readonly Difference[] {
  const found: Difference[] = [];
  const compare = (a: JsonNode, b: JsonNode, path: Difference["path"]): void => {
    const from = before.slice(a.start, a.end);
    const to = after.slice(b.start, b.end);
    if (from === to) return;
    if (a.kind !== b.kind || (a.kind !== "object" && a.kind !== "array")) {
      if (a.kind === "string" && b.kind === "string" && JSON.parse(from) === JSON.parse(to)) return;
      found.push({ path, change: "changed", before: from, after: to });
      return;
    }
    const old = members(a);
    const now = members(b);
    for (const [key, node] of old) {
      const other = now.get(key);
      if (other !== undefined) compare(node, other, [...path, key]);
      else found.push({ path: [...path, key], change: "removed", before: textOf(before, node), after: undefined });
    }
    for (const [key, node] of now) {
      if (old.has(key)) continue;
      found.push({ path: [...path, key], change: "added", before: undefined, after: textOf(after, node) });
    }
  };
  compare(scanJson(before), scanJson(after), []);
  return found;
}

/** Of duplicate keys the last one counts, as it does for JSON.parse. */
function members(node: JsonNode): ReadonlyMap<string | number, JsonNode> {
  return new Map(node.children.map(({ key, node: child }) => [key, child]));
}

function textOf(text: string, { start, end }: JsonNode): string {
  return text.slice(start, end);
}
