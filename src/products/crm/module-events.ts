import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { deletedData, moduleEnvelope, recordData } from "../shared/module-envelope.ts";
import { recordId } from "../shared/schema-parts.ts";
import { knownModules } from "./modules.ts";

/** The four events of a module whose fields are known. `noun` as in "A lead was created". */
export function moduleEvents<const Module extends string, Shape extends z.ZodRawShape>(
  module: Module,
  noun: string,
  fields: () => z.ZodObject<Shape, z.core.$loose>,
) {
  // A change may tell of some fields only, but always of which record.
  const changed = () => fields().partial().extend({ id: recordId() });
  const literal = () => z.literal(module);
  return [
    event(
      `${module}.create` as const,
      `${noun} was created`,
      () => moduleEnvelope("crm", literal(), "create", fields()),
      { once: true },
    ),
    event(`${module}.update` as const, `${noun} was updated`, () =>
      moduleEnvelope("crm", literal(), "update", changed()),
    ),
    event(`${module}.edit` as const, `${noun} was edited`, () => moduleEnvelope("crm", literal(), "edit", changed())),
    event(
      `${module}.delete` as const,
      `${noun} was deleted`,
      () => moduleEnvelope("crm", literal(), "delete", deletedData()),
      { once: true },
    ),
  ] as const;
}

const members = knownModules;

/** The same for any module, custom ones included. */
export const familyEvents = [
  event(
    "<Module>.create",
    "A record was created, in any module",
    () => moduleEnvelope("crm", z.string(), "create", recordData()),
    { once: true, members },
  ),
  event(
    "<Module>.update",
    "A record was updated, in any module",
    () => moduleEnvelope("crm", z.string(), "update", recordData()),
    { members },
  ),
  event(
    "<Module>.edit",
    "A record was edited, in any module",
    () => moduleEnvelope("crm", z.string(), "edit", recordData()),
    { members },
  ),
  event(
    "<Module>.delete",
    "A record was deleted, in any module",
    () => moduleEnvelope("crm", z.string(), "delete", deletedData()),
    { once: true, members },
  ),
  event(
    "<Module>.field.update",
    "A watched field of a record changed its value, in any module",
    () =>
      moduleEnvelope("crm", z.string(), "field.update", recordData()).extend({
        affected_fields: z.array(z.string()).optional(),
      }),
    { members },
  ),
  event(
    "<Module>.workflow",
    "A workflow rule called the webhook for a record, in any module",
    () =>
      moduleEnvelope("crm", z.string(), "workflow", recordData()).extend({
        workflow: z.looseObject({ id: recordId(), name: z.string() }).optional(),
      }),
    { members },
  ),
] as const;
