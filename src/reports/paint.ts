import { isQueue } from "../delivery/target.ts";
import type { Output } from "../process/output.ts";
import type { Runtime } from "../process/runtime.ts";
import { plain } from "../util/text.ts";

/** The common flags that concern output. */
export interface Mode {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  readonly showSecrets?: boolean;
}

export interface Style {
  /** One of stdout and stderr may be a terminal and the other a file. */
  readonly out: Paint;
  readonly err: Paint;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

/** A report as text: `out` is data, `err` everything else. Both end with a newline unless they are empty. */
export interface Rendered {
  readonly out?: string;
  readonly err?: string;
}

/** Colours by meaning. No meaning is ever carried by colour alone. */
const COLORS = { good: "green", bad: "red", caution: "yellow", dim: "dim", strong: "bold", name: "cyan" } as const;

export type Tone = keyof typeof COLORS;
type Painter = (text: string) => string;

/** The colours of a stream. */
export interface Paint extends Readonly<Record<Tone, Painter>> {
  /**
   * Removes control characters but line ends, tabs and these colours from a rendered text: a renderer may have missed some
   * of a log's or project's values.
   */
  readonly clean: Painter;
  /** The stream is a terminal, so animation makes sense. */
  readonly live: boolean;
  /** The width of the terminal; infinite where there is none. */
  readonly columns: number;
}

function tones(painter: (color: (typeof COLORS)[Tone]) => Painter): Readonly<Record<Tone, Painter>> {
  return Object.fromEntries(Object.entries(COLORS).map(([tone, color]) => [tone, painter(color)])) as Record<
    Tone,
    Painter
  >;
}

const uncoloured = { ...tones(() => (text) => text), clean: (text: string) => plain(text, true) };
export const noPaint: Paint = { ...uncoloured, live: false, columns: Number.POSITIVE_INFINITY };

/** Loads chalk only where there is colour. */
export async function paintFor(output: Output, runtime: Runtime, color: boolean): Promise<Paint> {
  const stream = {
    live: output.isTTY && runtime.env.TERM !== "dumb",
    // A window may be resized. A terminal that does not know its size says 0.
    get columns() {
      return output.columns || Number.POSITIVE_INFINITY;
    },
  };
  if (!hasColor(output, runtime.env, color)) return Object.assign(stream, uncoloured);
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  return Object.assign(
    stream,
    tones((name) => chalk[name]),
    { clean: cleanBetweenColors },
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what chalk writes for the colours above
const COLOR = /(\u001b\[(?:1|2|22|3[12369])m)/;

function cleanBetweenColors(text: string): string {
  const pieces = text.split(COLOR);
  return pieces.map((each, i) => (i % 2 === 1 ? each : plain(each, true))).join("");
}

/** no-color.org: NO_COLOR wins when it is not empty; FORCE_COLOR turns colour on where there is no terminal. */
function hasColor(output: Output, env: Runtime["env"], wanted: boolean): boolean {
  if (!wanted || env.NO_COLOR) return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return output.isTTY && env.TERM !== "dumb";
}

const MAX_NAME_LENGTH = 300;

/** Shortens text for a line of a list: a name may be as long as a body. */
export function clipped(text: string): string {
  return plain(text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " " };

/** The status of an answer. A queue has none: 200 stands for a job that it has taken. */
export function statusText(target: string, status: number | null | undefined): string | undefined {
  return typeof status === "number" && isQueue(target) ? "queued" : status?.toString();
}

/** An app's answer for a person: the text of an HTML error page, anything else as it is. */
export function answerText(reply: string): string {
  if (!/^\s*<(?:!doctype\s+html|html|head|body|h\d|pre|p|div)\b/i.test(reply)) return plain(reply);
  const title = /<title\b[^>]*>([^<]*)/i.exec(reply)?.[1] ?? "";
  // The reply may be cut off anywhere.
  const body = reply.replace(/<(head|script|style)\b[^>]*>[\s\S]*?(?:<\/\1\s*>|$)/gi, " ");
  const [text = ""] = [body, title]
    .map((html) =>
      html.replace(/<[^>]*(?:>|$)/g, " ").replace(/&(#39|[a-z]+);/gi, (all, name) => ENTITIES[name] ?? all),
    )
    .map((each) => plain(each).replace(/\s+/g, " ").trim())
    .filter((each) => each !== "");
  return text === "" ? plain(reply) : text;
}
