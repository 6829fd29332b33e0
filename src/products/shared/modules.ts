import { z } from "zod";
import { splitUrl } from "../../delivery/delivery.ts";
import { idsAt, type Payload, textAt } from "../../delivery/payload.ts";
import {
  type EventOptions,
  type Evidence,
  event,
  type Format,
  type Sender,
  type WebhookEvent,
} from "../../model/product.ts";
import { guideSignature } from "../../signatures/body-signature.ts";
import { bodyToken } from "../../signatures/token.ts";
import { encodeFields } from "./encode-fields.ts";
import { guideFormat } from "./guide-format.ts";
import {
  dateTime,
  lazyObject,
  lookup,
  optionalText,
  part,
  recordId,
  requiredText,
  resourceUri,
} from "./schema-parts.ts";

/** The module of `Leads.create`; any module of `<Module>.create`. */
type ModuleOf<Name extends string> = Name extends `<${string}`
  ? string
  : Name extends `${infer M}.${string}`
    ? M
    : never;
type OperationOf<Name extends string> = Name extends `${string}.${infer Operation}` ? Operation : never;

/**
 * The envelope of an event such as `Leads.create` or `<Module>.create`: the guide's "Zoho CRM Webhook Payload". `token` is there
 * when the user set one, `channel` when a notification channel sent it.
 */
export function moduleEnvelope<const Name extends `${string}.${string}`, Data extends z.ZodType>(
  api: "crm" | "recruit",
  name: Name,
  data: Data,
) {
  const [module = "", ...operation] = name.split(".");
  const moduleSchema = module.startsWith("<") ? z.string() : z.literal(module);
  return guideEnvelope[api]().extend({
    // The types follow from the name, which the compiler cannot see.
    module: moduleSchema as unknown as z.ZodType<ModuleOf<Name>>,
    operation: z.literal(operation.join(".") as OperationOf<Name>),
    data,
  });
}

/** Members of the events of all modules. */
const guideEnvelope = { crm: baseEnvelope("crm"), recruit: baseEnvelope("recruit") };

function baseEnvelope(api: string) {
  return lazyObject({
    module: requiredText,
    operation: requiredText,
    resource_uri: () => resourceUri(api),
    ids: () => z.array(recordId()).min(1),
    token: () => requiredText().optional(),
    channel: () => z.looseObject({ id: recordId(), expiry_time: dateTime().optional() }).optional(),
    data: () => z.looseObject({}),
  });
}

/** The API in the URL of a record, or of a module: it tells the products apart. */
const API = /^https?:\/\/[^/\s]+\/(crm|recruit|bigin)\//;

function isOfOtherApi(api: string, data: object): boolean {
  const named = API.exec(textAt(data, ["resource_uri"]) ?? "")?.[1];
  return named !== undefined && named !== api;
}

/** Declares events of an API with that envelope. */
export function moduleEventOf(api: "crm" | "recruit") {
  return <const Name extends `${string}.${string}`, Data extends z.ZodType>(
    name: Name,
    summary: string,
    data: () => Data,
    options?: EventOptions,
  ) => event(name, summary, () => moduleEnvelope(api, name, data()), options);
}

interface ModuleGuideParts<Events> {
  readonly evidence: Evidence;
  readonly api: "crm" | "recruit";
  readonly source: string;
  readonly events: Events;
}

/** The guide's format of those events. */
export function moduleGuide<const Events extends readonly WebhookEvent[]>({
  api,
  source,
  evidence,
  events,
}: ModuleGuideParts<Events>) {
  return guideFormat({
    source,
    evidence,
    // The token is in the body that the signature covers.
    proofs: [bodyToken, guideSignature],
    events,
    recognise: recogniseModuleEvent,
    envelope: (data) => (isOfOtherApi(api, data) ? undefined : guideEnvelope[api]),
    records: moduleRecords,
  });
}

/** The fields of records of every module. */
export function recordData() {
  return z.looseObject({
    id: recordId(),
    Owner: lookup().optional(),
    Created_Time: dateTime().nullish(),
    Modified_Time: dateTime().nullish(),
  });
}

/** Only the id of a deleted record is certain. */
export function deletedData() {
  return recordData().extend({ Deleted_Time: dateTime().nullish() });
}

/** `Leads.create`: module and operation. */
function recogniseModuleEvent({ data }: Payload): string | undefined {
  const module = textAt(data, ["module"]);
  const operation = textAt(data, ["operation"]);
  return module === undefined || operation === undefined || isNotification(data) ? undefined : `${module}.${operation}`;
}

/** The notification of a channel, which has its id or the server's time, and no record. */
function isNotification(data: unknown): boolean {
  if (typeof data !== "object" || data === null || Object.hasOwn(data, "data")) return false;
  return Object.hasOwn(data, "channel_id") || Object.hasOwn(data, "server_time");
}

function moduleRecords(data: unknown): readonly string[] {
  return idsAt(data, ["ids"]);
}

/** The operations in notifications by the verbs of subscriptions: `Leads.edit` arrives as `"operation":"update"`. */
const OPERATIONS = { create: "insert", edit: "update", delete: "delete" } as const;
type Verb = keyof typeof OPERATIONS;

interface WatchParts {
  readonly source: string;
  readonly evidence: Evidence;
  /** The first part of the path of `resource_uri`. */
  readonly api: string;
  readonly modules: readonly string[];
  /** Whether the members are documented or known from recordings; otherwise only the necessary ones are required. */
  readonly documented: boolean;
  readonly hint?: Sender["hint"];
}

/**
 * The notification that a channel of the watch API of CRM, Bigin and Recruit posts to its `notify_url`: the ids of changed
 * records, never their content.
 */
export function watchFormat({ source, evidence, api, modules: members, documented, hint }: WatchParts) {
  const envelope = (documented ? notification : undocumentedNotification)(api);
  // Integrations in use accept the subscription's own word as well.
  const schema = (verb: Verb) => () => envelope().extend({ operation: z.enum([OPERATIONS[verb], verb]) });
  const once = true;
  return {
    id: "wire",
    source,
    evidence,
    proofs: [bodyToken],
    events: [
      event("<Module>.create", "A channel reports that records were created", schema("create"), { once, members }),
      event("<Module>.edit", "A channel reports that records were edited", schema("edit"), { members }),
      event("<Module>.delete", "A channel reports that records were deleted", schema("delete"), { once, members }),
    ],
    body: {
      recognise: (payload) => recogniseNotification(payload, documented),
      envelope: (data: object) => (isOfOtherApi(api, data) ? undefined : envelope),
      records: moduleRecords,
      // Notifications have no id. Beside module, verb and records, the time of the change identifies it. Two channels may
      // report one change: channel and token are left out, as far as Zoho gives both the same time, which is not documented.
      identity: (data) => idsAt(data, ["server_time"])[0],
    },
    sender: {
      encode: (data, _event, url) => encodeFields(withQueryOf(data, url), "json"),
      ...(hint === undefined ? {} : { hint }),
    },
  } as const satisfies Format;
}

/** Notifications repeat the query of the channel's URL in the body. */
function withQueryOf(data: unknown, url: string): unknown {
  const { query } = splitUrl(url);
  if (query === "" || typeof data !== "object" || data === null || !("query_params" in data)) return data;
  return { ...data, query_params: Object.fromEntries(new URLSearchParams(query)) };
}

const affectedFields = part(() => z.array(z.record(z.string(), z.array(z.unknown()))).nullish());
const affectedValues = part(() =>
  z.array(z.looseObject({ record_id: recordId(), values: z.looseObject({}) })).optional(),
);

const notificationParts = (api: string) => ({
  server_time: () => z.number(),
  module: () => z.string().min(1),
  resource_uri: () => resourceUri(api),
  ids: () => z.array(recordId()).min(1),
  channel_id: channelId,
  query_params: () => z.looseObject({}).nullish(),
  // Missing where the channel was created without it.
  affected_fields: affectedFields,
  affected_values: affectedValues,
  operation: requiredText,
  token: optionalText,
});

const PLAIN = ["module", "operation", "token"];

function notification(api: string) {
  return lazyObject(notificationParts(api), PLAIN);
}

/** Only what receivers in use read is certain. */
function undocumentedNotification(api: string) {
  const unknown = () => z.unknown().optional();
  return lazyObject(
    {
      ...notificationParts(api),
      // Where there is a URL, it identifies the product.
      resource_uri: () => resourceUri(api).optional(),
      server_time: unknown,
      query_params: unknown,
      affected_fields: unknown,
      affected_values: unknown,
    },
    PLAIN,
  );
}

/** Chosen by the subscriber: 64 bits, possibly negative. Whether other text is allowed is not known. */
const channelId = part(() =>
  z.union([z.string().min(1), z.int()], { error: "the id of a channel, as text or number" }),
);

function recogniseNotification({ data }: Payload, documented: boolean): string | undefined {
  const module = textAt(data, ["module"]);
  const operation = textAt(data, ["operation"]);
  if (module === undefined || !isNotification(data)) return undefined;
  // Where only the module is documented to be sent, it is still a notification, with a token and record ids.
  if (operation === undefined) return documented ? undefined : module;
  const verb = Object.entries(OPERATIONS).find(([, word]) => word === operation)?.[0];
  return `${module}.${verb ?? operation}`;
}
