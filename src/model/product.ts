import type { z } from "zod";
import type { Delivery, HeaderPair } from "../delivery/delivery.ts";
import type { Payload } from "../delivery/payload.ts";
import type { Credential, Secret, Secrets } from "../delivery/secrets.ts";

import type { FormatSettings } from "./format-settings.ts";

/** The claim that a proof supports when it passes. Whoever has seen one delivery can forge another that only proves its sender. */
export type Proves = "body" | "sender" | "nothing";

/**
 * `passed`; `failed`: there is a proof and it is wrong, or a secret is configured and the delivery carries none;
 * `absent`: the delivery carries none and none is required; `unconfigured`: it carries one, but no secret is configured to check it.
 */
export type VerdictWord = "passed" | "failed" | "absent" | "unconfigured";

/** The result of verifying one proof of one delivery. */
export interface Verdict {
  /** The proof's id. */
  readonly id: string;
  readonly proves: Proves;
  readonly verdict: VerdictWord;
  /** One clause. Never contains a secret or an expected value. */
  readonly reason: string;
  /**
   * A known cause of a failure: `reserialised` or `changed`, the proof is over other bytes that are known; `unknown_key`, its key is
   * none of those at hand, and a set that is fetched again may have it; `too_old` or `too_new`, it is right but for its time; `seconds`,
   * its time is not in milliseconds. It is still a failure.
   */
  readonly match?: "reserialised" | "changed" | "unknown_key" | "too_old" | "too_new" | "seconds";
  /** It failed because the delivery carries none. */
  readonly missing?: true;
  /** See `Proof.secretIn`. */
  readonly secretIn?: string;
}

/** A verdict as users read it. */
export interface Signature extends Pick<Verdict, "id" | "reason" | "match"> {
  readonly covers: Proves;
  /**
   * `wrong_signature`: the signature or token is wrong; `missing_signature`: there is none, although a key for it is set; `no_key`:
   * there is one, and no key to verify it with; `unsigned`: there is none, and none is required.
   */
  readonly result: "wrong_signature" | "missing_signature" | "no_key" | "verified" | "unsigned";
}

/** One thing `--explain` tried or found. */
export interface ExplainFinding {
  readonly id: string;
  readonly matches: boolean;
  /** The explanation, as a sentence: "the body was re-serialised on its way here". */
  readonly meaning: string;
  /** Remedy, when it matches. */
  readonly remedy?: string;
}

/** Tolerances of proofs. */
export interface Limits {
  /** False to accept only the string that a sender most likely signs, not the others that its documentation may mean. */
  readonly openReadings?: boolean;
  /** The maximum age of a signature with a time in it, and how far ahead its clock may be. */
  readonly toleranceMs?: number | undefined;
  /** The flag or option that sets it, for the message where it is too small. */
  readonly setting?: string;
}

/** How a delivery shows where it comes from. Signing returns a new delivery; nothing is changed in place. */
export interface Proof {
  readonly id: string;
  readonly proves: Proves;
  /** The kind of secret that checks it, and that signs it unless there is a `signingCredential`. */
  readonly credential: Credential;
  /** A key pair signs with its other half. */
  readonly signingCredential?: Credential;
  /** For people: `x-zoho-signature (HMAC-SHA256, hex)`. */
  readonly title: string;
  /** Line of Deluge that signs a text `body` and adds the header to a map `headers`, where Deluge has the hash. */
  readonly deluge?: string;
  /** The header that carries it, lower case. Undefined where the body or the address does. */
  readonly header?: string;
  /** It signs the query of the URL too: without the URL that a delivery was sent to it cannot match. */
  readonly coversQuery?: boolean;
  /** Place where Zoho shows the key, if it has another that is easily taken for it. Completes "compare yours with …". */
  readonly keyPlace?: string;
  /** Name of its header or parameter where the user gave it: the value is masked wherever it is shown. Logs store this name. */
  readonly secretIn?: string;
  /** URLs of its public keys, by data centre. */
  readonly keySets?: Readonly<Record<string, string>>;
  /** Unless one of these settings is given, it passes for any customer of the sender. */
  readonly unboundWithout?: readonly (keyof FormatSettings)[];
  sign(delivery: Delivery, secret: Secret, now: Date): Delivery;
  verify(input: ProofInput): Verdict;
  /** Adds a signature that is certainly wrong, where signing with a wrong secret is not possible. */
  forge?(delivery: Delivery, now: Date): Delivery;
  /** Tries known ways to corrupt a delivery, and reports which of them explain the failure. */
  explain?(input: ExplainInput): Explanation;
}

export interface ProofInput {
  readonly delivery: Delivery;
  readonly payload: Payload;
  /** Secrets configured for the proof's credential. */
  readonly secrets: readonly Secret[];
  readonly now: Date;
  readonly limits?: Limits | undefined;
}

export interface ExplainInput extends Omit<ProofInput, "secrets"> {
  readonly product: string;
  /** All secrets: one of another product or credential may explain a failure. */
  readonly secrets: Secrets;
}

export interface Explanation {
  /** The signed string, or a description of it, for a person. */
  readonly canonical: string;
  /** A description of the signed string in one line, where `canonical` is the string itself. */
  readonly summary?: string;
  readonly findings: readonly ExplainFinding[];
  /** The likely cause if no finding matches. */
  readonly likely?: Pick<ExplainFinding, "meaning" | "remedy"> | undefined;
  /** The value that would have been right. Shown only on request. */
  readonly expected: string | undefined;
  readonly received: string | undefined;
}

/**
 * One event. A family stands for many: its name has placeholders (`<Module>.create`) and `members` lists the
 * values that are known, in their right case; any other value is taken as it is written.
 */
export interface WebhookEvent<Name extends string = string, Schema extends z.ZodType = z.ZodType> {
  readonly name: Name;
  readonly summary: string;
  /** Built on first use: most runs need one schema of the hundred. Loose, so an unknown field is never an error. */
  readonly schema: Schema;
  /** Happens once to a record, so a second delivery is a duplicate even with another body. */
  readonly once: boolean;
  /** A user chooses its fields: none is required, and it may name no record. */
  readonly open: boolean;
  /** A user designs the whole body, so there is no schema to check it with. */
  readonly custom: boolean;
  readonly members: readonly string[];
}

/** The HTTP response to a sender. */
export interface Reply {
  readonly status: number;
  /** Empty for none. */
  readonly contentType: string;
  /** Without those for connection and length. */
  readonly headers?: readonly HeaderPair[];
  readonly body: string | Buffer<ArrayBuffer>;
}

export function plainReply(status: number, text: string): Reply {
  return { status, contentType: "text/plain; charset=utf-8", body: text };
}

/** A sample as it goes over the wire; by POST unless it names another method. */
export interface Encoded {
  readonly method?: string;
  /** Empty where there is no body. */
  readonly contentType: string;
  readonly body: Buffer;
  /** Without `?`; appended to the query of the target URL. */
  readonly query?: string;
  readonly headers?: readonly HeaderPair[];
}

/** A request that checks the URL before its webhook is saved. */
export interface Probe extends Encoded {
  /** When it is sent, where that is not whenever a webhook is saved. */
  readonly when?: string;
  /** The header with the secret that signs all later deliveries. */
  readonly handsOver?: { readonly header: string; readonly credential: Credential };
}

/** A secret that the sender generates and sends when a webhook is set up. */
export interface OfferedSecret {
  readonly credential: Credential;
  readonly value: string;
}

/** How the body of a format is known: its source documents it, integrations in use show it, or neither. */
export type Evidence = "doc" | "seen" | "modelled";

/** One way in which a product posts. */
export interface Format<Events extends readonly WebhookEvent[] = readonly WebhookEvent[], Id extends string = string> {
  readonly id: Id;
  /** Specification, or what it is modelled on. */
  readonly source: string;
  /** Undefined for a user-defined product. */
  readonly evidence?: Evidence;
  /** In the order of signing. */
  readonly proofs: readonly Proof[];
  readonly events: Events;
  readonly body: Body;
  readonly setup?: Setup;
  readonly sender?: Sender;
}

/** What the deliveries of a format look like, and what is read from them. */
export interface Body {
  /**
   * The event that a delivery claims to be, known or not (`Ticket.Merge`); undefined where it names none. Cheap: looks at
   * a few keys, never validates.
   */
  recognise(payload: Payload, delivery: Delivery): string | undefined;
  /**
   * Members that every delivery has, whatever its event. Undefined for a custom body, and for one with a value that only
   * another product sends.
   */
  envelope?(data: object): Envelope | undefined;
  /**
   * `list`: a list of objects with that envelope. `wrapped`: one record under its name, `{"invoice": {…}}`; a body of that name
   * alone is one, whatever is under it. Default: one object.
   */
  readonly layout?: "list" | "wrapped";
  /** The ids of the records that an event is about, as text. */
  records(data: unknown, event: string): readonly string[];
  /** The part that all deliveries of one event share. Default: the bytes. */
  identity?(data: unknown, event: string): string | undefined;
  /** Name of the event of a custom body, which is any other body on the product's own URL. */
  readonly customEvent?: string;
  /** Other products whose deliveries look the same: only the URL or a flag tells them apart. */
  readonly twins?: readonly string[];
}

/** What a user chooses when a webhook is set up with Zoho, and what Zoho then asks of its URL. */
interface Setup {
  /** The response that the sender needs before it sends events: to a challenge or a probe. */
  handshake?(payload: Payload, delivery: Delivery): Reply | undefined;
  /** The known requests that check a URL before the webhook is saved, sent in turn until one gets a 200. */
  readonly probes?: readonly Probe[];
  /** The settings that the format takes, and how it applies them. */
  readonly settings?: readonly (keyof FormatSettings)[];
  configure?(settings: FormatSettings): Format;
}

/** How the sender makes its requests, and what it does with a response. */
export interface Sender {
  /** Methods of deliveries or probes beside POST. */
  readonly methods?: readonly string[];
  /** The header or query that names the event. */
  mark?(event: string): Pick<Encoded, "query" | "headers">;
  /** Encodes a sample that is not plain JSON, or that repeats something of the `url` it is posted to. */
  encode?(data: unknown, event: string | undefined, url: string): Encoded;
  /** The sender's documented requirements for the response. */
  readonly answer?: AnswerRule;
  /** A documented pitfall of such deliveries, reported once a run. */
  hint?(payload: Payload, event: string): string | undefined;
}

export function acceptsMethod({ sender }: Format, method: string): boolean {
  return method === "POST" || sender?.methods?.includes(method) === true;
}

/** The id of the formats of the Webhooks Guide for Zoho APIs. */
export const GUIDE_FORMAT = "guide";

export interface Product<Id extends string = string, Formats extends readonly Format[] = readonly Format[]> {
  readonly id: Id;
  readonly title: string;
  /** In the order in which they are tried; a custom body needs the proof of the first. */
  readonly formats: Formats;
  /** The id of the format that the settings name. */
  readonly chosenFormat?: string;
  /** Custom bodies need no proof of the default format. */
  readonly allowUnsigned?: boolean;
  /** For a user-defined product: the folder with its description and samples. */
  readonly folder?: string;
}

/** The format where none is named: what Zoho posts, unless the settings name another one. Of a user's own product the first. */
export function defaultFormat({ formats, chosenFormat = "wire" }: Product): Format | undefined {
  return formats.find(({ id }) => id === chosenFormat) ?? formats[0];
}

/** All formats, in the order in which a person needs them. */
export function defaultFirst(product: Product): readonly Format[] {
  const usual = defaultFormat(product);
  return usual === undefined ? [] : [usual, ...product.formats.filter((format) => format !== usual)];
}

export type EventOptions = Partial<Pick<WebhookEvent, "once" | "open" | "custom" | "members">>;

/** Declares an event; the schema is built on first use. */
export function event<const Name extends string, Schema extends z.ZodType>(
  name: Name,
  summary: string,
  schema: () => Schema,
  { once = false, open = false, custom = false, members = [] }: EventOptions = {},
): WebhookEvent<Name, Schema> {
  let built: Schema | undefined;
  return {
    name,
    summary,
    once,
    open,
    custom,
    members,
    get schema() {
      built ??= schema();
      return built;
    },
  };
}

/** A sender's documented rules for responses. */
export interface AnswerRule {
  /** A later response counts as none. */
  readonly withinMs?: number;
  /** Any other 2xx counts as a failure, too. */
  readonly only200?: boolean;
  /** This status removes the webhook for good. */
  readonly removedBy?: number;
  /** Consequence for a webhook whose deliveries fail: `20 failures in a row disable it`. */
  readonly endsBy?: string;
  /** The sender uses the response: it expects JSON with this key, such as `example`. */
  readonly json?: { readonly key: string; readonly example: string };
}

/** An object whose member names are known before its schemas are built, on the first call. */
export interface Envelope {
  (): z.ZodObject;
  readonly names: readonly string[];
  /** Members that a body of the user's own may have as well: they say nothing about where it comes from. */
  readonly plain: readonly string[];
}
