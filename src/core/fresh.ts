/** A source of whole numbers from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed, everywhere: mulberry32. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

/** Zoho's record ids: 15 to 19 digits, the first of which belong to the organisation. */
const ID = /(?<![0-9A-Za-z])[1-9][0-9]{14,18}(?![0-9A-Za-z])/g;
const ORGANISATION_DIGITS = 8;
/** Ids of another kind, known by the name that they stand under: letters and digits mixed. */
const MIXED_ID = /^(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9]{8,}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID_NAME = /(?:^|_)id$/i;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** Milliseconds or seconds since 1970, under a name that says so: as a number, or as text. */
const EPOCH = /^1[5-9]\d{8}(\d{3})?$/;
const EPOCH_NAME = /date|time|_at$/i;
/** Times under these names lie ahead of the event or long before it; they do not tell when it happened. */
const NOT_THE_EVENT = /expir|due|next|end|until|deadline|start|scheduled|from|to$/i;

/**
 * A sample as if it happened now: every record id replaced by a new one, the same everywhere it stands (also inside a
 * URL), and every time shifted by the same amount, so that the event's own time is `now` and intervals stay.
 * Without `now` times stay as they are.
 */
export function freshen(data: unknown, random: Random, now: Date | undefined): unknown {
  const ids = new Map<string, string>();
  const then = now === undefined ? undefined : eventTime(data);
  const shiftMs = now === undefined || then === undefined ? undefined : Math.floor(now.getTime() / 1000) * 1000 - then;
  const change = (value: string, name: string): string => {
    if (shiftMs !== undefined && isEpoch(value, name)) return String(toEpoch(value, toMs(value) + shiftMs));
    if (shiftMs !== undefined && DATE_TIME.test(value)) return shiftDateTime(value, shiftMs);
    if (shiftMs !== undefined && DATE.test(value)) return shiftDate(value, shiftMs);
    const known = (id: string, make: (id: string, random: Random) => string): string => {
      const made = ids.get(id) ?? make(id, random);
      ids.set(id, made);
      return made;
    };
    if (MIXED_ID.test(value) && ID_NAME.test(name)) return known(value, newMixedId);
    if (UUID.test(value) && ID_NAME.test(name)) return known(value, newUuid);
    return value.replace(ID, (id) => known(id, newId));
  };
  return withNewNames(mapScalars(data, change), ids);
}

/** A record's id may also be a name: the changed fields of each record of a notification stand under it. */
function withNewNames(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((each) => withNewNames(each, ids));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [ids.get(key) ?? key, withNewNames(each, ids)]));
}

function newId(id: string, random: Random): string {
  const kept = id.slice(0, ORGANISATION_DIGITS);
  let rest = "";
  while (kept.length + rest.length < id.length) rest += String(random(10));
  return kept + rest;
}

/** As long, with letters and digits where they were. */
function newMixedId(id: string, random: Random): string {
  const letter = (first: string): string => String.fromCharCode(first.charCodeAt(0) + random(26));
  return id.replace(/[A-Za-z0-9]/g, (char) => (/\d/.test(char) ? String(random(10)) : letter(char < "a" ? "A" : "a")));
}

/** Of the same version and variant (RFC 9562, section 4). */
function newUuid(id: string, random: Random): string {
  return id.replace(/[0-9a-f]/g, (digit, at: number) => (at === 14 || at === 19 ? digit : random(16).toString(16)));
}

/** The newest time in the data, of those that can be the event's own; epoch milliseconds. */
function eventTime(data: unknown): number | undefined {
  const times: number[] = [];
  const dates: number[] = [];
  const starts: number[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value === "string" && DATE_TIME.test(value) && !NOT_THE_EVENT.test(key)) times.push(Date.parse(value));
    else if (typeof value === "string" && DATE.test(value) && !NOT_THE_EVENT.test(key)) dates.push(noonOf(value));
    else if (typeof value === "string" && DATE_TIME.test(value) && /start/i.test(key)) starts.push(Date.parse(value));
    else if (isEpoch(value, key) && !NOT_THE_EVENT.test(key)) times.push(toMs(value));
    else if (Array.isArray(value)) for (const each of value) visit(each, key);
    else if (typeof value === "object" && value !== null)
      for (const [name, each] of Object.entries(value)) visit(each, name);
  };
  visit(data, "");
  // Where nothing tells the time, the day has to do, or when it began.
  const told = [times, dates, starts].find((each) => each.length > 0) ?? [];
  const valid = told.filter(Number.isFinite);
  return valid.length === 0 ? undefined : Math.max(...valid);
}

/** Keeps the notation: offset, fraction or not. */
function shiftDateTime(value: string, shiftMs: number): string {
  const match = DATE_TIME.exec(value);
  const at = Date.parse(value);
  if (match === null || !Number.isFinite(at)) return value;
  const [, , , fraction = "", zone = "Z"] = match;
  const offset = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  const offsetMs =
    offset === null ? 0 : (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000;
  const local = new Date(at + shiftMs + offsetMs).toISOString();
  return `${local.slice(0, 19)}${fraction}${zone}`;
}

function noonOf(date: string): number {
  return Date.parse(`${date}T12:00:00Z`);
}

function shiftDate(value: string, shiftMs: number): string {
  const at = noonOf(value);
  return Number.isFinite(at)
    ? new Date(at + Math.round(shiftMs / 86_400_000) * 86_400_000).toISOString().slice(0, 10)
    : value;
}

function isEpoch(value: unknown, name: string): value is string | number {
  return (typeof value === "string" || typeof value === "number") && EPOCH.test(String(value)) && EPOCH_NAME.test(name);
}

function toMs(value: string | number): number {
  return String(value).length === 10 ? Number(value) * 1000 : Number(value);
}

/** In the unit that the old value has. */
function toEpoch(old: string | number, ms: number): number {
  return String(old).length === 10 ? Math.floor(ms / 1000) : ms;
}

/** A number stays one where its digits allow; with more of them it was text before. */
function mapScalars(value: unknown, change: (text: string, name: string) => string, name = ""): unknown {
  if (typeof value === "string") return change(value, name);
  if (Number.isSafeInteger(value)) return Number(change(String(value), name));
  if (Array.isArray(value)) return value.map((each) => mapScalars(each, change, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapScalars(each, change, key)]));
}
