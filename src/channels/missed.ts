import { z } from "zod";
import { UserError, usageError } from "../util/errors.ts";
import type { ApiReply, ApiRequest } from "../zoho-api/api.ts";
import { replyError } from "../zoho-api/errors.ts";
import { parseZohoTime, zohoTime } from "../zoho-api/time.ts";
import { modulePath, recordsOf } from "./records.ts";
import type { WatchProduct } from "./watch-products.ts";

/*
 * What was missed, by Zoho's lists of records and of deleted records.
 *
 * 1. Records are read the oldest change first, and each page begins at the time of the last change of the one before: one that
 *    changes meanwhile moves to the end of the list, and pages that are counted by records would then skip another.
 * 2. Only what fills a page with one second is read on by Zoho's page token, or by page numbers where it names none.
 * 3. A page is asked for from a second earlier, because Zoho does not document whether the filter includes its own second.
 */

/** A change of a record, as Zoho lists it. */
export interface RecordChange {
  readonly module: string;
  readonly id: string;
  readonly operation: "insert" | "update" | "delete";
  readonly at: Date;
}

export interface MissedRecord extends RecordChange {
  /** When the record last changed, also where `at` is when it was created. */
  readonly latest: Date;
  /** Continues behind it. What changed in the same second comes again. */
  readonly resume: string;
}

interface MissedQuery {
  readonly since: Date;
  readonly modules: readonly string[];
  /** Whether a notification of this record has come from `change.at` on. */
  readonly seen: (change: RecordChange) => boolean | Promise<boolean>;
  /** Of an earlier run with the same modules. Its `since` counts instead of this one's. */
  readonly resume?: string | undefined;
  /** Told where a run can continue that ends here, also where everything was seen. */
  readonly onProgress?: ((resume: string) => void) | undefined;
}

interface Source {
  readonly product: WatchProduct;
  readonly call: (request: ApiRequest) => Promise<ApiReply>;
}

const PER_PAGE = 200;
const SECOND_MS = 1_000;

/**
 * Changes that were not seen, module by module: changed records, the oldest first, then deleted ones. Each record appears once:
 * one that was created and edited is the `insert` if that was not seen, else the `update`.
 */
export async function* missedChanges(source: Source, query: MissedQuery): AsyncGenerator<MissedRecord> {
  const { product } = source;
  const { modules, seen, resume, onProgress } = query;
  if (!product.listsChanges)
    throw usageError(`the list of changes of ${product.title} is not known well enough`, "CRM's and Bigin's are");
  const start = resume === undefined ? undefined : readPlace(resume, modules);
  // That of the run which is continued: a later one would skip changes in what that run had not come to.
  const since = start?.since ?? wholeSecond(query.since);
  for (const module of modules.slice(start === undefined ? 0 : modules.indexOf(start.module))) {
    const place = start?.module === module ? start : { module, list: "changed" as const, at: since, since };
    for await (const { list, at, changes } of listings(source, place)) {
      const text = placeText({ module, list, at, since });
      for (const change of changes) {
        if (await seen(change)) continue;
        yield { ...change, latest: at, resume: text };
        break;
      }
      onProgress?.(text);
    }
  }
}

/** A place in the lists of one module: what Zoho lists before `at` was read. */
interface Place {
  readonly module: string;
  readonly list: "changed" | "deleted";
  readonly at: Date;
  /** Of the whole run, for the lists that come after this one. */
  readonly since: Date;
}

/** A record in one of the lists, with what happened to it, the oldest first. */
interface Listing {
  readonly list: Place["list"];
  readonly at: Date;
  readonly changes: readonly RecordChange[];
}

async function* listings(source: Source, { module, list, at, since }: Place): AsyncGenerator<Listing> {
  if (list === "changed") {
    for await (const { id, createdAt, changedAt } of changedRows(source, module, at)) {
      const edit: RecordChange = { module, id, operation: "update", at: changedAt };
      const isNew = createdAt !== undefined && createdAt >= since;
      const insert: RecordChange | undefined = isNew ? { module, id, operation: "insert", at: createdAt } : undefined;
      const isEdited = changedAt.getTime() !== createdAt?.getTime();
      yield { list, at: changedAt, changes: [...(insert ? [insert] : []), ...(isEdited ? [edit] : [])] };
    }
  }
  const from = list === "deleted" ? at : since;
  for (const { id, deletedAt } of await deletedRows(source, module, from))
    yield { list: "deleted", at: deletedAt, changes: [{ module, id, operation: "delete", at: deletedAt }] };
}

interface ChangedRow {
  readonly id: string;
  readonly createdAt: Date | undefined;
  readonly changedAt: Date;
}

/** Records that changed from a time on, the oldest change first. */
async function* changedRows(source: Source, module: string, from: Date): AsyncGenerator<ChangedRow> {
  let at = from;
  let page = 1;
  let token: string | undefined;
  /** The rows of the last seconds, which the next page has again. */
  let known = new Map<string, ChangedRow>();
  for (;;) {
    const reply = await list(source, module, "", {
      since: at,
      query: {
        fields: "Created_Time,Modified_Time",
        sort_by: "Modified_Time",
        sort_order: "asc",
        ...source.product.listQuery,
        ...(token === undefined ? { page: String(page) } : { page_token: token }),
      },
    });
    const rows = recordsOf(reply).map(
      ({ id, Created_Time, Modified_Time }): ChangedRow => ({
        id,
        createdAt: parseZohoTime(Created_Time),
        changedAt: requireTime(Modified_Time, module, id),
      }),
    );
    for (const row of rows) {
      const key = `${row.id} ${row.changedAt.getTime()}`;
      if (row.changedAt < from || known.has(key)) continue;
      known.set(key, row);
      yield row;
    }
    const { more, nextToken } = readInfo(reply);
    const last = rows.at(-1)?.changedAt;
    if (!more || last === undefined) return;
    const isAscending = rows.every(({ changedAt }, i) => changedAt >= (rows[i - 1]?.changedAt ?? changedAt));
    if (isAscending && last > at) {
      at = last;
      [page, token] = [1, undefined];
      const isNear = ({ changedAt }: ChangedRow): boolean => changedAt.getTime() >= last.getTime() - SECOND_MS;
      known = new Map([...known].filter(([, row]) => isNear(row)));
    } else {
      [page, token] = [page + 1, nextToken];
    }
  }
}

/** Records that were deleted from a time on, the first first. In which order Zoho lists them is not documented. */
async function deletedRows(source: Source, module: string, from: Date) {
  const found = new Map<string, { readonly id: string; readonly deletedAt: Date }>();
  for (let page = 1; ; page++) {
    const query = { type: "all", page: String(page) };
    const reply = await list(source, module, "/deleted", { since: from, query });
    for (const { id, deleted_time } of recordsOf(reply)) {
      const deletedAt = requireTime(deleted_time, module, id);
      if (deletedAt >= from) found.set(id, { id, deletedAt });
    }
    if (!readInfo(reply).more) break;
  }
  return [...found.values()].sort((a, b) => a.deletedAt.getTime() - b.deletedAt.getTime());
}

function list(
  { product, call }: Source,
  module: string,
  path: string,
  { since, query }: { readonly since: Date; readonly query: Readonly<Record<string, string>> },
): Promise<ApiReply> {
  const parameters = new URLSearchParams({ per_page: String(PER_PAGE), ...query });
  return call({
    method: "GET",
    path: `${modulePath(product, module)}${path}?${parameters}`,
    // On each page: a page token does not keep it.
    headers: { "if-modified-since": zohoTime(new Date(since.getTime() - SECOND_MS)) },
    repeatable: true,
    action: `list what changed in ${module}`,
    scope: product.recordScope,
  });
}

const infoSchema = z.looseObject({
  info: z.looseObject({ more_records: z.boolean().nullish(), next_page_token: z.string().nullish() }).nullish(),
});

function readInfo(reply: ApiReply): { readonly more: boolean; readonly nextToken: string | undefined } {
  if (reply.body === undefined) return { more: false, nextToken: undefined };
  const parsed = infoSchema.safeParse(reply.body);
  if (!parsed.success) throw replyError(reply, reply.call);
  const { more_records, next_page_token } = parsed.data.info ?? {};
  return { more: more_records ?? false, nextToken: next_page_token ?? undefined };
}

/** Leaving such a record out would be to miss it silently. */
function requireTime(value: unknown, module: string, id: string): Date {
  const time = parseZohoTime(value);
  if (time !== undefined) return time;
  throw new UserError("zohoApi", `Zoho does not say when record ${id} of ${module} changed`, undefined, "no_time");
}

function wholeSecond(date: Date): Date {
  if (Number.isNaN(date.getTime())) throw usageError("since is not a valid date");
  return new Date(Math.floor(date.getTime() / SECOND_MS) * SECOND_MS);
}

function placeText({ module, list, at, since }: Place): string {
  return `${list} ${zohoTime(at)} ${zohoTime(since)} ${module}`;
}

function readPlace(text: string, modules: readonly string[]): Place {
  const [, list, ...rest] = /^(changed|deleted) (\S+) (\S+) (.+)$/.exec(text) ?? [];
  const [at, since] = rest.slice(0, 2).map(parseZohoTime);
  const module = rest[2] ?? "";
  const isWhole = at !== undefined && since !== undefined && modules.includes(module);
  if (isWhole && (list === "changed" || list === "deleted")) return { module, list, at, since };
  throw usageError(
    `resume ${JSON.stringify(text)} is not of a call with these modules`,
    "leave it out to begin at the start",
  );
}
