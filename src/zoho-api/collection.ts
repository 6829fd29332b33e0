import { UserError } from "../util/errors.ts";
import { isRejection } from "./errors.ts";

/** Ends the requests if Zoho always reports another page. */
const MAX_PAGES = 500;

interface ListPage<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** Reads a list page by page, from page 1. `noun`: what it lists, for the error. */
export async function readAllPages<T>(
  noun: string,
  readPage: (page: number) => Promise<ListPage<T>>,
): Promise<readonly T[]> {
  const { items, more } = await readPages(MAX_PAGES, readPage);
  if (!more) return items;
  throw new UserError("zohoApi", `Zoho's list of ${noun} has more than ${MAX_PAGES} pages`, "try again later");
}

/** Reads at most so many pages of a list, from page 1. */
export async function readPages<T>(
  maxPages: number,
  readPage: (page: number) => Promise<ListPage<T>>,
): Promise<ListPage<T>> {
  const found: T[] = [];
  for (let page = 1; page <= maxPages; page++) {
    const { items, more } = await readPage(page);
    found.push(...items);
    if (!more) return { items: found, more };
  }
  return { items: found, more: true };
}

/** Updated while things are deleted, so that it is known what was done even if the deletion throws. */
export interface RequestedDeletions {
  /** Zoho says that it deleted them. */
  readonly confirmed: Set<string>;
  /** Requested, with no answer: they may be deleted. */
  readonly unanswered: Set<string>;
}

export function requestedDeletions(): RequestedDeletions {
  return { confirmed: new Set(), unanswered: new Set() };
}

/** The outcome of a deletion, by reading the list again afterwards. */
export interface Deletion {
  readonly deleted: readonly string[];
  /** Gone, but not by this deletion. */
  readonly unknown: readonly string[];
  readonly remaining: readonly { readonly id: string; readonly because: string }[];
}

/** The result for one id; `error` undefined: deleted. */
export interface DeletionResult {
  readonly id: string;
  readonly error?: UserError | undefined;
}

/** Deletes in batches, and confirms by the list: an answer alone is no proof. Stops when a whole request fails. */
export async function deleteAndConfirm(
  ids: readonly string[],
  { confirmed, unanswered }: RequestedDeletions,
  calls: {
    readonly batchSize: number;
    /** Sends the request for a batch. `onSend` is called right before. */
    readonly send: (batch: readonly string[], onSend: () => void) => Promise<readonly DeletionResult[]>;
    readonly listIds: () => Promise<readonly string[]>;
  },
): Promise<Deletion> {
  const because = new Map<string, string>();
  let failure: UserError | undefined;
  for (let at = 0; at < ids.length && failure === undefined; at += calls.batchSize) {
    const batch = ids.slice(at, at + calls.batchSize);
    const answered = new Set(batch);
    try {
      const results = await calls.send(batch, () => {
        for (const id of batch) unanswered.add(id);
      });
      for (const { id, error } of results) {
        if (error === undefined) confirmed.add(id);
        else because.set(id, error.message);
        if (error !== undefined && !isRejection(error)) answered.delete(id);
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failure = error;
      if (!isRejection(error)) answered.clear();
    }
    for (const id of answered) unanswered.delete(id);
    if (failure !== undefined && confirmed.size + unanswered.size === 0) throw failure;
  }
  const left = new Set(
    await calls.listIds().catch((error: unknown) => {
      throw error instanceof UserError ? (failure ?? error) : error;
    }),
  );
  const gone = ids.filter((id) => !left.has(id));
  const isOurs = (id: string): boolean => confirmed.has(id) || unanswered.has(id);
  return {
    deleted: gone.filter(isOurs),
    unknown: gone.filter((id) => !isOurs(id)),
    remaining: ids
      .filter((id) => left.has(id))
      .map((id) => ({ id, because: because.get(id) ?? failure?.message ?? "Zoho still lists it" })),
  };
}
