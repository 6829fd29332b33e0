import { z } from "zod";
import { idsAt, textAt } from "../../core/field.ts";
import type { Payload } from "../../core/payload.ts";
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
export function isNotification(data: unknown): boolean {
  if (typeof data !== "object" || data === null || Object.hasOwn(data, "data")) return false;
  return Object.hasOwn(data, "channel_id") || Object.hasOwn(data, "server_time");
}

export function moduleRecords(data: unknown): readonly string[] {
  return idsAt(data, ["ids"]);
}
