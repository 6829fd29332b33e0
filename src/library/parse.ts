import { problemText } from "../body/payload.ts";
import { noSecrets } from "../body/secret.ts";
import { type Receipt, receive } from "../core/receive.ts";
import { describeIssue, type SchemaIssue } from "../core/schema.ts";
import { products } from "../products/index.ts";
import type { ProductId, ZohoEvent } from "./event-types.ts";
import { declaredName, isUnread, productOf, type RawBody, rawBody } from "./input.ts";

/** What every failure says. */
interface NoEvent {
  readonly ok: false;
  /** For a log: says what is wrong and where; never a value of the body's text. */
  readonly reason: string;
  readonly product: string | undefined;
  /** The name that the event gave itself, known or not. */
  readonly name: string | undefined;
  /** What is out of shape, each with its path, what was expected and what came. Of `schema` and `unproven` only. */
  readonly issues: readonly SchemaIssue[];
}

export interface UnreadableFailure extends NoEvent {
  /** `unreadable`: no JSON and no form. */
  readonly code: "unreadable";
  readonly format: undefined;
  readonly payload: undefined;
}

export interface UnfitFailure extends NoEvent {
  /** `unknown-event`: no event of the product, or of any; `schema`: a known event out of shape, which `issues` tells. */
  readonly code: "unknown-event" | "schema";
  /** Undefined where the body is no envelope that is known. */
  readonly format: string | undefined;
  /** What was read all the same, as in a `ZohoEvent`: a number of more than 15 digits is a string of its digits. */
  readonly payload: unknown;
}

/** Why there is no event, by `code`. */
export type ParseFailure = UnreadableFailure | UnfitFailure;

/** An event with `ok: true`, or why there is none. */
export type ParseResult<P extends ProductId = ProductId> = (ZohoEvent<P> & { readonly ok: true }) | ParseFailure;

/**
 * Reads a body, or data that was read from one, as an event. Never throws for what a body holds. Proves nothing:
 * a body that comes from outside goes to `verify`.
 *
 * @param product The product, or undefined to let the body tell; throws a TypeError for one that is not known.
 * @param body JSON or a form as text or bytes, or the parsed object.
 */
export function parse<P extends ProductId = ProductId>(product: P | undefined, body: RawBody | object): ParseResult<P> {
  const receipt = receive({
    products,
    product: product === undefined ? undefined : productOf(product),
    delivery: { method: "POST", url: "/", headers: [], body: bytesOf(body) },
    secrets: noSecrets,
    now: new Date(0),
  });
  return failureOf(receipt) ?? { ok: true, ...eventOf<P>(receipt) };
}

function bytesOf(body: RawBody | object): Buffer {
  const isRaw = typeof body !== "object" || body === null || body instanceof Uint8Array || body instanceof ArrayBuffer;
  return isRaw || isUnread(body) ? rawBody(body) : Buffer.from(JSON.stringify(body));
}

/** Undefined for a known event in its right shape. */
export function failureOf(receipt: Receipt): ParseFailure | undefined {
  const { product, format, event: name, payload, problem, schema } = receipt;
  const at = { ok: false, product, name, issues: schema?.issues ?? [] } as const;
  if (problem !== undefined)
    return { ...at, code: "unreadable", reason: problemText(problem), format: undefined, payload: undefined };
  const read = { ...at, format, payload: payload?.data };
  if (!receipt.known || schema === undefined) {
    const near = receipt.suggestions.length === 0 ? "" : `; the nearest are ${receipt.suggestions.join(", ")}`;
    const hint = receipt.hint === undefined ? "" : `; ${receipt.hint}`;
    const what = name === undefined ? "the body is no known event" : `there is no event ${JSON.stringify(name)}`;
    const whose = product === undefined ? "" : ` of ${product}`;
    return { ...read, code: "unknown-event", reason: `${what}${whose}${near}${hint}` };
  }
  if (schema.ok) return undefined;
  const issues = schema.issues.map(describeIssue);
  return { ...read, code: "schema", reason: `${product} ${name} is out of shape: ${issues.join("; ")}` };
}

/** The event of a receipt that `failureOf` finds nothing wrong with. */
export function eventOf<P extends ProductId>({
  product = "",
  format = "",
  event: name = "",
  payload,
}: Receipt): ZohoEvent<P> {
  const event = { product, format, event: declaredName(product, format, name), name, payload: payload?.data };
  // Its schema has just been checked; the compiler cannot know which of the hundred it was.
  return event as unknown as ZohoEvent<P>;
}
