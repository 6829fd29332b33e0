import { problemText } from "../delivery/payload.ts";
import { noSecrets } from "../delivery/secrets.ts";
import type { Receipt } from "../model/receipt.ts";
import { nearestText } from "../model/receipt.ts";
import { describeIssue, type SchemaIssue, toIssue } from "../model/schema.ts";
import { products } from "../products/index.ts";
import { receive } from "../recognition/receive.ts";
import type { EventKey, FormatId, ProductId, ZohoEvent } from "./event-types.ts";
import { declaredName, isUnread, productOf, type RawBody, rawBody } from "./input.ts";

/** A known event whose body is valid, or custom: one that a user designs has no schema. */
export type ValidEvent<P extends ProductId = ProductId> = ZohoEvent<P> & {
  readonly ok: true;
  readonly known: true;
  readonly issues: readonly [];
  /** For invalid events only. */
  readonly reason?: undefined;
};

/** An unknown event, or one whose body is invalid: any field may be missing or of another type. */
export interface InvalidEvent<P extends ProductId = ProductId> {
  readonly ok: false;
  /** Null where none was given or recognised, as `format`. */
  readonly product: P | null;
  readonly format: FormatId<P> | null;
  /** The declared name. Null for an unknown event. */
  readonly event: EventKey<P> | null;
  /** The name in the delivery, also of an unknown event. Null where the body cannot be read as an event of the product. */
  readonly name: string | null;
  /** False for a name that is no event of the product. Zoho adds events. */
  readonly known: boolean;
  /** Differences from the schema: path, what was expected and what was received. */
  readonly issues: readonly SchemaIssue[];
  /** All of that in a sentence, for a log. Of the body's values it has no more than `issues`: the masked start of a text. */
  readonly reason: string;
  /** The body as data. Undefined where it is neither JSON nor a form. */
  readonly payload: unknown;
  /** The exact bytes. */
  readonly body: Buffer;
}

/** An event: valid with `ok: true`, else with what is wrong with it. */
export type ParsedEvent<P extends ProductId = ProductId> = ValidEvent<P> | InvalidEvent<P>;

/**
 * Reads a body, or data that was parsed from one, as an event. Never throws for the content of a body. Nothing is verified:
 * pass requests from outside to `verify`.
 *
 * @param product The product, or undefined to recognise it by the body. Throws a TypeError for an unknown one.
 * @param body JSON or a form as text or bytes, or the parsed object.
 */
export function parse<P extends ProductId = ProductId>(product: P | undefined, body: RawBody | object): ParsedEvent<P> {
  const bytes = bytesOf(body);
  const receipt = receive({
    products,
    product: product === undefined ? undefined : productOf(product),
    delivery: { method: "POST", url: "/", headers: [], body: bytes },
    secrets: noSecrets,
    now: new Date(0),
  });
  return eventOf<P>(receipt, bytes);
}

function bytesOf(body: RawBody | object): Buffer {
  const isRaw = typeof body !== "object" || body === null || body instanceof Uint8Array || body instanceof ArrayBuffer;
  return isRaw || isUnread(body) ? rawBody(body) : Buffer.from(JSON.stringify(body));
}

export function eventOf<P extends ProductId>(receipt: Receipt, body: Buffer): ParsedEvent<P> {
  const { product = null, format = null, event: name = null, known, payload } = receipt;
  const event = known ? declaredName(product ?? "", format ?? "", name ?? "") : null;
  const issues = issuesOf(receipt);
  const facts = { product, format, event, name, known, issues, payload: payload?.data };
  const isValid = known && issues.length === 0;
  // The compiler cannot know the types that the schemas have checked.
  return (
    isValid ? { ...facts, ok: true } : { ...facts, ok: false, reason: reasonOf(receipt, issues), body }
  ) as ParsedEvent<P>;
}

function issuesOf({ product, event, payload, problem, schema }: Receipt): readonly SchemaIssue[] {
  if (problem !== undefined) return [{ path: [], at: "", expected: "JSON or a form", received: problemText(problem) }];
  const issues = schema?.issues ?? [];
  if (event !== undefined || issues.length > 0) return issues;
  return [toIssue([], product === undefined ? "an event" : `an event of ${product}`, payload?.data, () => false)];
}

function reasonOf(receipt: Receipt, issues: readonly SchemaIssue[]): string {
  const { product, event: name, known, problem, suggestions, nearest, hint } = receipt;
  if (problem !== undefined) return problemText(problem);
  if (known) return `${product} ${name} does not match its schema: ${issues.map(describeIssue).join("; ")}`;
  const closest = nearest === undefined ? "" : `; the closest is ${nearestText(nearest)}`;
  const near = suggestions.length === 0 ? closest : `; the nearest are ${suggestions.join(", ")}`;
  const cause = name === undefined ? "the body is not a known event" : `there is no event ${JSON.stringify(name)}`;
  const owner = product === undefined ? "" : ` of ${product}`;
  return `${cause}${owner}${near}${hint === undefined ? "" : `; ${hint}`}`;
}
