import type { JsonLine } from "./text.ts";

type Words<List extends string> = List extends `${infer First} ${infer Rest}` ? First | Words<Rest> : List;
type Name<Word extends string> = Word extends `...${infer Rest}` ? Name<Rest> : Before<":", Before<"?", Word>>;
type Before<Mark extends string, Word extends string> = Word extends `${infer Start}${Mark}${string}` ? Start : Word;

type Writer = (value: never) => unknown;

/**
 * A function that writes an object as a line of `--json`, with the members of a list in its order:
 * `"n at latencyMs hint? keySetUrl:jwks_url ...total"`. Their names become snake_case unless another one follows. An undefined
 * member is null, or left out if its name ends with `?`; of one with dots the members are written. Keys within a value stay as
 * they are, since they may be a user's or Zoho's: `writers` are for values with names of ours.
 */
export function lineOf<const List extends string>(list: List, writers: Readonly<Record<string, Writer>> = {}) {
  // A command writes few of the lines that there are.
  let members: readonly Member[] | undefined;
  return (from: { readonly [Member in Name<Words<List>>]: unknown }): JsonLine => {
    members ??= membersOf(list, writers);
    const line: Record<string, unknown> = {};
    for (const { name, key, isSpread, isOptional, write } of members) {
      const given = from[name as keyof typeof from];
      const value = write === undefined || given === undefined ? given : write(given as never);
      if (value === undefined) {
        if (!isOptional) line[key] = null;
      } else if (isSpread) Object.assign(line, value);
      // As `JSON.stringify` would, which takes longer.
      else line[key] = value instanceof Date ? value.toJSON() : value;
    }
    return line;
  };
}

interface Member {
  readonly name: string;
  readonly key: string;
  readonly isSpread: boolean;
  readonly isOptional: boolean;
  readonly write: Writer | undefined;
}

function membersOf(list: string, writers: Readonly<Record<string, Writer>>): readonly Member[] {
  return list.split(" ").map((word) => {
    const [, dots, name = "", key = snakeCase(name), mark] = /^(\.{3})?(\w+)(?::(\w+))?(\?)?$/.exec(word) ?? [];
    const write = writers[name] ?? WRITERS[name];
    return { name, key, isSpread: dots !== undefined, isOptional: mark !== undefined, write };
  });
}

/** `latencyMs` is `latency_ms`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `not-deleted` is `not_deleted`. */
export function withoutDashes(word: string): string {
  return word.replaceAll("-", "_");
}

/** A duration as it was measured, without digits that say nothing. */
export function rounded(ms: number): number {
  return Number(ms.toFixed(2));
}

const WRITERS: Readonly<Record<string, Writer>> = { latencyMs: rounded, state: withoutDashes };
