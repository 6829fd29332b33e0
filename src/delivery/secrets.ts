import { isUtf8 } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import type { Delivery } from "./delivery.ts";
import { rewriteBody } from "./rewrite-body.ts";

/** A shorter value would mask ordinary text. */
export const MIN_SECRET_LENGTH = 8;
/** Mark at the place where a text was cut. */
const ELLIPSIS = "…";

/**
 * The values of secrets that this process has read, to mask them where text leaves it: an app may repeat them anywhere in an answer
 * or body. Found as they are, escaped for JSON and percent-encoded; not in base64 or a hash.
 */
export class KnownSecrets {
  readonly #values = new Set<string>();
  /** Each as it is and, where that differs, escaped for JSON: to find the start of one at the end of a text. */
  readonly #forms: string[] = [];
  /** A part of each that looks the same in all forms: searching for these is several times faster than for the pattern. */
  #parts: readonly string[] = [];
  #pattern = /(?!)/g;
  /** Some could be a number of JSON, where the mask needs quotes. */
  #hasDigits = false;

  /** A value of several lines, such as a private key, is known by its lines. */
  remember(...values: readonly (string | undefined)[]): void {
    for (const value of values) {
      // Called for each delivery.
      if (value === undefined || this.#values.has(value)) continue;
      const lineEnd = value.startsWith("-----BEGIN ") ? /\r?\n|\\n/ : /\r?\n/;
      for (const line of value.split(lineEnd)) this.#add(line.trim());
    }
  }

  #add(value: string): void {
    if (value.length < MIN_SECRET_LENGTH || value.startsWith("-----") || this.#values.has(value)) return;
    this.#values.add(value);
    this.#forms.push(...new Set([value, JSON.stringify(value).slice(1, -1)]));
    this.#hasDigits ||= /^[-+.\deE]+$/.test(value);
    // The longest first: one may begin as another one.
    const longestFirst = [...this.#values].sort((a, b) => b.length - a.length);
    this.#parts = longestFirst.map(longestWord);
    this.#pattern = new RegExp(longestFirst.map(patternOf).join("|"), "g");
  }

  /** Also masks the start of a value where the text was cut with an ellipsis. */
  mask(text: string): string {
    if (this.#values.size === 0) return text;
    const masked = this.#replace(text);
    if (!masked.includes(ELLIPSIS)) return masked;
    const parts = masked.split(ELLIPSIS);
    return parts.map((part, i) => (i < parts.length - 1 ? this.#maskEnd(part) : part)).join(ELLIPSIS);
  }

  /** Masks a text that may have been cut anywhere. */
  maskCut(text: string): string {
    return this.#maskEnd(this.mask(text));
  }

  /** Masks lines of JSON, which stay JSON. */
  maskJson(lines: string): string {
    const masked = this.mask(lines);
    if (masked === lines || !this.#hasDigits) return masked;
    const quoted = lines.split("\n").map((line) => this.#maskNumbers(Buffer.from(line)).toString());
    return this.mask(quoted.join("\n"));
  }

  /** Masks all texts within a value of JSON, and the numbers that are a secret. */
  maskValue<Value>(value: Value): Value {
    return this.#values.size === 0 ? value : (this.#maskWithin(value) as Value);
  }

  #maskWithin(value: unknown): unknown {
    if (typeof value === "string") return this.mask(value);
    if (typeof value === "number")
      return this.#hasDigits && this.#replace(String(value)) !== String(value) ? MASK : value;
    if (Array.isArray(value)) return value.map((each) => this.#maskWithin(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [this.mask(name), this.#maskWithin(each)]));
  }

  maskDelivery(delivery: Delivery): Delivery {
    if (this.#parts.length === 0) return delivery;
    const { url, headers } = delivery;
    const isPlain = !this.#mayBeIn(`${url} ${headers.join(" ")}`);
    const mask = (text: string): string => this.#replace(text);
    const maskBody = (): Buffer => this.maskBody(delivery.body);
    let body: Buffer | undefined;
    return {
      method: delivery.method,
      url: isPlain ? url : mask(url),
      headers: isPlain ? headers : headers.map(([name, value]) => [name, mask(value)]),
      get body() {
        body ??= maskBody();
        return body;
      },
    };
  }

  /** Returns the same bytes where there is nothing to mask. */
  maskBody(body: Buffer): Buffer {
    // Latin-1, in which every byte is a character: nothing is decoded for the search.
    if (this.#parts.length === 0 || !this.#mayBeIn(body.toString("latin1"))) return body;
    const masked = this.#maskBytes(body);
    return masked === body || !this.#hasDigits ? masked : this.#maskBytes(this.#maskNumbers(body));
  }

  #mayBeIn(text: string): boolean {
    return this.#parts.some((part) => text.includes(part));
  }

  #replace(text: string): string {
    return this.#mayBeIn(text) ? text.replace(this.#pattern, MASK) : text;
  }

  #maskBytes(body: Buffer): Buffer {
    // Latin-1 preserves bytes that are not UTF-8.
    const encoding = isUtf8(body) ? "utf8" : "latin1";
    const text = body.toString(encoding);
    const masked = this.#replace(text);
    return masked === text ? body : Buffer.from(masked, encoding);
  }

  #maskNumbers(json: Buffer): Buffer {
    return rewriteBody(json, "application/json", ({ kind, text }) =>
      kind === "number" && this.#replace(text) !== text ? MASK : undefined,
    );
  }

  /** Masks the start of a value at the end of a text. */
  #maskEnd(text: string): string {
    const end = text.trimEnd();
    for (const form of this.#forms) {
      const at = end.lastIndexOf(form.slice(0, MIN_SECRET_LENGTH));
      if (at !== -1 && form.startsWith(end.slice(at))) return end.slice(0, at) + MASK + text.slice(end.length);
    }
    return text;
  }
}

function longestWord(value: string): string {
  return value.split(/\W+/).reduce((longest, word) => (word.length > longest.length ? word : longest));
}

/** Matches a value in all its forms. Letters and digits are the same in each. */
function patternOf(value: string): string {
  return Array.from(value, (char) => (/\w/.test(char) ? char : `(?:${formsOf(char).join("|")})`)).join("");
}

/** Patterns for a character as it is, and as JSON, JSON within JSON or a URL may write it. */
function formsOf(char: string): readonly string[] {
  const percent = Array.from(Buffer.from(char), (byte) => `%${anyCase(byte.toString(16).padStart(2, "0"))}`).join("");
  const units = Array.from({ length: char.length }, (_, i) => char.charCodeAt(i).toString(16).padStart(4, "0"));
  const json = JSON.stringify(char).slice(1, -1);
  return [
    // Each JSON doubles it: half of a pair that is left would escape the quote behind the value.
    ...(char === "\\" ? ["\\\\{8}", "\\\\{4}", "\\\\{2}"] : []),
    literal(char),
    percent,
    units.map((unit) => `\\\\{1,4}u${anyCase(unit)}`).join(""),
    // PHP writes `\/`.
    ...((json.startsWith("\\") && char !== "\\") || char === "/" ? [`\\\\{1,4}${literal(json.slice(-1))}`] : []),
    ...(char === " " ? ["\\+"] : []),
  ];
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function anyCase(hex: string): string {
  return hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

/** Replaces a secret where text is shown. */
export const MASK = "[masked]";

/** A configured secret. The value is behind a function, so that no report, error or `JSON.stringify` prints it by accident. */
export interface Secret {
  /** The variable or file that it was read from, which may be shown. */
  readonly origin: string;
  /** A delivery without it does not fail. */
  readonly optional?: boolean;
  /** Set for every product that signs with such a secret, not for one of them. */
  readonly shared?: boolean;
  /** Whether this body must carry it all the same: it names the channel of the token. */
  readonly requiredBy?: (data: unknown) => boolean;
  reveal(): string;
}

export function secret(value: string, origin: string): Secret {
  return { origin, reveal: () => value };
}

/** Whether no character is visible: of a variable without a value, or a pasted zero-width space. Anybody can sign with it. */
export function isBlank(value: string): boolean {
  return !/[^\s\u200B-\u200D\u2060\uFEFF]/.test(value);
}

export interface Secrets {
  /** The secrets that a proof may use for a product. */
  for(credential: Credential, product: string): readonly Secret[];
  /** Every configured secret, to explain a failure. */
  all(): readonly Secret[];
}

/** The kinds of secrets, each with an environment variable. */
export type Credential = "secret" | "token" | "auth" | "hookSecret" | "publicKey" | "privateKey" | "jwks";

/** The environment variable of each credential; with `_CRM` appended, that of one product. */
export const CREDENTIAL_VARIABLES: Readonly<Record<Credential, string>> = {
  secret: "ZOHO_WEBHOOK_SECRET",
  token: "ZOHO_WEBHOOK_TOKEN",
  auth: "ZOHO_WEBHOOK_AUTH",
  hookSecret: "ZOHO_WEBHOOK_HOOK_SECRET",
  publicKey: "ZOHO_WEBHOOK_PUBLIC_KEY",
  privateKey: "ZOHO_WEBHOOK_PRIVATE_KEY",
  jwks: "ZOHO_WEBHOOK_JWKS",
};

export const noSecrets: Secrets = { for: () => [], all: () => [] };

/** Compares in constant time; different lengths are unequal rather than an error. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export function sameText(a: string, b: string): boolean {
  return sameBytes(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
