import { randomInt } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { HeaderPair } from "../delivery/delivery.ts";
import { secretFieldNames } from "../delivery/mask.ts";
import { valueAt } from "../delivery/payload.ts";
import { CREDENTIAL_VARIABLES, type Secrets } from "../delivery/secrets.ts";
import { findEvent, findFormat } from "../model/event-names.ts";
import type { Format, Probe } from "../model/product.ts";
import type { Config } from "../project/load.ts";
import { type Assignment, assign } from "../samples/edit-body.ts";
import { freshen, numbered, type Random, seededRandom } from "../samples/fresh.ts";
import { type Prepared, type PrepareInput, prepare } from "../samples/prepare.ts";
import { usageError } from "../util/errors.ts";
import { readExact, writeJson } from "../util/json.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { flawOf } from "./faults.ts";
import type { OutgoingDelivery } from "./outgoing.ts";
import type { SendPlan } from "./plan.ts";
import type { Source } from "./sources.ts";

export interface SampleDelivery extends OutgoingDelivery {
  readonly source: Source;
  /** Why it has no signature, although its format has one. */
  readonly unsigned?: string;
  /** Why a handler that verifies must refuse it; undefined for a good one. */
  readonly flaw?: string;
  /** The value that the answer must contain. */
  readonly challenge?: string;
}

export function countDeliveries(plan: SendPlan, sources: readonly Source[]): number {
  return sources.length * plan.count;
}

/** Lazy: each delivery is made when it is needed. */
export function* sampleDeliveries(
  workspace: ReportingWorkspace,
  plan: SendPlan,
  { secrets }: Config,
  sources: readonly Source[],
): Generator<SampleDelivery, void> {
  const random: Random = plan.seed === undefined ? randomInt : seededRandom(plan.seed);
  for (const source of sources) {
    const make = (now: Date, copy = 1): SampleDelivery => makeDelivery(plan, source, { secrets, random, now, copy });
    const mayBeSame = plan.count > 1 && !plan.fresh && plan.challenge !== true;
    const same = mayBeSame ? sameAtAnyTime(make, workspace.now()) : undefined;
    for (let i = 0; i < plan.count; i++) yield same ?? make(workspace.now(), i + 1);
  }
}

const HOUR_MS = 3_600_000;

/** The delivery, where neither a time nor chance makes it another one an hour later: it is signed once for all. */
function sameAtAnyTime(make: (now: Date) => SampleDelivery, now: Date): SampleDelivery | undefined {
  const made = make(now);
  const later = make(new Date(now.getTime() + HOUR_MS));
  return isDeepStrictEqual(made.delivery, later.delivery) ? made : undefined;
}

interface MakeOptions {
  readonly secrets: Secrets;
  readonly random: Random;
  readonly now: Date;
  /** Counts from 1. */
  readonly copy: number;
}

function makeDelivery(plan: SendPlan, source: Source, options: MakeOptions): SampleDelivery {
  const { secrets, random, now } = options;
  const { product, format, event, probe, url, contentType } = source;
  const { headers, faults } = plan;
  const about = {
    product: product.id,
    event,
    format: format.id,
    secretFieldNames: secretFieldNames(format.proofs),
    source,
  };
  const common = { product: product.id, event, url, contentType, secrets, now };
  if (probe !== undefined) {
    // Unsigned: whether Zoho signs its probes is not documented.
    const probed: Format = { ...format, proofs: [], sender: { ...format.sender, encode: () => probe } };
    const all = [...handedOver(probe, source, secrets), ...headers];
    const { delivery } = prepare({ ...common, format: probed, body: undefined, headers: all });
    return { ...about, delivery, notes: [] };
  }
  const challenge = plan.challenge === true ? digits(random, 32) : plan.challenge;
  // As bytes, since a challenge carries no token.
  const body = challenge === undefined ? bodyOf(source, plan, options) : Buffer.from(JSON.stringify({ challenge }));
  const input = { ...common, format, headers, faults };
  const { delivery, notes, unsigned } = prepareKeeping(plan.assignments, { ...input, body });
  return {
    ...about,
    challenge,
    flaw: flawOf(plan, source),
    unsigned,
    delivery,
    notes: [...notes, ...(source.tip === undefined ? [] : [source.tip]), ...guideOnly(source)],
  };
}

/** The header with the configured secret, for a probe that carries one: later deliveries are signed with it. */
function handedOver({ handsOver }: Probe, { product }: Source, secrets: Secrets): readonly HeaderPair[] {
  if (handsOver === undefined) return [];
  const [secret] = secrets.for(handsOver.credential, product.id);
  if (secret !== undefined) return [[handsOver.header, secret.reveal()]];
  throw usageError(
    `the probe of ${product.title} carries a secret in ${handsOver.header}, and none is configured`,
    `set ${CREDENTIAL_VARIABLES[handsOver.credential]} to a value of your choice: send also signs later events with it`,
  );
}

/** Zoho's servers do not post the guide's bodies. */
function guideOnly({ product, format, event }: Source): readonly string[] {
  const wire = findFormat(product, "wire");
  if (format.id !== "guide" || wire === undefined || event === undefined || findEvent(wire, event) !== undefined)
    return [];
  return [`only the guide has this event (products ${product.id} lists Zoho's own)`];
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
function bodyOf({ body, records }: Source, plan: SendPlan, { random, now, copy }: MakeOptions): unknown {
  if (Buffer.isBuffer(body)) return body;
  // With a seed the bytes are reproducible, so the sample's times stay.
  const at = plan.seed === undefined ? now : undefined;
  const fresh = plan.fresh ? numbered(freshen(body, random, at, records), copy, records) : body;
  return plan.assignments.reduce(assign, fresh);
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random(16).toString(16)).join("");
}
