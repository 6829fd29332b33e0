/// <reference types="node" preserve="true" />
/**
 * The library: what the commands of zoho-hooks use, for an app's own handler and its tests. Loads zod and nothing else.
 *
 * @module zoho-hooks
 */
import { fileURLToPath } from "node:url";
import { fixtureReader, type ReadFixture } from "./library/fixture.ts";

export type { HeaderPair } from "./core/delivery.ts";
export type { Reply, Verdict, VerdictWord } from "./core/product.ts";
export type { SchemaIssue } from "./core/schema-check.ts";
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
export type { Key, Keys } from "./library/keys.ts";
export { type ParseFailure, type ParseResult, parse } from "./library/parse.ts";
export type { HeadersLike, RawBody, RequestLike } from "./library/request.ts";
export { schemas, schemasOf } from "./library/schemas.ts";
export { type Signed, type SignOptions, sign } from "./library/sign.ts";
export { type VerifyFailure, type VerifyResult, verify } from "./library/verify.ts";

/** The package's folder: src/ and dist/, where this file may run from, both lie just below it. */
const packageRoot = fileURLToPath(new URL("..", import.meta.url));

/**
 * A realistic payload of an event, a new copy each time, to change and to `sign` in a test. Any module of a family will do:
 * `fixture("crm", "Invoices.create")`. Throws a TypeError for a product or event that is not known.
 */
export const fixture: ReadFixture = fixtureReader(packageRoot);
