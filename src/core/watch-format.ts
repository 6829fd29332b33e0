import { z } from "zod";
import { event } from "./declare-event.ts";
import { idsAt, textAt } from "./field.ts";
import { moduleRecords } from "./module-envelope.ts";
import type { Payload } from "./payload.ts";
import type { Format } from "./product.ts";
import { bodyToken } from "./proofs/body-token.ts";
import { recordId } from "./schema-parts.ts";

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
    recognise: recogniseNotification,
    records: moduleRecords,
    // Deliveries have no id of their own; those who tell repeats apart compare these, beside module, verb and record.
    identity(data) {
      const parts = [...idsAt(data, ["channel_id"]), ...idsAt(data, ["server_time"])];
      return parts.length < 2 ? undefined : parts.join("|");
    },
    ...(hint === undefined ? {} : { hint }),
  } as const satisfies Format;
}

function notification(api: string, verb: Verb) {
  return z.looseObject({
    server_time: z.number(),
    module: z.string().min(1),
    resource_uri: z.string().regex(new RegExp(`^https://[^/\\s]+/${api}/`), `an address under https://…/${api}/`),
    ids: z.array(recordId()).min(1),
    channel_id: channelId(),
    query_params: z.looseObject({}),
    affected_fields: z.array(z.record(z.string(), z.array(z.unknown()))),
    affected_values: z.array(z.looseObject({ record_id: recordId(), values: z.looseObject({}) })).optional(),
    // Integrations in use accept the subscription's own word as well.
    operation: z.enum([OPERATIONS[verb], verb]),
    token: z.string().nullish(),
  });
}

/** What receivers in use read; the rest is like its siblings', as far as anyone knows. */
function seenNotification(api: string, verb: Verb) {
  return notification(api, verb).partial({
    server_time: true,
    resource_uri: true,
    query_params: true,
    affected_fields: true,
  });
}

/** The subscriber's own choice: 64 bits, which may be negative. */
function channelId() {
  return z.union([z.string().regex(/^-?\d+$/), z.int()], { error: "an id: digits, as text or number" });
}

/** By two marks that no other body has: a channel or the server's time, and no record beside them. */
function recogniseNotification({ data }: Payload): string | undefined {
  const module = textAt(data, ["module"]);
  const operation = textAt(data, ["operation"]);
  if (module === undefined || operation === undefined || typeof data !== "object" || data === null) return undefined;
  if (Object.hasOwn(data, "data")) return undefined;
  if (idsAt(data, ["channel_id"]).length === 0 && idsAt(data, ["server_time"]).length === 0) return undefined;
  const verb = Object.entries(OPERATIONS).find(([, word]) => word === operation)?.[0];
  return `${module}.${verb ?? operation}`;
}
