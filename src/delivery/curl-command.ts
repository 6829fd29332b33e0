import { shellQuoted } from "../util/text.ts";
import { type Delivery, type HeaderPair, headerValue, requestTarget } from "./delivery.ts";

/** Linux accepts no argument above 128 KiB; a shell's built-in printf has no such limit. */
const MAX_ARGUMENT_BYTES = 100_000;
/** Above this size, old versions of curl send `Expect: 100-continue` first. */
const MAX_BYTES_WITHOUT_EXPECT = 1000;

/**
 * A POSIX shell command that posts the same delivery: the same bytes and headers, except those of the connection. Every
 * word is quoted, so the shell interprets nothing.
 */
export function curlCommand(delivery: Delivery, options: { readonly insecure: boolean }): string {
  const words = [
    `curl${options.insecure ? " -k" : ""} ${methodWord(delivery.method)} ${urlWord(delivery.url)}`,
    ...[...delivery.headers.filter(hasName), ...suppressedHeaders(delivery)].map(
      (header) => `-H ${headerWord(headerText(header))}`,
    ),
  ];
  if (delivery.body.length === 0 && isBodiless(delivery.method)) return words.join(" \\\n  ");
  const text = printableText(delivery.body);
  if (text !== undefined) return [...words, `--data-raw ${shellQuoted(text)}`].join(" \\\n  ");
  return `printf '${octal(delivery.body)}' | ${[...words, "--data-binary @-"].join(" \\\n  ")}`;
}

/** No server takes another one, but a log may have been edited: curl would read the file that `@name` names. */
function hasName([name]: HeaderPair): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name);
}

/** With `-X HEAD`, curl would wait for a response body. */
function methodWord(method: string): string {
  return method === "HEAD" ? "--head" : `-X ${headerWord(method)}`;
}

function isBodiless(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Headers that curl would add. Written without a value, curl leaves them out. */
function suppressedHeaders(delivery: Delivery): readonly HeaderPair[] {
  const expect = delivery.body.length > MAX_BYTES_WITHOUT_EXPECT ? ["expect"] : [];
  const names = ["accept", "user-agent", "content-type", ...expect];
  return names.filter((name) => headerValue(delivery, name) === undefined).map((name) => [`${name}:`, ""]);
}

/** To curl `name:` means "do not send this header"; an empty one is written `name;`. */
function headerText([name, value]: HeaderPair): string {
  if (value !== "") return `${name}: ${value}`;
  return name.endsWith(":") ? name : `${name};`;
}

/** Each character stands for one byte. Control characters and bytes above 126 would not survive a terminal. */
function headerWord(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? shellQuoted(text) : `"$(printf '${octal(Buffer.from(text, "latin1"))}')"`;
}

function urlWord(url: string): string {
  const address = new URL(url).origin + requestTarget(url);
  // Without -g curl expands brackets and braces.
  return /[[\]{}]/.test(address) ? `-g ${shellQuoted(address)}` : shellQuoted(address);
}

/** The body as text, if it fits into a command line and survives there. */
function printableText(body: Buffer): string | undefined {
  if (body.length > MAX_ARGUMENT_BYTES) return undefined;
  const text = body.toString("utf8");
  // \p{Cc}: control characters, which terminals and clipboards change; \p{Cf}: invisible ones; \p{Zl}, \p{Zp}: line ends.
  return Buffer.from(text).equals(body) && !/[^\P{C}\n]|[\p{Zl}\p{Zp}]/u.test(text) ? text : undefined;
}

/** A `printf` format that prints exactly these bytes. */
function octal(bytes: Buffer): string {
  let text = "";
  for (const byte of bytes) {
    const plain = /[A-Za-z0-9 !"#$&()*+,./:;<=>?@[\]^_`{|}~]/.test(String.fromCharCode(byte));
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  }
  return text;
}
