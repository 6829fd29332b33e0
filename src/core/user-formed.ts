import { z } from "zod";
import { event } from "./declare-event.ts";
import { encodeFields } from "./encode-fields.ts";
import type { Encoding, FormatSettings } from "./format-settings.ts";
import type { Format, WebhookEvent } from "./product.ts";
import { staticAuth } from "./proofs/static-auth.ts";

interface UserFormedParts<Name extends string, Id extends string> {
  readonly id: Id;
  readonly source: string;
  /** How the product writes it unless it is told otherwise. */
  readonly encoding: Encoding;
  /** The field of a form that holds everything as JSON, where senders are known to write it so. */
  readonly wrappedIn?: string;
  /** Beside POST. */
  readonly methods?: readonly string[];
  readonly event: { readonly name: Name; readonly summary: string };
  /** What a body must be; anything by default, since its fields are the user's own. */
  readonly schema?: () => z.ZodType;
  /** Tells such bodies without being told the product, where they have marks of their own. */
  readonly recognise?: Format["recognise"];
  readonly records?: Format["records"];
  readonly hint?: Format["hint"];
  readonly answer?: Format["answer"];
}

/**
 * A webhook whose body, content type and credentials its user designs: no envelope, no event name, no signature.
 * On the product's own URL any body is one; the user can have it carry a fixed value, which shows the sender.
 */
export function userFormed<const Name extends string, const Id extends string>(
  parts: UserFormedParts<Name, Id>,
  settings: FormatSettings = {},
): Format<readonly WebhookEvent<Name>[], Id> {
  const encoding = settings.encoding ?? parts.encoding;
  const { name, summary } = parts.event;
  const wrap = (data: unknown): unknown =>
    parts.wrappedIn === undefined || encoding !== "form" ? data : { [parts.wrappedIn]: data };
  const { schema } = settings;
  const events: readonly WebhookEvent<Name>[] = [
    schema === undefined
      ? event(name, summary, parts.schema ?? z.unknown, { open: true })
      : event(name, summary, () => schema),
  ];
  return {
    id: parts.id,
    source: parts.source,
    proofs: settings.auth === undefined ? [] : [staticAuth(settings.auth)],
    events,
    recognise: parts.recognise ?? (() => undefined),
    records: parts.records ?? idFields,
    methods: parts.methods ?? [],
    encode: (data) => encodeFields(wrap(data), encoding),
    catchAll: name,
    settings: ["encoding", "auth", "schema"],
    configure: (chosen) => userFormed(parts, { ...settings, ...chosen }),
    ...(parts.hint === undefined ? {} : { hint: parts.hint }),
    ...(parts.answer === undefined ? {} : { answer: parts.answer }),
  };
}

/** Whatever is called an id and looks like one of Zoho's: 15 to 19 digits. Never throws. */
export function idFields(data: unknown): readonly string[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [];
  return Object.entries(data).flatMap(([name, value]) =>
    /id$/i.test(name) && typeof value === "string" && /^\d{15,19}$/.test(value) ? [value] : [],
  );
}
