import { randomInt } from "node:crypto";
import { type Faults, isSignature, prepare } from "../../contract/prepare.ts";
import type { Format, Proof } from "../../contract/product.ts";
import type { Delivery } from "../../delivery/delivery.ts";
import { type Secret, secret } from "../../delivery/secret.ts";
import { freshen } from "../../samples/fresh.ts";
import { parseJson, readExact, writeJson } from "../../util/json.ts";
import type { Sample, Subject } from "./subject.ts";

/** The first digits of the record ids: no organisation of Zoho's has them, and they fit a signed 64-bit integer. */
export const SAMPLE_ORGANISATION = "88888888";

/** A sample with new ids, recognisable by their first digits, and current times. */
export function freshData({ format }: Subject, { data, event, records }: Sample, now: Date): unknown {
  const fresh = freshen(data, randomInt, now, records);
  const [id] = recordsOf(format, fresh, event);
  return id === undefined ? fresh : replaced(fresh, id, SAMPLE_ORGANISATION + id.slice(SAMPLE_ORGANISATION.length));
}

/** The ids that can be made recognisable. */
export function recordsOf(format: Format, data: unknown, event: string): readonly string[] {
  const parsed = parseJson(writeJson(data));
  return parsed.ok ? format.records(parsed.value, event).filter((id) => /^\d{15,19}$/.test(id)) : [];
}

/** The same data about another record. */
export function replaced(data: unknown, id: string, by: string): unknown {
  return readExact(writeJson(data).replaceAll(id, by));
}

interface SignOptions {
  readonly event: string;
  readonly body: unknown;
  readonly now: Date;
  readonly contentType?: string | undefined;
  readonly faults?: Faults | undefined;
  readonly format?: Format | undefined;
}

export function signed(
  subject: Subject,
  { event, body, now, contentType, faults, format = subject.format }: SignOptions,
): Delivery {
  const { product, url, secrets } = subject;
  return prepare({
    product: product.id,
    format,
    event,
    url,
    body,
    contentType,
    headers: [],
    secrets,
    now,
    faults,
  }).delivery;
}

/** The key that a proof signs with. */
export function keyOf({ product, secrets }: Subject, proof: Proof): Secret | undefined {
  return secrets.for(proof.signingCredential ?? proof.credential, product.id)[0];
}

/** What to do where proofs cannot be made: `set ZOHO_WEBHOOK_TOKEN to the value that your app has`. */
export function setVariables({ variables }: Subject, proofs: readonly Proof[]): string {
  const names = [...new Set(proofs.map((proof) => variables[proof.signingCredential ?? proof.credential]))];
  const isPair = proofs.some(({ signingCredential }) => signingCredential !== undefined);
  return `set ${names.join(" and ")} to ${isPair ? "a key whose public half your app has (zoho-hooks keygen)" : "what your app has"}`;
}

/** The proofs of one kind that can be made. */
export function proofsOf(subject: Subject, kind: "signature" | "token"): readonly Proof[] {
  return subject.format.proofs.filter(
    (proof) => isSignature(proof) === (kind === "signature") && keyOf(subject, proof) !== undefined,
  );
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
