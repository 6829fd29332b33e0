/**
 * The library: what the commands of zoho-hooks use, for an app's own handler and its tests. Loads zod and nothing else.
 *
 * @module zoho-hooks
 */
export type { HeaderPair } from "./core/delivery.ts";
export type { Reply, Verdict, VerdictWord } from "./core/product.ts";
export type { SchemaIssue } from "./core/schema-check.ts";
export type { EventKey, EventName, EventOf, PayloadOf, ProductId, Schemas, ZohoEvent } from "./library/event-types.ts";
export { fixture } from "./library/fixture.ts";
export type { Key, Keys } from "./library/keys.ts";
export { type ParseFailure, type ParseResult, parse } from "./library/parse.ts";
export type { HeadersLike, RawBody, RequestLike } from "./library/request.ts";
export { schemas } from "./library/schemas.ts";
export { type Signed, sign } from "./library/sign.ts";
export { type VerifyFailure, type VerifyResult, verify } from "./library/verify.ts";
