import { ExactNumber } from "../util/json.ts";
import { wordsOf } from "../util/text.ts";

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

/**
 * A sample as if it happened now, to a record that was not there before: the ids of the record, of its parts and of the
 * event replaced by new ones, the same everywhere they stand (also inside a URL), and its number with them. Those of
 * people, customers and configuration stay. Every time is shifted by the same amount, so that the event's own time is
 * `now` and intervals stay; without `now` times stay as they are.
 *
 * `own`: the ids of the records that the sample is about, which are new whatever name they stand under.
 */
export function freshen(data: unknown, random: Random, now: Date | undefined, own: readonly string[] = []): unknown {
  const ids = new FreshIds(own, random);
  const numbers = new FreshNumbers();
  visitScalars(data, (text, name, owner) => ids.see(text, name, owner));
  visitObjects(data, (members, holder) => numbers.see(members, holder, (id) => ids.isNew(id), random));
  const then = now === undefined ? undefined : eventTime(data);
  const shiftMs = now === undefined || then === undefined ? undefined : Math.floor(now.getTime() / 1000) * 1000 - then;
  const change = (text: string, name: string): string => {
    const moved = shiftMs === undefined ? undefined : movedTime(text, name, shiftMs);
    return moved ?? numbers.replace(ids.replace(text, name), name);
  };
  return withNewNames(mapScalars(data, change), ids);
}

/** `owner` is the member that holds the object in which the text stands. */
function visitScalars(
  value: unknown,
  visit: (text: string, name: string, owner: string) => void,
  name = "",
  owner = "",
): void {
  const text = scalarText(value);
  if (text !== undefined) visit(text, name, owner);
  else if (Array.isArray(value)) for (const each of value) visitScalars(each, visit, name, owner);
  else if (isObject(value)) for (const [key, each] of Object.entries(value)) visitScalars(each, visit, key, name);
}

/** `holder` is the object that another one lies in. */
function visitObjects(value: unknown, visit: (members: object, holder: object) => void, holder: object = {}): void {
  if (Array.isArray(value)) for (const each of value) visitObjects(each, visit, holder);
  if (!isObject(value)) return;
  visit(value, holder);
  for (const each of Object.values(value)) visitObjects(each, visit, value);
}

/** A record's id may also be a name: the changed fields of each record of a notification stand under it. */
function withNewNames(value: unknown, ids: FreshIds): unknown {
  if (Array.isArray(value)) return value.map((each) => withNewNames(each, ids));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [ids.nameOf(key), withNewNames(each, ids)]));
}

/** A number stays one. */
function mapScalars(value: unknown, change: (text: string, name: string) => string, name = ""): unknown {
  if (typeof value === "string") return change(value, name);
  if (value instanceof ExactNumber) return new ExactNumber(change(value.digits, name));
  if (Number.isSafeInteger(value)) return Number(change(String(value), name));
  if (Array.isArray(value)) return value.map((each) => mapScalars(each, change, name));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapScalars(each, change, key)]));
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof ExactNumber || Number.isSafeInteger(value) ? String(value) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** Zoho's record ids: 15 to 19 digits, the first of which belong to the organisation. */
const ID = /(?<![0-9A-Za-z])[1-9][0-9]{14,18}(?![0-9A-Za-z])/g;
const ORGANISATION_DIGITS = 8;
/** Ids of another kind, known by the name that they stand under: letters and digits mixed. */
const MIXED_ID = /^(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9]{8,}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID_NAME = /(?:^|_)id$/i;

/** Who is there before anything happens, and is there again the next time: an app looks them up. */
const PEOPLE =
  /^(accounts?|agents?|approver|assignees?|authors?|by|candidates?|commenter|contacts?|creator|customers?|interviewers?|modifier|operators?|owners?|reporter|requester|users?|vendors?|visitor|who|zuid)$/;
/** What is set up once. */
const CONFIGURATION =
  /^(brand|category|channel|config|currency|departments?|folder|forms?|group|helpcenter|integ|items?|layout|opening|org|organi[sz]ation|plan|portal|products?|profile|projects?|publisher|role|rule|survey|target|tax|team|template|type|view|what|workflow|workspaces?)$/;
/** Parts of a record, though their names speak of something else, and what an event has only just made. */
const OF_THE_EVENT = /^(line_item_id|contact_person_id|converted_.*)$/i;

/** A place of an id: the text that it stands in, and the name that says whose it is. */
type Found = (id: string, whose: string) => void;

/** Every id in a text: the whole of it, or between other signs, as in an address. `owner` is what holds a plain `id`. */
function findIds(value: string, name: string, owner: string, found: Found): void {
  const whose = /^ids?$/i.test(name) ? owner : name;
  if (ID_NAME.test(name) && (MIXED_ID.test(value) || UUID.test(value))) found(value, whose);
  // Of `publisher_id:17…/service` or `/workspaces/17…` the word before says it better than the name.
  else
    for (const { 0: id, index } of value.matchAll(ID))
      found(id, /([A-Za-z_]+)[/:=]$/.exec(value.slice(0, index))?.[1] ?? whose);
}

function isLasting(whose: string): boolean {
  return !OF_THE_EVENT.test(whose) && wordsOf(whose).some((word) => PEOPLE.test(word) || CONFIGURATION.test(word));
}

/**
 * Which ids of a sample are to be new: those of the record that it is about, of its parts and of the event, as against
 * those of people, customers and configuration, which stay as they do in an account.
 */
class FreshIds {
  private readonly made = new Map<string, string>();
  private readonly renewed: Set<string>;
  private readonly random: Random;

  /** `own`: the ids of the records that the sample is about; of several the first one counts, others may be people. */
  constructor(own: readonly string[], random: Random) {
    this.renewed = new Set(own.slice(0, 1));
    this.random = random;
  }

  /** Before anything is replaced every place has to be seen: the same id may stand under several names. */
  see(value: string, name: string, owner: string): void {
    findIds(value, name, owner, (id, whose) => {
      if (!isLasting(whose)) this.renewed.add(id);
    });
  }

  isNew(id: string): boolean {
    return this.renewed.has(id);
  }

  replace(value: string, name: string): string {
    if (ID_NAME.test(name) && MIXED_ID.test(value)) return this.newFor(value, newMixedId);
    if (ID_NAME.test(name) && UUID.test(value)) return this.newFor(value, newUuid);
    return value.replace(ID, (id) => this.newFor(id, newId));
  }

  /** A record's id may also be the name of a member. */
  nameOf(name: string): string {
    return this.made.get(name) ?? name;
  }

  private newFor(id: string, make: (id: string, random: Random) => string): string {
    if (!this.renewed.has(id)) return id;
    const made = this.made.get(id) ?? make(id, this.random);
    this.made.set(id, made);
    return made;
  }
}

/** An odd id stays odd: past 2^53 a JavaScript number is even, so an odd one shows the app that loses digits. */
function newId(id: string, random: Random): string {
  let made = id.slice(0, ORGANISATION_DIGITS);
  while (made.length < id.length - 1) made += String(random(10));
  return made + String(2 * random(5) + (Number(id.at(-1)) % 2));
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

/** `invoice_number`, `ticketNumber`, with what it is the number of. */
const NUMBER_NAME = /^(.+?)_?number$/i;
/** `INV-000042`, `10472`: counted up by Zoho. Not a telephone's, which has more to it. */
const NUMBER = /^([A-Z]{1,5}-)?(\d{2,9})$/;

/** The numbers that Zoho counts records by: a new record has another one, the same wherever it stands. */
class FreshNumbers {
  private readonly made = new Map<string, string>();

  /** Every `<record>_number` that stands beside the id of a record that is to be new, or in an object beside it. */
  see(members: object, holder: object, isNew: (id: string) => boolean, random: Random): void {
    for (const [name, value] of Object.entries(members)) {
      const of = NUMBER_NAME.exec(name)?.[1];
      const [, prefix = "", digits] = (typeof value === "string" && NUMBER.exec(value)) || [];
      if (of === undefined || digits === undefined || this.made.has(String(value))) continue;
      if ([...idsOf(members, of), ...idsOf(holder, of)].some(isNew))
        this.made.set(String(value), prefix + otherDigits(digits, random));
    }
  }

  /** A bare number is one only under its name or behind a `#`; one with a prefix also in a sentence. */
  replace(value: string, name: string): string {
    const whole = this.made.get(value);
    if (whole !== undefined && (value.includes("-") || NUMBER_NAME.test(name))) return whole;
    return value.replace(/(?<![\w-])(#?)((?:[A-Z]{1,5}-)?\d{2,9})(?![\w-])/g, (text, mark: string, number: string) => {
      const made = mark === "" && !number.includes("-") ? undefined : this.made.get(number);
      return made === undefined ? text : mark + made;
    });
  }
}

/** A ticket is the only record whose number stands beside a plain `id`; beside others' it may be of anything. */
function idsOf(members: object, of: string): readonly string[] {
  const stem = plain(of);
  return Object.entries(members).flatMap(([name, value]) =>
    plain(name) === `${stem}id` || (name === "id" && stem === "ticket") ? [String(value)] : [],
  );
}

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** As many digits, and with zeros in front only where there were some. */
function otherDigits(digits: string, random: Random): string {
  const [lowest, limit] = digits.startsWith("0")
    ? [1, 10 ** digits.length]
    : [10 ** (digits.length - 1), 10 ** digits.length];
  const made = String(lowest + random(limit - lowest)).padStart(digits.length, "0");
  return made === digits ? otherDigits(digits, random) : made;
}

const DATE_TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** As a person writes it: `Jan 15, 2025`, `January 15, 2025 11:30:00 AM`. Without a zone it is taken as UTC. */
const IN_WORDS = /^([A-Z][a-z]{2,8}) \d{1,2}, \d{4}( \d{1,2}:\d{2}:\d{2} [AP]M)?$/;
/** Milliseconds or seconds since 1970, under a name that says so: as a number, or as text. */
const EPOCH = /^1[5-9]\d{8}(\d{3})?$/;
const EPOCH_NAME = /date|time|_at$/i;
/** Words of names that tell of a time before or after the event: whole words, since `attended` has an end in it. */
const NOT_THE_EVENT = /^(expir\w*|due|next|ends?|until|deadline|start(s|ed)?|scheduled|from|to)$/;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A value with its time moved, in the notation that it has; undefined for what is no time. */
function movedTime(value: string, name: string, shiftMs: number): string | undefined {
  if (isEpoch(value, name)) return String(toEpoch(value, toMs(value) + shiftMs));
  if (DATE_TIME.test(value)) return movedDateTime(value, shiftMs);
  if (DATE.test(value)) return movedDate(value, shiftMs);
  return IN_WORDS.test(value) ? movedInWords(value, shiftMs) : undefined;
}

/** The newest time in the data, of those that can be the event's own; epoch milliseconds. */
function eventTime(data: unknown): number | undefined {
  const times: number[] = [];
  const dates: number[] = [];
  const starts: number[] = [];
  const ahead: number[] = [];
  const note = (value: unknown, name: string): void => {
    const at = timeOf(value, name);
    if (at === undefined) return;
    const words = wordsOf(name);
    const isDay = typeof value === "string" && DATE.test(value);
    if (!words.some((word) => NOT_THE_EVENT.test(word))) (isDay ? dates : times).push(at);
    else if (words.some((word) => word.startsWith("start"))) {
      if (!isDay) starts.push(at);
    } else if (words.some((word) => word.startsWith("expir"))) ahead.push(at);
  };
  const visit = (value: unknown, name: string): void => {
    note(value, name);
    if (Array.isArray(value)) for (const each of value) visit(each, name);
    else if (typeof value === "object" && value !== null && !(value instanceof ExactNumber))
      for (const [key, each] of Object.entries(value)) visit(each, key);
  };
  visit(data, "");
  // Where nothing tells the time, the day has to do, or when it began.
  const told = [times, dates, starts].find((each) => each.length > 0);
  if (told !== undefined) return Math.max(...told);
  // What only says until when it holds is of use as long as that lies ahead.
  return ahead.length === 0 ? undefined : Math.min(...ahead) - HOUR_MS;
}

function timeOf(value: unknown, name: string): number | undefined {
  if (isEpoch(value, name)) return toMs(value);
  if (typeof value !== "string") return undefined;
  const at = DATE_TIME.test(value)
    ? Date.parse(value)
    : DATE.test(value)
      ? noonOf(value)
      : IN_WORDS.test(value)
        ? Date.parse(`${value} UTC`)
        : Number.NaN;
  return Number.isFinite(at) ? at : undefined;
}

/** Keeps the notation: offset, fraction or not. */
function movedDateTime(value: string, shiftMs: number): string {
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

function movedDate(value: string, shiftMs: number): string {
  const at = noonOf(value);
  return Number.isFinite(at) ? new Date(at + Math.round(shiftMs / DAY_MS) * DAY_MS).toISOString().slice(0, 10) : value;
}

function movedInWords(value: string, shiftMs: number): string {
  const [, month = "", time] = IN_WORDS.exec(value) ?? [];
  const at = Date.parse(`${value} UTC`);
  if (!Number.isFinite(at)) return value;
  const moved = new Date(at + (time === undefined ? Math.round(shiftMs / DAY_MS) * DAY_MS : shiftMs));
  const day = { month: month.length > 3 ? "long" : "short", day: "numeric", year: "numeric", timeZone: "UTC" } as const;
  const date = moved.toLocaleDateString("en-US", day);
  // In newer versions the space before AM is a narrow one.
  return time === undefined
    ? date
    : `${date} ${moved.toLocaleTimeString("en-US", { timeZone: "UTC" }).replace(/\s/, " ")}`;
}

function isEpoch(value: unknown, name: string): value is string | number {
  return (typeof value === "string" || typeof value === "number") && EPOCH.test(String(value)) && EPOCH_NAME.test(name);
}

function toMs(value: string | number): number {
  return String(value).length === 10 ? Number(value) * 1000 : Number(value);
}

/** In the unit that the old value has. */
function toEpoch(old: string, ms: number): number {
  return old.length === 10 ? Math.floor(ms / 1000) : ms;
}
