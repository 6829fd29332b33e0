import type { Sleep } from "../../util/timing.ts";
import { recordSchema, type TokenCache, type TokenRecord } from "../../zoho-api/token-refresh.ts";
import { type Seal, sealWith } from "./seal.ts";
import type { Store } from "./types.ts";
import { ZohoError } from "./zoho-error.ts";

/** An hour for the token, and ten minutes for the times of its refreshes. */
const RECORD_TTL_S = 4_200;
/** The least that Cloudflare KV accepts. */
const LOCK_TTL_S = 60;
/** A holder of the lock that has not written a record by then is taken for dead. */
const TURN_MS = 10_000;
const MAX_TURNS = 6;
const POLL_MS = 250;

interface Versioned {
  readonly record: TokenRecord;
  /** Changes with each write; "" for no record. */
  readonly version: string;
}

/**
 * The record of a sign-in in a store. A lock is of one version of the record, and the next version has another one: so nothing
 * is ever unlocked, which would risk to end the lock of another instance.
 */
export function storedTokens(store: Store, secret: string, sleep: Sleep): TokenCache {
  let opened: Promise<Seal> | undefined;
  const open = (): Promise<Seal> => {
    opened ??= sealWith(secret);
    return opened;
  };
  /** What this instance read or wrote last, so that a warm one asks no store. */
  let last: Versioned | undefined;
  const writes = { begun: 0, ended: 0 };
  const keyOf = ({ name }: Seal): string => `zoho-hooks:${name}`;
  const readStore = async (): Promise<Versioned> => {
    const seal = await open();
    const before = { ...writes };
    const text = await orStoreError(() => store.get(keyOf(seal)));
    const { record, version } = Object(typeof text === "string" ? await seal.open(text) : undefined);
    const parsed = recordSchema.safeParse(record);
    const read = parsed.success
      ? { record: parsed.data, version: String(version) }
      : { record: { refreshedAt: [] }, version: "" };
    // What another caller was writing while this one read is newer.
    const isNewest = before.begun === before.ended && before.begun === writes.begun;
    if (last === undefined || isNewest) last = read;
    return last;
  };
  const write = async (record: TokenRecord): Promise<void> => {
    const seal = await open();
    const written = { record, version: crypto.randomUUID() };
    last = written;
    writes.begun++;
    try {
      await store.set(keyOf(seal), await seal.close(written), { ttl: RECORD_TTL_S });
    } catch {
      // The token is good although it is not stored: Cloudflare KV accepts one write a second for a key.
    } finally {
      writes.ended++;
    }
  };
  return {
    read: async (isStale) => (isStale || last === undefined ? await readStore() : last).record,
    write,
    async remove() {
      last = undefined;
    },
    async locked(work, signal) {
      const { version } = await readStore();
      if (store.add === undefined) return work();
      const key = `${keyOf(await open())}:${version}`;
      for (let turn = 0; turn < MAX_TURNS; turn++) {
        if (await orStoreError(() => store.add?.(`${key}:${turn}`, "1", { ttl: LOCK_TTL_S }))) break;
        for (let waitedMs = 0; waitedMs < TURN_MS; waitedMs += POLL_MS) {
          await sleep(POLL_MS, signal);
          signal?.throwIfAborted();
          if ((await readStore()).version !== version) return work();
        }
      }
      const before = writes.begun;
      try {
        return await work();
      } finally {
        // Where no refresh was tried, nobody is to wait for the end of this turn.
        if (writes.begun === before) await write(last?.record ?? { refreshedAt: [] });
      }
    },
  };
}

async function orStoreError<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint = "check the address and the credentials of the store that was given to connectZoho";
    throw new ZohoError(`the store failed: ${reason}`, { code: "store", hint, cause });
  }
}
