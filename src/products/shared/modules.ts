import { z } from "zod";
import { splitUrl } from "../../body/delivery.ts";
import { idsAt, type Payload, textAt } from "../../body/payload.ts";
import { encodeFields } from "../../core/edit-body.ts";
import { event, type Format } from "../../core/product.ts";
import { bodyToken } from "../../core/proofs/token.ts";
import { dateTime, lookup, recordId, resourceUri } from "./schema-parts.ts";

/**
 * The envelope of the products that keep records in modules: the guide's "Zoho CRM Webhook Payload".
 * `token` is there when the user gave one, `channel` when a notification channel sent it.
 */
export function moduleEnvelope<
  Module extends z.ZodType<string>,
  const Operation extends string,
  Data extends z.ZodType,
>(api: "crm" | "recruit", module: Module, operation: Operation, data: Data) {
  return z.looseObject({
    module,
    operation: z.literal(operation),
    resource_uri: resourceUri(api),
    ids: z.array(recordId()).min(1),
    token: z.string().optional(),
    channel: z.looseObject({ id: recordId(), expiry_time: dateTime().optional() }).optional(),
    data,
  });
}

/** What every record has, whatever its module. */
export function recordData() {
  return z.looseObject({
    id: recordId(),
    Owner: lookup().optional(),
    Created_Time: dateTime().nullish(),
    Modified_Time: dateTime().nullish(),
  });
}

/** A deleted record is gone: only its id is sure to be told. */
export function deletedData() {
  return recordData().extend({ Deleted_Time: dateTime().nullish() });
}

/** `Leads.create`: the module and what happened in it. */
export function recogniseModuleEvent({ data }: Payload): string | undefined {
  const module = textAt(data, ["module"]);
  const operation = textAt(data, ["operation"]);
  return module === undefined || operation === undefined || isNotification(data) ? undefined : `${module}.${operation}`;
}

/** A channel's notification, by marks that no other body has: a channel or the server's time, and no record beside them. */
function isNotification(data: unknown): boolean {
  if (typeof data !== "object" || data === null || Object.hasOwn(data, "data")) return false;
  return Object.hasOwn(data, "channel_id") || Object.hasOwn(data, "server_time");
}

export function moduleRecords(data: unknown): readonly string[] {
  return idsAt(data, ["ids"]);
}

/** What a channel is subscribed to beside what its notifications say: `Leads.edit` comes as `"operation":"update"`. */
const OPERATIONS = { create: "insert", edit: "update", delete: "delete" } as const;
type Verb = keyof typeof OPERATIONS;

interface WatchParts {
  readonly source: string;
  /** As it stands in the path of `resource_uri`. */
  readonly api: string;
  readonly modules: readonly string[];
  /** The members are documented, or known from captures; otherwise only the needed ones are asked for. */
  readonly documented: boolean;
  readonly hint?: Format["hint"];
}

/**
 * The notification that a channel of the watch API posts to its `notify_url`: which records changed, never what is in
 * them. Zoho's CRM, Bigin and Recruit share it.
 */
export function watchFormat({ source, api, modules: members, documented, hint }: WatchParts) {
  const of = (verb: Verb) => () => (documented ? notification : seenNotification)(api, verb);
  const once = true;
  return {
    id: "wire",
    source,
    proofs: [bodyToken],
    events: [
      event("<Module>.create", "A channel tells that records were created", of("create"), { once, members }),
      event("<Module>.edit", "A channel tells that records were edited", of("edit"), { members }),
      event("<Module>.delete", "A channel tells that records were deleted", of("delete"), { once, members }),
    ],
    recognise: (payload) => recogniseNotification(payload, documented),
    records: moduleRecords,
    batches: true,
    encode: (data, _event, url) => encodeFields(withQueryOf(data, url), "json"),
    // Deliveries have no id of their own; those who tell repeats apart compare these, beside module, verb and record.
    identity(data) {
      const parts = [...idsAt(data, ["channel_id"]), ...idsAt(data, ["server_time"])];
      return parts.length < 2 ? undefined : parts.join("|");
    },
    ...(hint === undefined ? {} : { hint }),
  } as const satisfies Format;
}

/** The query of the channel's URL is in the body, too. */
function withQueryOf(data: unknown, url: string): unknown {
  const { query } = splitUrl(url);
  if (query === "" || typeof data !== "object" || data === null || !("query_params" in data)) return data;
  return { ...data, query_params: Object.fromEntries(new URLSearchParams(query)) };
}

function notification(api: string, verb: Verb) {
  return z.looseObject({
    server_time: z.number(),
    module: z.string().min(1),
    resource_uri: resourceUri(api),
    ids: z.array(recordId()).min(1),
    channel_id: channelId(),
    query_params: z.looseObject({}).nullish(),
    // Not there where the channel was made without it: what has changed is not known then.
    affected_fields: z.array(z.record(z.string(), z.array(z.unknown()))).nullish(),
    affected_values: z.array(z.looseObject({ record_id: recordId(), values: z.looseObject({}) })).optional(),
    // Integrations in use accept the subscription's own word as well.
    operation: z.enum([OPERATIONS[verb], verb]),
    token: z.string().nullish(),
  });
}

/** What receivers in use read; the rest is like its siblings', as far as anyone knows. */
function seenNotification(api: string, verb: Verb) {
  const unknown = z.unknown().optional();
  // The address, where it is one, tells the products apart.
  const parts = notification(api, verb).partial({ resource_uri: true });
  return parts.extend({
    server_time: unknown,
    query_params: unknown,
    affected_fields: unknown,
    affected_values: unknown,
  });
}

/** The subscriber's own choice: 64 bits, which may be negative. Whether it may be a text of another kind is not known. */
function channelId() {
  return z.union([z.string().min(1), z.int()], { error: "the id of a channel, as text or number" });
}

function recogniseNotification({ data }: Payload, documented: boolean): string | undefined {
  const module = textAt(data, ["module"]);
  const operation = textAt(data, ["operation"]);
  if (module === undefined || !isNotification(data)) return undefined;
  // Where only the module is known to come, it is one all the same: its token is asked for, its records are told.
  if (operation === undefined) return documented ? undefined : module;
  const verb = Object.entries(OPERATIONS).find(([, word]) => word === operation)?.[0];
  return `${module}.${verb ?? operation}`;
}
