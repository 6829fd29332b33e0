import { z } from "zod";
import { idsAt, textAt } from "../../core/field.ts";
import type { Payload } from "../../core/payload.ts";
import { dateTime, recordId } from "./schema-parts.ts";

/** The API that a record can be fetched from, as it stands in the path of `resource_uri`. */
type Api = "crm" | "recruit";

/**
 * The envelope of the products that keep records in modules: the guide's "Zoho CRM Webhook Payload".
 * `token` is there when the user gave one, `channel` when a notification channel sent it.
 */
export function moduleEnvelope<
  Module extends z.ZodType<string>,
  const Operation extends string,
  Data extends z.ZodType,
>(api: Api, module: Module, operation: Operation, data: Data) {
  return z.looseObject({
    module,
    operation: z.literal(operation),
    resource_uri: z.string().regex(new RegExp(`^https://[^/\\s]+/${api}/`), `an address under https://…/${api}/`),
    ids: z.array(recordId()).min(1),
    token: z.string().optional(),
    channel: z.looseObject({ id: recordId(), expiry_time: dateTime().optional() }).optional(),
    data,
  });
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
