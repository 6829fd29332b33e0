import type { Appended, ForwardRequest, Log, NewEntry } from "../log/log.ts";
import { EVERY_RECORD } from "../log/states.ts";
import type { Entry, Recorder } from "../receiver/recorder.ts";
import type { Receipt } from "../recognition/receive.ts";
import type { Forwarder } from "./forwarder.ts";
import type { Mirror } from "./mirror.ts";
import type { Routes } from "./routes.ts";

interface ForwardingParts {
  readonly routes: Routes;
  readonly forwarder: Forwarder;
  /** Set when the sender gets the app's own answer. */
  readonly mirror: Mirror | undefined;
  /** Deliveries of one record reach a target one after the other. */
  readonly ordered: boolean;
}

/** Records deliveries in the log and forwards accepted ones, if anything is forwarded: at once when there is room, else later from the log. */
export function recordAndForward(log: Pick<Log, "append">, forwarding?: ForwardingParts): Recorder {
  return {
    async record(entry) {
      const { arrival, receipt, decision } = entry;
      const { delivery, address, at } = arrival;
      const bytes = delivery.body.length;
      const targets = targetsOf(entry, forwarding?.routes);
      if (forwarding === undefined || targets.length === 0)
        return await log.append(toLogEntry(entry, decision.reply.status));

      const { forwarder, mirror, ordered } = forwarding;
      // Only one app can answer the sender. The other targets are queued as without a mirror.
      const [mirrored = "", ...others] = targets;
      const queued = mirror === undefined ? targets : others;
      // The mirrored app's answer is not known yet.
      const status = mirror === undefined ? decision.reply.status : undefined;
      const claim = forwarder.reserve(queued, bytes);
      let appended: Appended;
      try {
        const orderKey = ordered ? orderKeyOf(receipt) : undefined;
        appended = await log.append(toLogEntry(entry, status, { targets: queued, orderKey, claim }));
      } catch (error) {
        if (claim) forwarder.release(queued, bytes);
        throw error;
      }
      const { n, duplicateOf, forwards } = appended;
      const { product, format } = receipt;
      const source = { n, delivery, product, format, remote: address, receivedAt: at, duplicateOf };
      return {
        n,
        duplicateOf,
        ...(mirror === undefined ? {} : { mirror: () => mirror.answer(mirrored, source) }),
        forward() {
          for (const { target, claimed, ...ref } of forwards) {
            if (claimed) forwarder.deliver(ref, target, source);
            else if (!ordered) forwarder.offer(ref, target, source);
            else {
              if (claim) forwarder.release([target], bytes);
              forwarder.wake([target]);
            }
          }
        },
      };
    },
  };
}

/** Records deliveries with their targets, for other processes on the log to deliver. */
export function recordForOthers(
  log: Pick<Log, "append">,
  { routes, ordered }: Pick<ForwardingParts, "routes" | "ordered">,
): Recorder {
  return {
    record(entry) {
      const targets = targetsOf(entry, routes);
      const orderKey = ordered ? orderKeyOf(entry.receipt) : undefined;
      return log.append(
        toLogEntry(entry, entry.decision.reply.status, targets.length === 0 ? undefined : { targets, orderKey }),
      );
    },
  };
}

function targetsOf({ receipt, decision }: Entry, routes: Routes | undefined): readonly string[] {
  const isForwarded = decision.accepted && receipt.handshake === undefined;
  return (isForwarded && routes?.targetsOf(receipt.product, receipt.event)) || [];
}

function orderKeyOf({ product, records: [first], batch }: Receipt): string | undefined {
  return first === undefined ? undefined : `${product}:${batch ? EVERY_RECORD : first}`;
}

/** `status` is undefined until the sender is answered. */
function toLogEntry(
  { arrival, receipt, decision }: Entry,
  status: number | undefined,
  forward?: ForwardRequest,
): NewEntry {
  const { delivery, address, at } = arrival;
  const { accepted, reason } = decision;
  return { receivedAt: at, delivery, remote: address, receipt, accepted, status, refusal: reason, forward };
}
