import type { Delivery } from "../../delivery/delivery.ts";
import { noSecrets } from "../../delivery/secrets.ts";
import type { Format } from "../../model/product.ts";
import { receive } from "../../recognition/receive.ts";
import { parseJson, writeJson } from "../../util/json.ts";
import { type Found, passed, skipped } from "../finding.ts";
import { type Check, fault, isAccepted, statusText } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { accepts } from "./protocol.ts";
import type { Subject } from "./samples.ts";
import { recordsOf, replaced } from "./samples.ts";

const REPEATS =
  'the guide, "Implement Idempotency": Zoho sends an event again that it has no answer for, even if you had it';
const NO_COUNT = "set --count-cmd to a command that prints your app's count";

export const idempotency: readonly Check[] = [
  {
    id: "idempotency.same-twice",
    title: "accepts the same delivery twice",
    why: `${REPEATS}; a repeat that is refused is sent a third time`,
    remedy: "answer 200 to a repeat, and do nothing",
    events: 2,
    async run(endpoint) {
      const delivery = endpoint.make();
      const first = await accepts(endpoint, "a valid delivery", delivery);
      return first.outcome === "failed" ? first : accepts(endpoint, "the same delivery again", delivery);
    },
  },
  {
    id: "idempotency.counts-once",
    title: "acts on a repeated delivery once",
    why: REPEATS,
    remedy: "store the key of each event, with a unique index, in the same transaction as its effect",
    events: 2,
    missing: ({ count }) => (count === undefined ? NO_COUNT : undefined),
    async run(endpoint) {
      const delivery = endpoint.make();
      return counted(endpoint, [delivery, delivery], "the same delivery twice", 1);
    },
  },
  {
    id: "idempotency.two-updates",
    title: "acts on two updates of one record",
    why: "the guide's getWebhookId keys on the record's id alone, so it drops the second update of a record as a repeat of the first, for 24 hours",
    remedy: "make the key of the event, the record's id and its time of change, or of a hash of the whole body",
    events: 2,
    applies: ({ update }) => update !== undefined,
    missing: ({ count }) => (count === undefined ? NO_COUNT : undefined),
    async run(endpoint) {
      const updates = twoUpdates(endpoint);
      return updates === undefined
        ? skipped("the sample has nothing that tells two updates apart")
        : counted(endpoint, updates, "two updates of one record", 2);
    },
  },
  {
    id: "idempotency.adjacent-ids",
    title: "acts on two events whose ids differ by one",
    why: "the id of an event is a number above 2^53, and JSON.parse rounds two of them to one: the second event is dropped as a repeat of the first",
    remedy:
      "read the id as text from the raw body, as zoho-hooks' parse does, or with a JSON parser that keeps long numbers",
    events: 2,
    applies: ({ format, sample }) => longEventId(format, sample.data, sample.event) !== undefined,
    missing: ({ count }) => (count === undefined ? NO_COUNT : undefined),
    run: (endpoint) => counted(endpoint, adjacentEvents(endpoint), "two events whose ids differ by one", 2),
  },
];

/** The id of an event that is written as a number which JavaScript rounds. */
function longEventId({ body }: Format, data: unknown, event: string): string | undefined {
  const text = writeJson(data);
  const parsed = parseJson(text);
  const id = parsed.ok ? body.identity?.(parsed.value, event) : undefined;
  if (id === undefined || !/^\d+$/.test(id) || Number.isSafeInteger(Number(id))) return undefined;
  return new RegExp(`:${id}[,}]`).test(text) ? id : undefined;
}

/** Two deliveries about different records, whose events' ids are the same JavaScript number. */
function adjacentEvents({ subject: { format, sample }, make }: Endpoint): readonly Delivery[] {
  let next: bigint | undefined;
  const renumber = (data: unknown): unknown => {
    const own = longEventId(format, data, sample.event);
    if (own === undefined) return data;
    next = next === undefined ? firstOfTwins(BigInt(own)) : next + 1n;
    return replaced(data, own, String(next));
  };
  return [make({ edit: renumber }), make({ edit: renumber })];
}

/** The first number from `start` on that is the same JavaScript number as the one after it. */
function firstOfTwins(start: bigint): bigint {
  let first = start;
  while (Number(first) !== Number(first + 1n)) first++;
  return first;
}

/** Two deliveries about one record, which our own rule for duplicates tells apart. */
function twoUpdates({ subject, make, now }: Endpoint): readonly Delivery[] | undefined {
  const { update: sample, format } = subject;
  if (sample === undefined) return undefined;
  let id: string | undefined;
  const ofOneRecord = (data: unknown): unknown => {
    const [own] = recordsOf(format, data, sample.event);
    id ??= own;
    return own === undefined || id === undefined ? data : replaced(data, own, id);
  };
  const minuteAgo = new Date(now().getTime() - 60_000);
  const updates = [make({ sample, edit: ofOneRecord, now: minuteAgo }), make({ sample, edit: ofOneRecord })];
  const [first, second] = updates.map((delivery) => identityOf(subject, delivery));
  return id === undefined || first === undefined || first === second ? undefined : updates;
}

function identityOf({ product, update }: Subject, delivery: Delivery): string | undefined {
  const event = update?.event;
  return receive({ products: [product], product, event, delivery, secrets: noSecrets, now: new Date(), schemas: false })
    .identity;
}

/** An app may act some time after its answer: its count is looked at until it stays the same. */
const MAX_LOOKS = 30;
const SAME_LOOKS = 3;

async function settledCount({ subject, sleep }: Endpoint, atLeast: number): Promise<number> {
  const { count = async () => 0, deadlineMs } = subject;
  let last = await count();
  for (let looks = 0, same = 1; looks < MAX_LOOKS && (same < SAME_LOOKS || last < atLeast); looks++) {
    await sleep(deadlineMs / MAX_LOOKS);
    const now = await count();
    same = now === last ? same + 1 : 1;
    last = now;
  }
  return last;
}

async function counted(
  endpoint: Endpoint,
  deliveries: readonly Delivery[],
  sent: string,
  expected: number,
): Promise<Found> {
  const before = await settledCount(endpoint, 0);
  for (const [i, delivery] of deliveries.entries()) {
    const answer = await endpoint.send(delivery);
    // Another check sees to the answer to a repeat.
    if (i < expected && !isAccepted(answer)) return fault(`${sent}: ${statusText(answer)}`, sent, answer);
  }
  const acted = (await settledCount(endpoint, before + expected)) - before;
  return acted === expected
    ? passed()
    : fault(`${sent} counted ${times(acted)}, not ${times(expected)}`, sent, `the count rose by ${acted}`);
}

function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}
