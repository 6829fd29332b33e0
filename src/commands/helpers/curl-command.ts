import { type Delivery, type HeaderPair, headerValue, requestTarget } from "../../body/delivery.ts";
import { shellQuoted } from "../../util/text.ts";

/** Linux takes no single argument of more than 128 KiB; a shell's built-in printf has no such limit. */
const LONGEST_ARGUMENT = 100_000;
/** Above this, old versions of curl first ask whether they may send (`Expect: 100-continue`). */
const EXPECT_ABOVE = 1000;

/**
 * A command for a POSIX shell that posts the same delivery: the same bytes, and the same headers but for those of the
 * connection itself. Every word is quoted, so nothing in it is interpreted.
 */
export function curlCommand(delivery: Delivery, options: { readonly insecure: boolean }): string {
  const words = [
    `curl${options.insecure ? " -k" : ""} ${methodWord(delivery.method)} ${urlWord(delivery.url)}`,
    ...[...delivery.headers, ...silenced(delivery)].map((header) => `-H ${headerWord(headerText(header))}`),
  ];
  if (delivery.body.length === 0 && isBodiless(delivery.method)) return words.join(" \\\n  ");
  const text = printable(delivery.body);
  if (text !== undefined) return [...words, `--data-raw ${shellQuoted(text)}`].join(" \\\n  ");
  return `printf '${octal(delivery.body)}' | ${[...words, "--data-binary @-"].join(" \\\n  ")}`;
}

/** Told `-X HEAD`, curl waits for the body that such an answer does not have. */
function methodWord(method: string): string {
  return method === "HEAD" ? "--head" : `-X ${shellQuoted(method)}`;
}

function isBodiless(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** What curl would add of its own accord; a header without a value takes it away. */
function silenced(delivery: Delivery): readonly HeaderPair[] {
  const names = ["accept", "user-agent", "content-type", ...(delivery.body.length > EXPECT_ABOVE ? ["expect"] : [])];
  return names.filter((name) => headerValue(delivery, name) === undefined).map((name) => [`${name}:`, ""]);
}

/** curl reads `name:` as "do not send this one"; a header that is sent empty is written `name;`. */
function headerText([name, value]: HeaderPair): string {
  if (value !== "") return `${name}: ${value}`;
  return name.endsWith(":") ? name : `${name};`;
}

/** A header's bytes, of which each character stands for one: a terminal would write others, or obey them. */
function headerWord(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? shellQuoted(text) : `"$(printf '${octal(Buffer.from(text, "latin1"))}')"`;
}

function urlWord(url: string): string {
  const sent = new URL(url).origin + requestTarget(url);
  return /[[\]{}]/.test(sent) ? `-g ${shellQuoted(sent)}` : shellQuoted(sent);
}

/** The body as text, when it can stand in a command line and be read there. */
function printable(body: Buffer): string | undefined {
  if (body.length > LONGEST_ARGUMENT) return undefined;
  const text = body.toString("utf8");
  // \p{Cc}: control characters, which terminals and clipboards change; \p{Cf}: invisible ones.
  return Buffer.from(text).equals(body) && !/[^\P{C}\n]/u.test(text) ? text : undefined;
}

/** The format of a `printf` that prints exactly these bytes. */
function octal(body: Buffer): string {
  let text = "";
  for (const byte of body) {
    const plain = /[A-Za-z0-9 !"#$&()*+,./:;<=>?@[\]^_`{|}~]/.test(String.fromCharCode(byte));
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return text;
}
