import { type Delivery, headerValue } from "./delivery.ts";
import { type Drift, findDrift } from "./drift.ts";
import { findEvent, findFormat, findProduct } from "./event-name.ts";
import { createObserver, type Observation, type Observer } from "./observation.ts";
import { SAMPLE_SENDER } from "./prepare.ts";
import type { Product, Verdict, WebhookEvent } from "./product.ts";
import { schemaShape } from "./shape.ts";

/** A delivery as far as its event's shape is concerned. */
interface SeenDelivery {
  readonly n: number;
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
  readonly known: boolean;
  readonly duplicateOf: number | undefined;
  readonly verdicts: readonly Pick<Verdict, "verdict">[];
  /** The payload's data; asked for only when the delivery counts. */
  data(): unknown;
  readonly delivery: Delivery;
}

/** What has come of one event, under its own name: `Invoices.create` of the family `<Module>.create`. */
export interface ObservedEvent {
  readonly product: string;
  readonly format: string;
  readonly name: string;
  readonly event: WebhookEvent;
  readonly deliveries: number;
  readonly observation: Observation;
  /** There was more to it than is held. */
  readonly partial: boolean;
  /** The delivery that says most; undefined unless samples were asked for. */
  readonly sample: { readonly n: number; readonly delivery: Delivery } | undefined;
}

export interface EventDrift extends Drift {
  readonly product: string;
  readonly format: string;
  readonly event: string;
  readonly deliveries: number;
  readonly partial: boolean;
}

export interface Traffic {
  /** Leaves out what is no traffic of Zoho's as far as can be told: unknown events, repeats, failed proofs, samples. */
  add(seen: SeenDelivery): void;
  events(): readonly ObservedEvent[];
  /** How many deliveries were of events past the number that are held. */
  overlooked(): number;
}

interface Held {
  readonly product: string;
  readonly format: string;
  readonly name: string;
  readonly event: WebhookEvent;
  readonly observer: Observer;
  sample: ObservedEvent["sample"];
}

const MOST_EVENTS = 300;
const LARGEST_SAMPLE_BYTES = 256 * 1024;

/** What comes of each event, in bounded memory; with `samples` one delivery of each is held too. */
export function createTraffic(products: readonly Product[], { samples = false } = {}): Traffic {
  const held = new Map<string, Held>();
  let overlooked = 0;

  const eventOf = ({ product: id, format: formatId, event: name }: SeenDelivery): Held | undefined => {
    const key = `${id} ${formatId} ${name}`;
    const known = held.get(key);
    if (known !== undefined || id === undefined || formatId === undefined || name === undefined) return known;
    const product = findProduct(products, id);
    const format = product === undefined ? undefined : findFormat(product, formatId);
    const match = format === undefined ? undefined : findEvent(format, name);
    if (match === undefined) return undefined;
    if (held.size >= MOST_EVENTS) {
      overlooked++;
      return undefined;
    }
    const made: Held = {
      product: id,
      format: formatId,
      name: match.name,
      event: match.event,
      observer: createObserver(),
      sample: undefined,
    };
    held.set(key, made);
    return made;
  };
  return {
    add(seen) {
      if (!seen.known || seen.duplicateOf !== undefined) return;
      if (seen.verdicts.some(({ verdict }) => verdict === "failed")) return;
      // Our own samples show what their makers knew, not what Zoho sends.
      if (headerValue(seen.delivery, "user-agent") === SAMPLE_SENDER) return;
      const of = eventOf(seen);
      if (of === undefined) return;
      of.observer.observe(seen.data());
      const { n, delivery } = seen;
      if (!samples || delivery.body.length > LARGEST_SAMPLE_BYTES) return;
      if (delivery.body.length > (of.sample?.delivery.body.length ?? -1)) of.sample = { n, delivery };
    },
    events: () =>
      [...held.values()].map(({ observer, ...rest }) => ({
        ...rest,
        deliveries: observer.root.count,
        observation: observer.root,
        partial: observer.isPartial(),
      })),
    overlooked: () => overlooked,
  };
}

/** An event whose fields are a user's own choice has none that the schema could lack. */
export function driftOf(seen: ObservedEvent): EventDrift {
  const { product, format, name, event, deliveries, partial, observation } = seen;
  const drift = findDrift(schemaShape(event.schema), observation);
  return { product, format, event: name, deliveries, partial, ...drift, ...(event.open ? { unknown: [] } : {}) };
}

/** Something came that the schema has not, or otherwise than it has it. Fields that have yet to come prove nothing. */
export function hasDrifted({ unknown, conflicts }: Drift): boolean {
  return unknown.length > 0 || conflicts.length > 0;
}

export function typesText(types: readonly string[]): string {
  return types.join(" or ");
}
