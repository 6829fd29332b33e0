/// <reference types="node" preserve="true" />
/**
 * The library: what the commands of zoho-hooks use, for an app's own handler and its tests. Loads zod and
 * modules of Node's own, nothing else, and reads no file before `fixture` is called: it may be bundled, as a CommonJS file too.
 *
 * @module zoho-hooks
 */
import { fixtureReader, type ReadFixture } from "./library/fixtures.ts";

export type { HeaderPair } from "./body/delivery.ts";
export type { OfferedSecret, Reply, Verdict, VerdictWord } from "./core/product.ts";
export type { SchemaIssue } from "./core/schema.ts";
export type {
  EventKey,
  EventName,
  EventOf,
  FormatId,
  PayloadOf,
  ProductId,
  Schemas,
  SchemasIn,
  ZohoEvent,
} from "./library/event-types.ts";
export { schemas, schemasOf } from "./library/fixtures.ts";
export type { HeadersLike, RawBody, RequestLike } from "./library/input.ts";
export type { Key, Keys } from "./library/keys.ts";
export { type ParseFailure, type ParseResult, parse } from "./library/parse.ts";
export { type Signed, type SignOptions, sign } from "./library/sign.ts";
export type { VerifyFailure, VerifyResult } from "./library/verify.ts";
export { type VerifyOptions, verify } from "./library/verify.ts";

/**
 * A realistic payload of an event, a new copy each time, to change and to `sign` in a test. Any module of a family will do:
 * `fixture("crm", "Invoices.create")`. Throws a TypeError for a product or event that is not known, and an Error where a
 * bundler has taken this file away from the package, which the samples lie in.
 */
export const fixture: ReadFixture = fixtureReader(() => import.meta.url);
