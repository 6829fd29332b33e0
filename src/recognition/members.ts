import { z } from "zod";
import type { Envelope } from "../model/product.ts";

interface Member {
  readonly path: readonly string[];
  readonly required: boolean;
}

/** How many members of an envelope a body has. */
export interface MemberCount {
  readonly present: number;
  /** The required members of the envelope, and those of them that the body lacks. */
  readonly required: number;
  readonly missing: number;
  /** Those present that are not `plain`. */
  readonly marks: number;
}

export const NO_MEMBERS: MemberCount = { present: 0, required: 0, missing: 0, marks: 0 };

const membersOfEnvelope = new WeakMap<z.ZodObject, readonly Member[]>();

/** The members of an envelope, and the required ones of its required objects. */
function membersOf(envelope: z.ZodObject): readonly Member[] {
  let members = membersOfEnvelope.get(envelope);
  if (members === undefined) {
    members = Object.entries(envelope.shape).flatMap(([name, part]): readonly Member[] => {
      const required = part._zod.optin !== "optional";
      const nested = required && part instanceof z.ZodObject ? membersOf(part).filter((each) => each.required) : [];
      return [{ path: [name], required }, ...nested.map(({ path }) => ({ path: [name, ...path], required }))];
    });
    membersOfEnvelope.set(envelope, members);
  }
  return members;
}

export function countMembers(envelope: Envelope, object: unknown): MemberCount {
  // Most bodies have no member of most envelopes, each of which requires one.
  if (!envelope.names.some((name) => isPresent(object, name))) return NO_MEMBERS;
  let [present, required, missing, marks] = [0, 0, 0, 0];
  for (const { path, required: isRequired } of membersOf(envelope())) {
    const [name = ""] = path;
    const isThere = hasMember(object, path);
    if (isRequired) required++;
    if (isRequired && !isThere) missing++;
    if (isThere) present++;
    if (isThere && !envelope.plain.includes(name)) marks++;
  }
  return { present, required, missing, marks };
}

/** Null is as good as missing. No envelope has a name that every object has. */
function hasMember(data: unknown, path: readonly string[]): boolean {
  let value = data;
  for (const name of path) {
    if (!isPresent(value, name)) return false;
    value = (value as Record<string, unknown>)[name];
  }
  return true;
}

function isPresent(data: unknown, name: string): boolean {
  const value = isObject(data) ? (data as Record<string, unknown>)[name] : undefined;
  return value !== undefined && value !== null;
}

/** The required members that are missing: `notifications.operation_type`. */
export function missingOf(envelope: Envelope, object: unknown): readonly string[] {
  const missing = membersOf(envelope()).filter(({ path, required }) => required && !hasMember(object, path));
  return missing.map(({ path }) => path.join("."));
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
