import type { Condition } from "./filter.ts";

/** The bytes that a text can stand as in a body: as it is, with JSON's escapes, percent-encoded as in a form. */
export function searchForms(text: string): readonly Buffer[] {
  const quoted = JSON.stringify(text).slice(1, -1);
  const ascii = quoted.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const upper = ascii.replace(/\\u[0-9a-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`);
  const slashes = quoted.replaceAll("/", "\\/");
  const percent = percentEncoded(text);
  const forms = [text, quoted, ascii, upper, slashes, ...percent];
  return [...new Set(forms)].filter((form) => form !== "").map((form) => Buffer.from(form, "utf8"));
}

function percentEncoded(text: string): readonly string[] {
  try {
    const encoded = encodeURIComponent(text);
    const form = new URLSearchParams({ "": text }).toString().slice(1);
    return [encoded, form, encoded.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())];
  } catch {
    // A lone surrogate has no bytes, so no body can hold it in this form.
    return [];
  }
}

/** True of a column of bytes that holds one of the forms. Comparing bytes loses no digit and stops at no zero byte. */
export function anyContains(column: string, forms: readonly Buffer[]): Condition {
  if (forms.length === 0) return { sql: "1", values: [] };
  return { sql: `(${forms.map(() => `instr(${column}, ?) > 0`).join(" OR ")})`, values: forms };
}
