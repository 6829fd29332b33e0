import { createHmac } from "node:crypto";
import { rewriteBody } from "./rewrite-body.ts";
import type { BodyValue } from "./rewrite-text.ts";

/**
 * Linear for a long text without `@`: a match starts only at a word boundary, and each part is bounded, generously by
 * https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.
 */
const EMAIL = /(?<![\p{L}\p{N}._%+'-])[\p{L}\p{N}._%+'-]{1,320}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,20}/gu;
/** Zoho's record ids have 15 to 19 digits; a time in milliseconds has 13. */
const LONG_ID = /(?<!\d)\d{15}\d*(?!\d)/g;
const ID_NAME = /(^|_)ids?$/;
const PHONE_NAME = /phone|mobile|fax|whatsapp|(^|_)(tel|cell)(_|$)/;
const ADDRESS_NAME = /(^|_)(street|address|zip|zip_?code|postal_?code|post_?code|latitude|longitude)\d?(_|$)/;
const PERSON_NAME =
  /^(first|last|middle|full|nick|display|sur|given|family|contact|customer|account|lead|company|owner|user|person|candidate|vendor|client|sender|requester|assignee|agent|employee|deal|organi[sz]ation)_?name$|^(company|organi[sz]ation|salutation_name)$/;
/** Members whose `name` belongs to Zoho or the configuration, not to a person. */
const THING =
  /layout|module|field|event|form|hook|stage|status|territory|pipeline|product|item|plan|currency|department|profile|role|view|workflow|rule|channel|format|tag|source|type/;

/**
 * Replaces the names, e-mail addresses, phone numbers, postal addresses and ids of a body. Equal values get equal
 * replacements, ids have the same length, numbers stay numbers, and another seed gives other digits. In free text only
 * e-mail addresses, ids and the names found elsewhere in the body are replaced, so a fixture should be read before it is shared.
 */
export function redactPersonal(body: Buffer, contentType: string, seed: string): Buffer {
  const replacements = new Map<string, string>();
  const counts = new Map<string, number>();
  const replacement = (kind: string, value: string, make: (count: number) => string): string => {
    const key = `${kind} ${value.toLowerCase()}`;
    const known = replacements.get(key);
    if (known !== undefined) return known;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const made = make(count);
    replacements.set(key, made);
    return made;
  };
  const email = (value: string): string => replacement("email", value, (count) => `person${count}@example.com`);
  const digits = (value: string): string => scrambleDigits(value, seed);
  const named = new Map<string, string>();

  const replaceNamed = ({ path, text, kind }: BodyValue): string | undefined => {
    const name = snake(path.at(-1) ?? "");
    if (kind === "key") return text.replace(LONG_ID, digits);
    if (/^\d+$/.test(text) && (text.length >= 15 || (ID_NAME.test(name) && text.length >= 5))) return digits(text);
    if (PHONE_NAME.test(name)) return digits(text);
    if (kind === "number") return ADDRESS_NAME.test(name) ? digits(text) : undefined;
    const replaced = text.replace(EMAIL, email).replace(LONG_ID, digits);
    if (replaced !== text || text.trim() === "") return replaced;
    if (ADDRESS_NAME.test(name)) return replacement("address", text, (count) => `Address ${count}`);
    if (!isPersonName(name, snake(path.at(-2) ?? ""))) return undefined;
    const by = replacement("name", text, (count) => `Name ${count}`);
    named.set(text, by);
    return by;
  };
  const first = rewriteBody(body, contentType, unchangedIsUndefined(replaceNamed));
  const known = [...named].filter(([name]) => name.length >= 3).sort(([a], [b]) => b.length - a.length);
  if (known.length === 0) return first;
  const words = known.map(([name]) => name.replace(/[\\^$.*+?()|[\]{}]/g, "\\$&")).join("|");
  const anywhere = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words})(?![\\p{L}\\p{N}])`, "gu");
  const replaceAnywhere = ({ text, kind, path }: BodyValue): string | undefined =>
    kind !== "text" || THING.test(snake(path.at(-1) ?? ""))
      ? undefined
      : text.replace(anywhere, (name) => named.get(name) ?? name);
  return rewriteBody(first, contentType, unchangedIsUndefined(replaceAnywhere));
}

function unchangedIsUndefined(edit: (value: BodyValue) => string | undefined) {
  return (value: BodyValue): string | undefined => {
    const edited = edit(value);
    return edited === value.text ? undefined : edited;
  };
}

function isPersonName(name: string, parent: string): boolean {
  return PERSON_NAME.test(name) || (name === "name" && !THING.test(parent));
}

/** `first_name` for `firstName` and `First_Name`. */
function snake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[\s-]+/g, "_")
    .toLowerCase();
}

/** Other digits in the same places. The first is never zero, so that a number has the same length. */
function scrambleDigits(text: string, seed: string): string {
  const bytes = createHmac("sha512", seed).update(text.replace(/\D/g, "")).digest();
  let at = 0;
  return text.replace(/\d/g, () => {
    const byte = bytes[at % bytes.length] ?? 0;
    return String(at++ === 0 ? 1 + (byte % 9) : byte % 10);
  });
}
