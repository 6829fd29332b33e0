import fc from "fast-check";

/** A change of a text or of its JSON. Positions are counted from the start, modulo the length. */
export type Edit =
  | readonly ["cut", at: number, length: number]
  | readonly ["insert", at: number, text: string]
  | readonly ["byte", at: number, value: number]
  | readonly ["repeat", at: number, length: number, times: number]
  | readonly ["value", node: number, value: unknown]
  | readonly ["key", node: number, name: string]
  | readonly ["drop", node: number]
  | readonly ["nest", node: number, depth: number];

const HOSTILE = [
  "",
  " ",
  "__proto__",
  "constructor",
  "toString",
  "\u001b[31m\u0007",
  "\u009b31m\u202e\u2066",
  "\u0000",
  "\ud800",
  "9007199254740993",
  "-1",
  "1e999",
  "NaN",
  "0x10",
  "%ff%zz=%&",
  "../../x",
  "/dev/null",
  "/dev/full",
  "a\r\nx: y",
  "$(x)`x`",
  "(a+)+$",
  "'\"\\",
  "<Module>",
  "{{x}}",
  "*",
  "@",
  "=",
  "--",
  "2025-13-45T99:99:99Z",
  "+275761-01-01T00:00:00Z",
  "http://[::1",
  "https://user:pass@127.0.0.1:1/?a=b#c",
  "data:text/javascript,1",
  "file:///dev/null",
  '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--',
  "é渡🦊",
] as const;

/** What breaks parsers, terminals and names, and random characters. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("a", "[", "é", "\u001b", "=", "&"), fc.nat(3000))
      .map(([text, n]) => text.repeat(n)),
  },
);

const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -0, -1, 1.5, 1e21, 9e15, Number.MAX_VALUE, "", [], {}, [[]], [null]),
  fc.constantFrom<unknown>(
    JSON.parse('{"__proto__":{"polluted":1}}'),
    { constructor: { prototype: { polluted: 1 } } },
    { toString: 1 },
  ),
  hostileText,
  fc.jsonValue({ maxDepth: 2 }),
);

const at = fc.nat(65_535);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.constant("cut" as const), at, fc.oneof(fc.nat(20), fc.nat(5000))),
  fc.tuple(fc.constant("insert" as const), at, hostileText),
  fc.tuple(fc.constant("byte" as const), at, fc.nat(255)),
  fc.tuple(fc.constant("repeat" as const), at, fc.nat(60), fc.oneof(fc.nat(5), fc.nat(300))),
  { weight: 4, arbitrary: fc.tuple(fc.constant("value" as const), at, hostileJson) },
  fc.tuple(fc.constant("key" as const), at, hostileText),
  fc.tuple(fc.constant("drop" as const), at),
  fc.tuple(fc.constant("nest" as const), at, fc.oneof(fc.nat(5), fc.nat(4000))),
);

/** Mostly few: what is changed everywhere is refused at once. */
export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(edit, { maxLength: 4 });

export function edited(bytes: Buffer, changes: readonly Edit[]): Buffer {
  return changes.reduce(editedOnce, bytes);
}

function editedOnce(bytes: Buffer, change: Edit): Buffer {
  const [kind, where] = change;
  const from = where % (bytes.length + 1);
  const split = (end: number, ...middle: readonly Buffer[]): Buffer =>
    Buffer.concat([bytes.subarray(0, from), ...middle, bytes.subarray(end)]);
  switch (kind) {
    case "cut":
      return split(from + change[2]);
    case "insert":
      return split(from, Buffer.from(change[2]));
    case "byte":
      return split(from + 1, Buffer.from([change[2]]));
    case "repeat":
      return split(from, ...Array<Buffer>(change[3]).fill(bytes.subarray(from, from + change[2])));
    default:
      return Buffer.from(editedJson(bytes.toString("utf8"), change));
  }
}

const NESTED = "the nested value";

/** The text unchanged where it is not JSON. */
function editedJson(
  text: string,
  change: Exclude<Edit, readonly ["cut" | "insert" | "byte" | "repeat", ...unknown[]]>,
): string {
  const root: Record<string, unknown> = { body: parsed(text) };
  if (root.body === undefined) return text;
  const all = members(root);
  const [owner, key] = all[change[1] % all.length] ?? [root, "body"];
  const old = owner[key];
  if (change[0] === "value") owner[key] = change[2];
  if (change[0] === "nest") owner[key] = NESTED;
  if (change[0] === "drop") delete owner[key];
  // Elements of an array have no name to change.
  if (change[0] === "key" && !Array.isArray(owner)) {
    delete owner[key];
    Object.defineProperty(owner, change[2], { value: old, enumerable: true, configurable: true, writable: true });
  }
  const written = serialised(root.body);
  if (written === undefined) return text;
  if (change[0] !== "nest") return written;
  return written.replace(
    JSON.stringify(NESTED),
    () => "[".repeat(change[2]) + (serialised(old) ?? "") + "]".repeat(change[2]),
  );
}

/** Undefined for a value that is nested too deep. */
function serialised(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each value with its owner, outer ones first; not deeper than a call stack. */
function members(root: object): readonly (readonly [Record<string, unknown>, string])[] {
  const found: (readonly [Record<string, unknown>, string])[] = [];
  const queue = [root];
  for (let owner = queue.shift(); owner !== undefined && found.length < 2000; owner = queue.shift()) {
    for (const [key, value] of Object.entries(owner).slice(0, 2000)) {
      found.push([owner as Record<string, unknown>, key]);
      if (typeof value === "object" && value !== null) queue.push(value);
    }
  }
  return found;
}
