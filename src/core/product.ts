import type { z } from "zod";
import type { Delivery, HeaderPair } from "../body/delivery.ts";
import type { Payload } from "../body/payload.ts";
import type { Credential, Secret, Secrets } from "../body/secret.ts";
import type { FormatSettings } from "./format-settings.ts";

/** What a passed proof shows: that these very bytes are genuine, only who sent them, or nothing at all. */
export type Proves = "body" | "sender" | "nothing";

/**
 * `passed`; `failed`: there is a proof and it is wrong, or a secret is configured and the delivery carries none;
 * `absent`: the delivery carries none and none is asked for; `unconfigured`: it carries one, no secret to check it with.
 */
export type VerdictWord = "passed" | "failed" | "absent" | "unconfigured";

/** What one proof says of one delivery. */
export interface Verdict {
  /** The proof's id. */
  readonly id: string;
  /** The body and so its sender, the sender only (whoever has seen one delivery can make another), or nothing. */
  readonly proves: Proves;
  /** `passed`, `failed`, `absent` or `unconfigured`: see `VerdictWord`. */
  readonly verdict: VerdictWord;
  /** One clause for a person: why. Never holds a secret or an expected value. */
  readonly reason: string;
  /**
   * A known cause of a failure: `reserialised` or `changed`, the proof is over other bytes that are known; `unknown_key`, its key is
   * none of those at hand, and a set that is fetched anew may have it; `too_old` or `too_new`, it is right but for its time; `seconds`,
   * which is not in milliseconds. It is still a failure.
   */
  readonly match?: "reserialised" | "changed" | "unknown_key" | "too_old" | "too_new" | "seconds";
  /** As of its proof. */
  readonly secretIn?: string;
}

/** One thing `--explain` tried or found. */
export interface Finding {
  readonly id: string;
  readonly matches: boolean;
  /** What this would mean, as a sentence: "the body was re-serialised on its way here". */
  readonly meaning: string;
  /** What to do about it, when it matches. */
  readonly remedy?: string;
}

/** How far a proof may be stretched. */
export interface Limits {
  /** The age past which a signature with a time in it no longer counts, and how far ahead its clock may be. */
  readonly toleranceMs?: number | undefined;
  /** What a user says it with, such as a flag: told where it is too small. */
  readonly setting?: string;
}

/** How a delivery shows where it comes from. Signing returns a new delivery; nothing is changed in place. */
export interface Proof {
  readonly id: string;
  readonly proves: Proves;
  /** What it is checked with, and signed with unless `signingCredential` says otherwise. */
  readonly credential: Credential;
  /** A key pair signs with its other half. */
  readonly signingCredential?: Credential;
  /** A short human name with where it stands: `x-zoho-signature (HMAC-SHA256, hex)`. */
  readonly title: string;
  /** The header that carries it, lower case. Undefined where the body or the address does. */
  readonly header?: string;
  /** It signs the query of the URL too: without the address that a delivery was sent to it cannot match. */
  readonly coversQuery?: boolean;
  /**
   * The header or parameter that it stands in, where the name does not say by itself that it is a secret, as one that a user has
   * chosen: masked wherever it is shown.
   */
  readonly secretIn?: string;
  /** Of one that passes for any customer of the sender's until it is told more: one of these settings has to say whose. */
  readonly unboundWithout?: readonly (keyof FormatSettings)[];
  sign(delivery: Delivery, secret: Secret, now: Date): Delivery;
  verify(delivery: Delivery, payload: Payload, secrets: readonly Secret[], now: Date, limits?: Limits): Verdict;
  /** Carries a signature that is wrong for certain, where signing with a wrong secret would not do. */
  forge?(delivery: Delivery, now: Date): Delivery;
  /** What this proof would have matched, had the delivery been corrupted in a known way. */
  explain?(
    delivery: Delivery,
    payload: Payload,
    secrets: Secrets,
    product: string,
    now: Date,
    limits?: Limits,
  ): Explanation;
}

export interface Explanation {
  /** What was signed, ready to be read by a person: the canonical string or a description of it. */
  readonly canonical: string;
  readonly findings: readonly Finding[];
  /** The value that would have been right. Shown only when asked for. */
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
  /** Can happen only once to a record, so a second delivery of it is a duplicate whatever else it says. */
  readonly once: boolean;
  /** Its fields are whatever a user has chosen: nothing of them is required, and no record is named for certain. */
  readonly open: boolean;
  readonly members: readonly string[];
}

/** What a sender is answered. */
export interface Reply {
  readonly status: number;
  /** Empty where `headers` tell it, or nothing does. */
  readonly contentType: string;
  /** Any others, but for those of the connection and the length. */
  readonly headers?: readonly HeaderPair[];
  readonly body: string | Buffer<ArrayBuffer>;
}

/** A sample as it goes over the wire. What is left out is that of plain JSON by POST. */
export interface Encoded {
  readonly method?: string;
  /** Empty where there is no body. */
  readonly contentType: string;
  readonly body: Buffer;
  /** Without `?`; goes behind what the target's own URL asks for. */
  readonly query?: string;
  readonly headers?: readonly HeaderPair[];
}

/** A request that finds out whether a URL is there, before its webhook is saved. */
export interface Probe extends Encoded {
  /** The secret that signs all later deliveries comes with it, in this header. */
  readonly handsOver?: { readonly header: string; readonly credential: Credential };
}

/** A secret that the sender makes up and hands over when a webhook is set up. */
export interface OfferedSecret {
  readonly credential: Credential;
  readonly value: string;
}

/** One way a product's deliveries look. */
export interface Format<Events extends readonly WebhookEvent[] = readonly WebhookEvent[], Id extends string = string> {
  readonly id: Id;
  /** Where it is specified; says so when the envelope is modelled on its siblings. */
  readonly source: string;
  /** In the order in which they are applied on signing. */
  readonly proofs: readonly Proof[];
  readonly events: Events;
  /**
   * The event that a delivery claims to be, known or not (`Ticket.Merge`), or undefined when this is not
   * the format's envelope at all. Cheap: looks at a few keys, never validates.
   */
  recognise(payload: Payload, delivery: Delivery): string | undefined;
  /** The ids of the records that an event is about, as text. */
  records(data: unknown, event: string): readonly string[];
  /** A delivery may be about several records: those of others are one record's own and its parents'. */
  readonly batches?: boolean;
  /** An answer that the sender waits for before it sends events: a challenge, a probe. */
  handshake?(payload: Payload, delivery: Delivery): Reply | undefined;
  /** What the sender asks a URL before it saves the webhook, in turn until one is answered with 200. Those that are known. */
  readonly probes?: readonly Probe[];
  /** Methods beside POST that deliveries or probes come by. */
  readonly methods?: readonly string[];
  /** Other products whose deliveries look the same: only the URL or a flag tells them apart. */
  readonly twins?: readonly string[];
  /** What names an event outside of its body. */
  mark?(event: string): Pick<Encoded, "query" | "headers">;
  /** Writes a sample where it is not posted as plain JSON, or repeats something of the `url` that it is posted to. */
  encode?(data: unknown, event: string | undefined, url: string): Encoded;
  /** What is the same each time that one event is delivered; its bytes are, unless this says otherwise. */
  identity?(data: unknown, event: string): string | undefined;
  /** A documented fact about such a delivery that saves a day, worth telling once a run. */
  hint?(payload: Payload, event: string): string | undefined;
  /** What its sender wants of an answer, where that is documented. */
  readonly answer?: AnswerRule;
  offeredSecret?(delivery: Delivery): OfferedSecret | undefined;
  /** The event that any other body on the product's own URL is taken for: users may design theirs as they like. */
  readonly catchAll?: string;
  /** The settings that the format takes, and itself with them. */
  readonly settings?: readonly (keyof FormatSettings)[];
  configure?(settings: FormatSettings): Format;
  /** Where the public keys of its signatures can be fetched, by data centre. */
  readonly keySets?: Readonly<Record<string, string>>;
}

export function acceptsMethod(format: Format, method: string): boolean {
  return method === "POST" || format.methods?.includes(method) === true;
}

export interface Product<Id extends string = string, Formats extends readonly Format[] = readonly Format[]> {
  readonly id: Id;
  readonly title: string;
  /** The default format comes first. */
  readonly formats: Formats;
  /** Of a product of the user's own: the folder that describes it, and that its samples lie in. */
  readonly folder?: string;
}

export type EventOptions = Partial<Pick<WebhookEvent, "once" | "open" | "members">>;

/** Declares an event; the schema is built when it is first asked for. */
export function event<const Name extends string, Schema extends z.ZodType>(
  name: Name,
  summary: string,
  schema: () => Schema,
  options: EventOptions = {},
): WebhookEvent<Name, Schema> {
  return new DeclaredEvent(name, summary, schema, options);
}

/** A class for its getter: one a hundred objects would each have to be given takes as long as all else that declares them. */
class DeclaredEvent<Name extends string, Schema extends z.ZodType> implements WebhookEvent<Name, Schema> {
  readonly name: Name;
  readonly summary: string;
  readonly once: boolean;
  readonly open: boolean;
  readonly members: readonly string[];
  readonly #build: () => Schema;
  #schema: Schema | undefined;

  constructor(name: Name, summary: string, build: () => Schema, { once, open, members }: EventOptions) {
    this.name = name;
    this.summary = summary;
    this.once = once ?? false;
    this.open = open ?? false;
    this.members = members ?? [];
    this.#build = build;
  }

  get schema(): Schema {
    this.#schema ??= this.#build();
    return this.#schema;
  }
}

/** What a sender is documented to want of an answer. */
export interface AnswerRule {
  /** An answer that takes longer counts as none. */
  readonly withinMs?: number;
  /** Any other 2xx counts as a failure, too. */
  readonly only200?: boolean;
  /** Answered with this the webhook is removed for good. */
  readonly removedBy?: number;
  /** What becomes of a webhook whose deliveries fail: `20 failures in a row disable it`. */
  readonly endsBy?: string;
  /** It makes something of the answer, which is JSON with this key, such as this. */
  readonly reads?: { readonly key: string; readonly example: string };
}
