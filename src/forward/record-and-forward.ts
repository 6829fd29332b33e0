import type { Entry, Recorded, Recorder } from "../receiver/recorder.ts";
import type { Appended, ForwardRequest, Log, NewEntry } from "../store/log.ts";
import { EVERY_RECORD } from "../store/schema.ts";
import type { Forwarder } from "./forwarder.ts";
import type { Mirror } from "./mirror.ts";
import type { ForwardSource } from "./request.ts";
import type { Routes } from "./routes.ts";

export interface RecordOptions {
  readonly log: Log;
  readonly routes: Routes;
  readonly forwarder: Forwarder;
  /** Set when the sender is to get the app's own answer. */
  readonly mirror: Mirror | undefined;
  /** Deliveries of one record reach a target one after the other. */
  readonly ordered: boolean;
}

/** Keeps deliveries in the log, and hands on what was accepted: at once where there is room, else later from the log. */
export function recordAndForward(options: RecordOptions): Recorder {
  const { log, routes, mirror } = options;
  return {
    record(entry) {
      const targets = targetsOf(entry, routes);
      if (targets.length === 0) return log.append(toLogEntry(entry, entry.decision.reply.status));
      return mirror === undefined
        ? keepAndForward(entry, targets, options)
        : keepAndMirror(entry, targets, options, mirror);
    },
  };
}

/** One answer can be given; the other targets get their deliveries as they would without it. */
async function keepAndMirror(
  entry: Entry,
  [first = "", ...others]: readonly string[],
  options: RecordOptions,
  mirror: Mirror,
): Promise<Recorded> {
  const kept = await keepAndForward(entry, others, options);
  return { ...kept, answer: () => mirror.answer(first, sourceOf(entry, kept.n, kept.duplicateOf)) };
}

async function keepAndForward(entry: Entry, targets: readonly string[], options: RecordOptions): Promise<Recorded> {
  const { log, forwarder, mirror, ordered } = options;
  const bytes = entry.arrival.delivery.body.length;
  const reserved = forwarder.reserve(targets, bytes);
  const orderKey = ordered ? orderKeyOf(entry) : undefined;
  const forward = { targets, orderKey, claim: reserved };
  let appended: Appended;
  try {
    // What the app is to answer is not known yet.
    const status = mirror === undefined ? entry.decision.reply.status : undefined;
    appended = await log.append(toLogEntry(entry, status, forward));
  } catch (error) {
    if (reserved) forwarder.release(targets, bytes);
    throw error;
  }
  const { n, duplicateOf, forwards } = appended;
  return {
    n,
    duplicateOf,
    after() {
      for (const { id, target, claimed } of forwards) {
        if (claimed) forwarder.deliver({ id, n }, target, sourceOf(entry, n, duplicateOf));
        else if (reserved) forwarder.release([target], bytes);
      }
      forwarder.wake(forwards.filter(({ claimed }) => !claimed).map(({ target }) => target));
    },
  };
}

function targetsOf({ receipt, decision }: Entry, routes: Routes): readonly string[] {
  if (!decision.accepted || receipt.handshake !== undefined) return [];
  return routes.targetsOf(receipt.product, receipt.event);
}

function orderKeyOf({ receipt: { product, records, batch } }: Entry): string | undefined {
  const [first] = records;
  return first === undefined ? undefined : `${product}:${batch ? EVERY_RECORD : first}`;
}

function sourceOf({ arrival, receipt }: Entry, n: number, duplicateOf: number | undefined): ForwardSource {
  const { product, format } = receipt;
  return { n, delivery: arrival.delivery, product, format, remote: arrival.address, duplicateOf };
}

/** A delivery as the log keeps it; without a status where nobody has answered it yet. */
export function toLogEntry(
  { arrival, receipt, decision }: Entry,
  status: number | undefined,
  forward?: ForwardRequest,
): NewEntry {
  const { delivery, address, at } = arrival;
  const { accepted, reason } = decision;
  return { receivedAt: at, delivery, remote: address, receipt, accepted, status, refusal: reason, forward };
}
