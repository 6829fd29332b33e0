import { randomInt } from "node:crypto";
import type { Delivery } from "../../delivery/delivery.ts";
import { CREDENTIAL_VARIABLES, type Secret, type Secrets, secret } from "../../delivery/secrets.ts";
import type { Format, Product, Proof } from "../../model/product.ts";
import { freshen } from "../../samples/fresh.ts";
import { type PrepareInput, prepare } from "../../samples/prepare.ts";
import { parseJson, readExact, writeJson } from "../../util/json.ts";

export interface SampleEvent {
  readonly event: string;
  readonly data: unknown;
  readonly records: readonly string[];
}

/** The endpoint to check, and the samples and secrets to check it with. */
export interface Subject {
  readonly product: Product;
  readonly format: Format;
  readonly url: string;
  readonly sample: SampleEvent;
  /** An event that may happen to a record several times; undefined where the format has none with a sample. */
  readonly update?: SampleEvent;
  readonly secrets: Secrets;
  /** How long the sender waits for an answer. All other times derive from it. */
  readonly deadlineMs: number;
  /** How many events the app has acted on, as `--count-cmd` prints it. */
  readonly count?: () => Promise<number>;
}

/** The first digits of the record ids: no organisation of Zoho's has them, and they fit a signed 64-bit integer. */
export const SAMPLE_ORGANISATION = "88888888";

/** A sample with new ids, recognisable by their first digits, and current times. */
export function freshData({ format }: Subject, { data, event, records }: SampleEvent, now: Date): unknown {
  const fresh = freshen(data, randomInt, now, records);
  const [id] = recordsOf(format, fresh, event);
  return id === undefined ? fresh : replaced(fresh, id, SAMPLE_ORGANISATION + id.slice(SAMPLE_ORGANISATION.length));
}

/** The ids that can be made recognisable. */
export function recordsOf(format: Format, data: unknown, event: string): readonly string[] {
  const parsed = parseJson(writeJson(data));
  return parsed.ok ? format.body.records(parsed.value, event).filter((id) => /^\d{15,19}$/.test(id)) : [];
}

/** Makes the same data about another record. */
export function replaced(data: unknown, id: string, by: string): unknown {
  return readExact(writeJson(data).replaceAll(id, by));
}

interface Unsigned extends Pick<PrepareInput, "body" | "now" | "contentType" | "faults"> {
  readonly event: string;
  /** Default: that of the subject. */
  readonly format?: Format;
}

export function signed(subject: Subject, { format = subject.format, ...input }: Unsigned): Delivery {
  const { product, url, secrets } = subject;
  return prepare({ ...input, product: product.id, format, url, headers: [], secrets }).delivery;
}

/** The key that a proof signs with. */
export function keyOf({ product, secrets }: Subject, proof: Proof): Secret | undefined {
  return secrets.for(proof.signingCredential ?? proof.credential, product.id)[0];
}

/** Remedy where proofs cannot be made: `set ZOHO_WEBHOOK_TOKEN to the value that your app has`. */
export function setVariables(proofs: readonly Proof[]): string {
  const names = [...new Set(proofs.map((proof) => CREDENTIAL_VARIABLES[proof.signingCredential ?? proof.credential]))];
  const isPair = proofs.some(({ signingCredential }) => signingCredential !== undefined);
  return `set ${names.join(" and ")} to ${isPair ? "a key whose public half your app has (zoho-hooks keygen)" : "what your app has"}`;
}

/** The data without the member in which the proof stands, such as the token in the body. */
export function withoutProof(data: unknown, proof: Proof, url: string, now: Date): unknown {
  const marker = "stands for the secret here";
  const before = { method: "POST", url, headers: [], body: Buffer.from(writeJson(data)) };
  const body = proof.sign(before, secret(marker, ""), now).body.toString("utf8");
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without);
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
    const kept = Object.entries(value).filter(([, each]) => each !== marker);
    return Object.fromEntries(kept.map(([name, each]) => [name, without(each)]));
  };
  return without(readExact(body));
}

/** Compact JSON with one more member in its last object. */
export function withMember(body: Buffer, json: string): Buffer {
  const text = body.toString("utf8");
  const at = text.lastIndexOf("}");
  return Buffer.from(`${text.slice(0, at)},"zoho_hooks_check":${json}${text.slice(at)}`);
}
