import { type RecordStore, Refusal, storeOf } from "../emulator/answer.ts";
import { planFault, readAge, wholeDelivery } from "../emulator/control.ts";
import { openEmulator } from "../emulator/emulator.ts";
import { variablesOf } from "../emulator/published.ts";
import { readSnapshot, snapshotOf } from "../emulator/snapshot.ts";
import { UserError, usageError } from "../util/errors.ts";
import { packageRootOf } from "./fixtures.ts";
import { requireOptions } from "./input.ts";

export interface ZohoOptions {
  /** The clock by which tokens and channels expire. Default: the real one. */
  readonly now?: (() => Date) | undefined;
  /**
   * What it has at the start and after each reset, as a file of `emulate --seed` has it: `{ crm: { Leads: [{ Last_Name: "Doe" }] } }`.
   */
  readonly seed?: Readonly<Record<string, unknown>> | undefined;
}

/** A record as the product's API answers it. */
export type ZohoRecord = Readonly<Record<string, unknown>> & { readonly id: string };

/**
 * The records of a product. Writes do what a call of the API does: subscribers are told. They reject with an Error where the API would
 * answer one.
 */
export interface ZohoRecords {
  /** `zoho.crm.create("Leads", { Last_Name: "Doe", Company: "Acme" })`. */
  create(module: string, data: Readonly<Record<string, unknown>>): Promise<ZohoRecord>;
  change(module: string, id: string, data: Readonly<Record<string, unknown>>): Promise<ZohoRecord>;
  delete(module: string, id: string): Promise<void>;
  /** The newest first. */
  list(module: string): readonly ZohoRecord[];
}

/** A channel or a webhook. */
export interface ZohoSubscription {
  readonly product: string;
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  /** In milliseconds since the epoch; undefined for one that does not expire. */
  readonly expiresAt?: number;
  readonly enabled: boolean;
}

/** A request that the organisation has posted to a subscriber. */
export interface ZohoDelivery {
  /** Counts from 1. */
  readonly n: number;
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly product: string;
  readonly event: string;
  readonly method: string;
  readonly url: string;
  /** With names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Of the answer; undefined if none came. */
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  /** Until the answer, in milliseconds. */
  readonly ms?: number | undefined;
  /** The fault that `fail` asked for. */
  readonly fault?: string | undefined;
  readonly again?: number | undefined;
}

/** An answer in the place of the emulator's, for a path that it does not have or whose answer a test wants to choose. */
export interface ZohoAnswer {
  /** Default: any. */
  readonly method?: string;
  /** Without a query. A part in braces stands for any part: `/crm/v8/Leads/{id}/Notes`. */
  readonly path: string;
  /** Default: 200. */
  readonly status?: number;
  /** Sent as JSON; a string as it is. Default: empty. */
  readonly body?: unknown;
  /** How many requests it answers. Default: all, until the reset or another answer for the same method and path. */
  readonly times?: number;
}

/** What `snapshot()` returns, and what a file of `emulate --state` contains. It can be kept as JSON. */
export interface ZohoSnapshot {
  readonly type: string;
  readonly v: number;
  readonly state: object;
}

export type ZohoFault =
  | {
      /** A status from 400, `cut` for a closed connection, `silence` for no answer, or `3s` for the usual one that much later. */
      readonly answer: number | "silence" | "cut" | `${number}${"ms" | "s" | "m" | "h"}`;
      /** Default: 1. */
      readonly times?: number;
      /** Beginning of the paths of the requests, such as `/crm`. Default: any. */
      readonly path?: string;
      /** `5s`, for the header Retry-After. */
      readonly retryAfter?: string;
    }
  | {
      /** `late` by five seconds, `out-of-order` behind the next one to the same URL. */
      readonly delivery: "lost" | "late" | "twice" | "out-of-order";
      readonly times?: number;
      /** Default: any. */
      readonly product?: string;
    };

/** An emulated organisation in the process of a test. */
export interface Zoho extends Readonly<Record<"crm" | "bigin" | "recruit" | "desk" | "books" | "sign", ZohoRecords>> {
  /** `http://127.0.0.1:49152`, without a slash at its end. */
  readonly url: string;
  /** What `emulate --env` prints: `ZOHO_ACCOUNTS_URL`, `ZOHO_CLIENT_ID`, …, and the secrets that it signs with, `ZOHO_WEBHOOK_…`. */
  readonly env: Readonly<Record<string, string>>;
  /** Channels and webhooks. */
  subscriptions(): readonly ZohoSubscription[];
  /** What it has posted, oldest first, once everything that was to be sent is answered or has failed. */
  deliveries(): Promise<readonly ZohoDelivery[]>;
  /** Makes the next answers or the next deliveries fail. Throws a TypeError for a mistake in the fault. */
  fail(fault: ZohoFault): void;
  /** Plans an answer. Requests still need an access token, but for those of the accounts server. Throws a TypeError for a mistake. */
  answer(answer: ZohoAnswer): void;
  /** Ages all that it holds, by `6d` or milliseconds: channels and tokens expire sooner. The clock stays. */
  advance(by: string | number): void;
  /** Puts it back to its start: its seed, or nothing. */
  reset(): void;
  /** All that it holds now: records, channels, webhooks and tokens. */
  snapshot(): ZohoSnapshot;
  /** Goes back to a snapshot, also of another one. Like a reset it forgets planned faults and answers, and all deliveries. */
  restore(snapshot: ZohoSnapshot): void;
  close(): Promise<void>;
}

/** `fileUrl`: of a file in src/ or dist/ of the package, which has the samples. */
export async function openZoho(fileUrl: string | undefined, options: ZohoOptions): Promise<Zoho> {
  requireOptions(options, ["now", "seed"]);
  const { now, seed } = options;
  const emulator = await openEmulator({
    port: 0,
    packageRoot: packageRootOf(fileUrl) ?? "",
    env: {},
    seed: seed && { content: seed, error: seedError },
    ...(now === undefined ? {} : { now }),
  }).catch((error: unknown) =>
    readably(() => {
      throw error;
    }),
  );
  const { deliveries, faults, stubs, organisation } = emulator;
  const recordsOf = (product: string): ZohoRecords => {
    const write = async <T>(work: (store: RecordStore) => T): Promise<T> => {
      await deliveries.room();
      return readably(() => work(storeOf(organisation.stores, product)));
    };
    return {
      create: (module, data) => write((each) => each.create(module, data)),
      change: (module, id, data) => write((each) => each.change(module, id, data)),
      delete: (module, id) => write((each) => each.remove(module, id)),
      list: (module) => readably(() => storeOf(organisation.stores, product).list(module, Number.POSITIVE_INFINITY)),
    };
  };
  return {
    url: emulator.url,
    env: variablesOf(emulator.url),
    crm: recordsOf("crm"),
    bigin: recordsOf("bigin"),
    recruit: recordsOf("recruit"),
    desk: recordsOf("desk"),
    books: recordsOf("books"),
    sign: recordsOf("sign"),
    subscriptions: () => organisation.subscriptions(),
    async deliveries() {
      await deliveries.settled();
      return deliveries.sent.items.map(wholeDelivery);
    },
    fail: (fault) => readably(() => planFault(faults, { ...fault })),
    answer: (answer) => readably(() => stubs.add({ ...answer })),
    advance: (by) => readably(() => emulator.advance(readAge(typeof by === "number" ? `${by}ms` : by))),
    reset: () => emulator.reset(),
    snapshot: () => structuredClone(snapshotOf(organisation.state)),
    // A copy, since the state changes from then on.
    restore: (snapshot) =>
      readably(() =>
        emulator.restore(readSnapshot(structuredClone(snapshot), "the argument", "snapshot() returns one")),
      ),
    close: () => emulator.close(),
  };
}

function seedError(keys: readonly PropertyKey[], message: string, hint?: string): UserError {
  return usageError(`${["seed", ...keys].map(String).join(".")}: ${message}`, hint);
}

/** What the command line shows with a hint is one message here. */
function readably<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) throw new Error(`Zoho would refuse it: ${error.message}`);
    if (!(error instanceof UserError)) throw error;
    throw new TypeError(error.hint === undefined ? error.message : `${error.message}: ${error.hint}`);
  }
}
