import { randomInt } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Assignment, assign } from "../contract/edit-body.ts";
import { findEvent, findFormat } from "../contract/event-names.ts";
import { type Prepared, type PrepareInput, prepare } from "../contract/prepare.ts";
import type { Probe } from "../contract/product.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { valueAt } from "../delivery/payload.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { freshen, type Random, seededRandom } from "../samples/fresh.ts";
import { usageError } from "../util/errors.ts";
import { readExact, writeJson } from "../util/json.ts";
import { carries } from "./faults.ts";
import type { SendPlan } from "./plan.ts";
import { handedOver, type Subject } from "./subjects.ts";

/** A delivery ready to be posted. */
export interface Shipment {
  readonly subject: Subject;
  readonly delivery: Delivery;
  /** How it was signed or broken, for a person. */
  readonly notes: readonly string[];
  /** Why it has no signature, although its format has one. */
  readonly unsigned: string | undefined;
  /** Why a handler that verifies must refuse it; undefined for a good one. */
  readonly flaw: string | undefined;
  /** The value that the answer must contain. */
  readonly challenge: string | undefined;
}

export function countShipments(plan: SendPlan, subjects: readonly Subject[]): number {
  return subjects.length * plan.count * (plan.repeat + 1);
}

/** Lazy: each delivery is made when it is needed. Repeats are the same bytes. */
export function* shipments(
  context: Context,
  plan: SendPlan,
  config: Config,
  subjects: readonly Subject[],
): Generator<Shipment, void> {
  const random: Random = plan.seed === undefined ? randomInt : seededRandom(plan.seed);
  for (const subject of subjects) {
    const make = (now: Date): Shipment => makeShipment(plan, config, subject, random, now);
    const mayBeSame = plan.count > 1 && !plan.fresh && plan.challenge !== true;
    const same = mayBeSame ? sameAtAnyTime(make, context.now()) : undefined;
    for (let i = 0; i < plan.count; i++) {
      const shipment = same ?? make(context.now());
      for (let times = 0; times <= plan.repeat; times++) yield shipment;
    }
  }
}

const HOUR_MS = 3_600_000;

/** The shipment, where neither a time nor chance makes it another one an hour later: it is signed once for all. */
function sameAtAnyTime(make: (now: Date) => Shipment, now: Date): Shipment | undefined {
  const shipment = make(now);
  const later = make(new Date(now.getTime() + HOUR_MS));
  return isDeepStrictEqual(shipment.delivery, later.delivery) ? shipment : undefined;
}

function makeShipment(plan: SendPlan, config: Config, subject: Subject, random: Random, now: Date): Shipment {
  if (subject.probe !== undefined) return probeShipment(plan, config, subject, subject.probe, now);
  const challenge = plan.challenge === true ? digits(random, 32) : plan.challenge;
  const body =
    challenge === undefined
      ? sampleOf(subject, plan, random, now)
      : // As bytes, since a challenge carries no token.
        Buffer.from(JSON.stringify({ challenge }));
  const input = {
    product: subject.product.id,
    format: subject.format,
    event: subject.event,
    url: subject.url,
    contentType: subject.contentType,
    headers: plan.headers,
    secrets: config.secrets,
    now,
    faults: plan.faults,
  };
  const good = prepareKeeping(plan.assignments, { ...input, body });
  const about = { subject, challenge, flaw: flawOf(plan, subject), unsigned: good.unsigned };
  const notes = [...good.notes, ...otherFormat(subject)];
  if (plan.breakage === undefined) return { ...about, delivery: good.delivery, notes };
  if (good.delivery.body.length === 0) throw usageError("an empty body cannot be broken further");
  if (plan.breakage === "truncated") {
    // Signed first, then cut, as by a broken connection.
    const cut = truncatedBody(good.delivery.body);
    const cutOff = `cut off after ${cut.length} of ${good.delivery.body.length} bytes, as asked`;
    return { ...about, delivery: { ...good.delivery, body: cut }, notes: [...notes, cutOff] };
  }
  // Broken first, then signed, as by a broken sender.
  const broken = prepare({ ...input, body: malformedJson(good.delivery.body) });
  return { ...about, delivery: broken.delivery, notes: [...notes, "malformed JSON, as asked"] };
}

/** How to get what Zoho posts in place of the guide's body, or the other way round. */
function otherFormat({ product, format, event }: Subject): readonly string[] {
  const wanted = OTHER_FORMATS.find(({ id }) => id === format.id);
  const other = wanted && findFormat(product, wanted.other);
  if (wanted === undefined || other === undefined || event === undefined) return [];
  if (findEvent(other, event) !== undefined) return [wanted.note];
  return format.id === "guide" ? [`only the guide has this event (products ${product.id} lists Zoho's own)`] : [];
}

/** Zoho's servers do not post the guide's bodies. */
const OTHER_FORMATS = [
  { id: "wire", other: "guide", note: "for the guide's: --format guide" },
  { id: "guide", other: "wire", note: "for Zoho's own: --format wire" },
] as const;

/** Unsigned: whether Zoho signs its probes is not documented. */
function probeShipment(plan: SendPlan, config: Config, subject: Subject, probe: Probe, now: Date): Shipment {
  const { delivery } = prepare({
    product: subject.product.id,
    format: { ...subject.format, proofs: [], encode: () => probe },
    url: subject.url,
    body: undefined,
    headers: [...handedOver(probe, subject.product, config.secrets), ...plan.headers],
    secrets: config.secrets,
    now,
  });
  return { subject, delivery, notes: [], unsigned: undefined, flaw: undefined, challenge: undefined };
}

/** A value given with `--set token=…` wins over the configured token. */
function prepareKeeping(assignments: readonly Assignment[], input: PrepareInput): Prepared {
  const prepared = prepare(input);
  if (assignments.length === 0 || Buffer.isBuffer(input.body)) return prepared;
  const written = readExact(prepared.delivery.body.toString("utf8"));
  // Tokens are written into JSON only, not into a form or a query.
  if (written === undefined) return prepared;
  const isOverwritten = assignments.some(
    ({ path }) => writeJson(valueAt(written, path)) !== writeJson(valueAt(input.body, path)),
  );
  if (!isOverwritten) return prepared;
  const proofs = input.format.proofs.filter((proof) => proof.proves === "body");
  const again = prepare({ ...input, format: { ...input.format, proofs } });
  return { ...again, notes: ["the token as set with --set", ...again.notes] };
}

/** `--set` comes last, so that what the user typed is never replaced by fresh values. */
function sampleOf(subject: Subject, plan: SendPlan, random: Random, now: Date): unknown {
  if (Buffer.isBuffer(subject.body)) return subject.body;
  // With a seed the bytes are reproducible, so the sample's times stay.
  const at = plan.seed === undefined ? now : undefined;
  const data = plan.fresh ? freshen(subject.body, random, at, subject.records) : subject.body;
  return plan.assignments.reduce((value, each) => assign(value, each), data);
}

function flawOf({ faults, breakage }: SendPlan, { format }: Subject): string | undefined {
  if (faults.badSignature && carries(format, "signature")) return "its signature was wrong on purpose";
  if (faults.noSignature && carries(format, "signature")) return "it was not signed on purpose";
  const isAuth = format.proofs.some(({ credential }) => credential === "auth");
  if (faults.badToken && carries(format, "token")) return `its ${isAuth ? "auth value" : "token"} was wrong on purpose`;
  if (breakage === "malformed") return "its JSON was broken on purpose";
  return breakage === undefined ? undefined : "its body was cut off on purpose";
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random(16).toString(16)).join("");
}

/** Valid JSON with a comma in place of its last character, which no parser accepts. */
function malformedJson(body: Buffer): Buffer {
  const text = body.subarray(0, body.length - trailingSpace(body));
  return Buffer.concat([text.subarray(0, Math.max(0, text.length - 1)), Buffer.from(",")]);
}

/** The first half. It may end in the middle of a character. */
function truncatedBody(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}

function trailingSpace(body: Buffer): number {
  let count = 0;
  while (count < body.length && " \t\r\n".includes(String.fromCharCode(body[body.length - 1 - count] ?? 0))) count++;
  return count;
}
