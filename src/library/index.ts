/// <reference types="node" preserve="true" />
/**
 * The library: the commands' own code, for an app's handler and its tests. Loads only zod and Node's built-in modules, and
 * reads no file before `fixture` is called, so it can be bundled, also as CommonJS.
 *
 * @module zoho-hooks
 */
import { fixtureReader, type ReadFixture } from "./fixtures.ts";

export type { HeaderPair } from "../delivery/delivery.ts";
export type { OfferedSecret, Reply, Signature } from "../model/product.ts";
export type { SchemaIssue } from "../model/schema.ts";
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
} from "./event-types.ts";
export { fileStore } from "./file-store.ts";
export { schemas, schemasOf } from "./fixtures.ts";
export { createHandler, type Handler, type HandlerOptions, type KeySource, type Rejected } from "./handle.ts";
export type { HeadersLike, RawBody, RequestLike } from "./input.ts";
export type { Key, Keys } from "./keys.ts";
export { type InvalidEvent, type ParsedEvent, parse, type ValidEvent } from "./parse.ts";
export { type Signed, type SignOptions, sign } from "./sign.ts";
export {
  type GenuineEvent,
  type VerifyFailure,
  type VerifyOptions,
  type VerifyResult,
  verify,
} from "./verify.ts";

/**
 * A realistic payload of an event, a new copy each time, to change and to `sign` in a test. Any module of a family works:
 * `fixture("crm", "Invoices.create")`. Throws a TypeError for an unknown product or event, and an Error if a bundler has
 * moved this file out of the package, which has the samples.
 */
export const fixture: ReadFixture = fixtureReader(() => import.meta.url);
