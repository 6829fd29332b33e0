import { isSecretIn } from "../delivery/mask.ts";
import type { Payload } from "../delivery/payload.ts";
import { eventNames } from "../model/event-names.ts";
import { acceptsMethod, type Format, type Product } from "../model/product.ts";
import { pathText } from "../model/schema.ts";
import { oneLine } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { canAllowUnsigned, unsignedCustomFormat } from "./unsigned.ts";

/** For a body with the right name in the wrong envelope. */
export function otherEnvelope(product: Product, name: string | undefined): string | undefined {
  const format = name === undefined ? undefined : product.formats.find((each) => eventNames(each).includes(name));
  if (format === undefined) return undefined;
  return `${name} has a different envelope; to see it: \`zoho-hooks send ${product.id} ${name} --format ${format.id} --dry-run\``;
}

interface LookAlike {
  readonly product: Product;
  readonly format: Format;
  readonly name: string | undefined;
}

export function otherProductHint({ product, name }: LookAlike): string {
  return `this looks like ${product.id} ${oneLine(name ?? "")}, which should be posted to the URL of ${product.id}`;
}

export function otherFormatHint({ product, format, name }: LookAlike): string {
  return `this looks like ${product.id} ${oneLine(name ?? "")} in the format ${format.id}`;
}

/** For an unsigned body that may be custom, which is never signed. */
export function customHint(product: Product, method: string): string | undefined {
  const { id, title } = product;
  const custom = unsignedCustomFormat(product);
  if (custom === undefined || !canAllowUnsigned(product) || !acceptsMethod(custom, method)) return undefined;
  return `${title} never signs webhooks with a custom body; to accept them: --allow-unsigned ${id} (for verify: --format ${custom.id})`;
}

/** For a complete body without the header that names its event. */
export function headerHint({ formats: [format, ...others] }: Product): string | undefined {
  const [header] = format?.sender?.mark?.("event")?.headers?.[0] ?? [];
  return header === undefined || others.length > 0
    ? undefined
    : `the header ${header}, which names the event, is missing`;
}

/** `${!Leads.Email}` of CRM, `${Lead Name}`. */
const MERGE_FIELD = /\$\{!?[\p{L}_][^{}"]{0,100}\}/u;

/** Hint at merge fields that Zoho did not replace. The values of `secretFields` are not shown. */
export function mergeFieldHint({ text, data }: Payload, secretFields: readonly string[]): string | undefined {
  // A quick exit for nearly all JSON.
  if (text?.includes("${") === false) return undefined;
  const path: (string | number)[] = [];
  let first: string | undefined;
  let others = 0;
  const search = (value: unknown): void => {
    if (typeof value === "string") {
      const [field] = MERGE_FIELD.exec(value) ?? [];
      if (field === undefined) return;
      if (first === undefined) first = unfilled(path, field, secretFields);
      else others++;
    } else if (typeof value === "object" && value !== null) {
      const isList = Array.isArray(value);
      for (const [key, each] of Object.entries(value)) {
        path.push(isList ? Number(key) : key);
        search(each);
        path.pop();
      }
    }
  };
  search(data);
  if (first === undefined) return undefined;
  const more = others === 0 ? "" : ` (and ${counted(others, "other field")} like it)`;
  return `${first}${more}: the field or module does not exist, or the record has no value for it`;
}

function unfilled(path: readonly (string | number)[], field: string, secretFields: readonly string[]): string {
  const place = path.length === 0 ? "the body" : oneLine(pathText(path));
  const isSecret = path.map(String).some(isSecretIn(secretFields));
  return `${place} has an unfilled merge field${isSecret ? "" : `, ${oneLine(field)}`}`;
}
