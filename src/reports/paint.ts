import type { Output } from "../output.ts";
import type { Runtime } from "../runtime.ts";

/** Colours by meaning, decided per stream. No meaning is ever carried by colour alone. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  caution(text: string): string;
  dim(text: string): string;
  strong(text: string): string;
  name(text: string): string;
  /** True where a person watches: animation and width may be used. */
  readonly live: boolean;
}

/** Loads chalk only where there is colour. */
export async function paintFor(output: Output, runtime: Runtime, color: boolean): Promise<Paint> {
  const live = output.isTTY && runtime.env.TERM !== "dumb";
  if (!hasColor(output, runtime.env, color)) {
    return { good: asItIs, bad: asItIs, caution: asItIs, dim: asItIs, strong: asItIs, name: asItIs, live };
  }
  const { Chalk } = await import("chalk");
  const { green, red, yellow, dim, bold, cyan } = new Chalk({ level: 1 });
  return { good: green, bad: red, caution: yellow, dim, strong: bold, name: cyan, live };
}

function asItIs(text: string): string {
  return text;
}

/** no-color.org: NO_COLOR wins when it is not empty; FORCE_COLOR turns colour on where there is no terminal. */
function hasColor(output: Output, env: Runtime["env"], wanted: boolean): boolean {
  if (!wanted || env.NO_COLOR) return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return output.isTTY && env.TERM !== "dumb";
}

/**
 * Text of a stranger's (payloads, headers, replies) without what a terminal would obey: escape sequences and control
 * characters, bidirectional overrides included. Line ends and tabs stay where `multiline` is asked for.
 */
export function plain(text: string, multiline = false): string {
  const layout = text.replace(/\r\n?/g, "\n");
  const kept = multiline ? layout : layout.replace(/[\n\t]/g, " ");
  return kept.replace(UNPRINTABLE, "");
}

/** The same for a line of a list: names may be as long as a body. */
export function clipped(text: string): string {
  return plain(text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text);
}

const LONGEST_NAME = 300;
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export interface Style {
  /** Paint for stdout and for stderr: one may be a terminal and the other a file. */
  readonly out: Paint;
  readonly err: Paint;
  /** Of stdout; endless where it is no terminal. */
  readonly columns: number;
  /** Of stderr. */
  readonly errColumns: number;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

/** What a report looks like: `out` is data, `err` everything else. Both end with a newline where they are not empty. */
export interface Rendered {
  readonly out?: string;
  readonly err?: string;
}

export interface Mode {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}
