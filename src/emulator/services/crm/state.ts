import { z } from "zod";
import { declaredField, digits, storedRecord, user } from "../../state.ts";

const channelRow = z.object({
  product: z.string(),
  channelId: z.string(),
  module: z.string(),
  events: z.array(z.string()),
  notifyUrl: z.string(),
  token: z.string().nullable(),
  expiresAt: z.number(),
  related: z.boolean(),
  values: z.boolean(),
  condition: z.unknown(),
});
const watchState = z.object({
  rows: z.array(channelRow),
  /** Those that `advance` has made expire. */
  expired: z.array(channelRow).optional(),
});
const moduleRecords = z.object({
  /** By id, the oldest first. */
  live: z.record(z.string(), storedRecord),
  deleted: z.array(z.object({ id: z.string(), name: z.string(), deletedAt: z.number() })),
});
const storedTag = z.object({
  id: z.string(),
  name: z.string(),
  color_code: z.string().nullable(),
  createdAt: z.number(),
});
export const crmState = z.object({
  watch: watchState,
  /** By product and module, of which one that is not standard is a custom module. A listed module has no other fields. */
  declared: z.record(z.string(), z.record(z.string(), z.array(declaredField))),
  /** By product and module. */
  records: z.record(z.string(), z.record(z.string(), moduleRecords)),
  /** By product and module. */
  tags: z.record(z.string(), z.record(z.string(), z.array(storedTag))),
  /** The first does whatever is done. */
  users: z.array(user).min(1),
  nextId: digits,
});

export type StoredTag = z.infer<typeof storedTag>;
export type CrmState = z.infer<typeof crmState>;
export type WatchState = z.infer<typeof watchState>;
/** Records of CRM, Bigin or Recruit. */
export type ModuleRecords = z.infer<typeof moduleRecords>;
/** One channel in one module. */
export type ChannelRow = z.infer<typeof channelRow>;
