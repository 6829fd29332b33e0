import { problemText } from "../body/payload.ts";
import { noSecrets } from "../body/secret.ts";
import { type Receipt, receive } from "../core/receive.ts";
import { nearestText } from "../core/recognise.ts";
import { describeIssue, type SchemaIssue } from "../core/schema.ts";
import { products } from "../products/index.ts";
import type { ProductId, ZohoEvent } from "./event-types.ts";
import { declaredName, isUnread, productOf, type RawBody, rawBody } from "./input.ts";

interface Failure {
  readonly ok: false;
  /** What is wrong and where, for a log; never values of the body. */
  readonly reason: string;
  readonly product: string | undefined;
  /** The name of the event in the delivery, known or not. */
  readonly name: string | undefined;
  /** The schema issues, each with its path and what was expected and received. For `schema` and `unproven` only. */
  readonly issues: readonly SchemaIssue[];
}

export interface UnreadableFailure extends Failure {
  /** `unreadable`: neither JSON nor a form. */
  readonly code: "unreadable";
  readonly format: undefined;
  readonly payload: undefined;
}

export interface InvalidFailure extends Failure {
  /** `unknown-event`: no event of the product, or of any; `schema`: a known event that does not match its schema. */
  readonly code: "unknown-event" | "schema";
  /** Undefined where no format was recognised. */
  readonly format: string | undefined;
  /** The body as data, as in a `ZohoEvent`: a number of more than 15 digits is a string of its digits. */
  readonly payload: unknown;
}

/** Why there is no event, by `code`. */
export type ParseFailure = UnreadableFailure | InvalidFailure;

/** An event with `ok: true`, or why there is none. */
export type ParseResult<P extends ProductId = ProductId> = (ZohoEvent<P> & { readonly ok: true }) | ParseFailure;

/**
 * Reads a body, or data that was parsed from one, as an event. Never throws for the content of a body. Nothing is verified:
 * pass requests from outside to `verify`.
 *
 * @param product The product, or undefined to recognise it by the body. Throws a TypeError for an unknown one.
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

/** Undefined for a known event that matches its schema, or that has none. */
export function failureOf(receipt: Receipt): ParseFailure | undefined {
  const { product, format, event: name, payload, problem, schema } = receipt;
  const at = { ok: false, product, name, issues: schema?.issues ?? [] } as const;
  if (problem !== undefined)
    return { ...at, code: "unreadable", reason: problemText(problem), format: undefined, payload: undefined };
  const read = { ...at, format, payload: payload?.data };
  if (receipt.known && receipt.designed) return undefined;
  if (!receipt.known || schema === undefined) {
    const { suggestions, nearest } = receipt;
    const closest = nearest === undefined ? "" : `; the closest is ${nearestText(nearest)}`;
    const near = suggestions.length === 0 ? closest : `; the nearest are ${suggestions.join(", ")}`;
    const hint = receipt.hint === undefined ? "" : `; ${receipt.hint}`;
    const cause = name === undefined ? "the body is not a known event" : `there is no event ${JSON.stringify(name)}`;
    const owner = product === undefined ? "" : ` of ${product}`;
    return { ...read, code: "unknown-event", reason: `${cause}${owner}${near}${hint}` };
  }
  if (schema.ok) return undefined;
  const issues = schema.issues.map(describeIssue);
  return { ...read, code: "schema", reason: `${product} ${name} does not match its schema: ${issues.join("; ")}` };
}

/** The event of a receipt without a failure. */
export function eventOf<P extends ProductId>({
  product = "",
  format = "",
  event: name = "",
  payload,
}: Receipt): ZohoEvent<P> {
  const event = { product, format, event: declaredName(product, format, name), name, payload: payload?.data };
  // The payload matches its schema; the compiler cannot know which of them it was.
  return event as unknown as ZohoEvent<P>;
}
