import { ExactNumber } from "../util/json.ts";
import { wordsOf } from "../util/text.ts";

/** Returns a whole number from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** Gives the same numbers for the same seed everywhere (mulberry32). Not for secrets. */
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
 * Makes a sample look as if it happened now, to a new record: replaces the ids of the record, its parts and the event, the
 * same everywhere (also inside a URL), and its number. Ids of people, customers and configuration stay. All times are
 * shifted by the same amount, so that the event's own time is `now`; without `now` times stay as they are.
 *
 * `own`: the ids of the records that the sample is about, which are replaced under any name.
 */
export function freshen(data: unknown, random: Random, now: Date | undefined, own: readonly string[] = []): unknown {
  const ids = new FreshIds(own, random);
  const numbers = new FreshNumbers();
  visitScalars(data, (text, name, owner) => ids.see(text, name, owner));
  visitObjects(data, (members, holder) => numbers.see(members, holder, (id) => ids.isNew(id), random));
  const then = now === undefined ? undefined : eventTime(data);
  const shiftMs = now === undefined || then === undefined ? undefined : Math.floor(now.getTime() / 1000) * 1000 - then;
  const change = (text: string, name: string): string =>
    (shiftMs === undefined ? undefined : shiftedTime(text, name, shiftMs)) ??
    numbers.replace(ids.replace(text, name), name);
  return withNewNames(mapScalars(data, change), ids);
}

/**
 * Makes the `copy`th copy of a sample without an id of its own, such as a form's: its first e-mail address becomes
 * `mei.tanaka+2@example.com`, or all copies would be one event.
 */
export function numbered(data: unknown, copy: number, own: readonly string[] = []): unknown {
  const ids = new FreshIds(own, () => 0);
  visitScalars(data, (text, name, owner) => ids.see(text, name, owner));
  if (copy === 1 || ids.hasNew) return data;
  let isDone = false;
  return mapScalars(data, (text) => {
    if (isDone || !EMAIL.test(text)) return text;
    isDone = true;
    return text.replace("@", `+${copy}@`);
  });
}

const EMAIL = /^[^\s@]+@[^\s@]+$/;

/** `owner` is the name of the object that the scalar is in. */
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

/** `holder` is the object around `members`. */
function visitObjects(value: unknown, visit: (members: object, holder: object) => void, holder: object = {}): void {
  if (Array.isArray(value)) for (const each of value) visitObjects(each, visit, holder);
  if (!isObject(value)) return;
  visit(value, holder);
  for (const each of Object.values(value)) visitObjects(each, visit, value);
}

/** Replaces record ids that are names: a notification lists the changed fields of each record under its id. */
function withNewNames(value: unknown, ids: FreshIds): unknown {
  if (Array.isArray(value)) return value.map((each) => withNewNames(each, ids));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [ids.nameOf(key), withNewNames(each, ids)]));
}

/** Numbers stay numbers. */
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

/** Zoho's record ids have 15 to 19 digits, the first of which belong to the organisation. */
const ID = /(?<![0-9A-Za-z])[1-9][0-9]{14,18}(?![0-9A-Za-z])/g;
const ORGANISATION_DIGITS = 8;
/** Ids of letters and digits, which only their name shows to be ids. */
const MIXED_ID = /^(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9]{8}[A-Za-z0-9]*$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID_NAME = /(?:^|_)id$/i;

/** Names of people and companies: an app looks them up, so their ids stay. */
const PEOPLE =
  /^(accounts?|agents?|approver|assignees?|authors?|by|candidates?|commenter|contacts?|creator|customers?|interviewers?|modifier|operators?|owners?|reporter|requester|users?|vendors?|visitor|who|zuid)$/;
/** Names of configuration, which is set up once. */
const CONFIGURATION =
  /^(brand|category|channel|config|currency|departments?|folder|forms?|group|helpcenter|integ|items?|layout|opening|org|organi[sz]ation|plan|portal|products?|profile|projects?|publisher|role|rule|survey|target|tax|team|template|type|view|what|workflow|workspaces?)$/;
/** Parts of a record despite their names, and records that the event has created. */
const CREATED = /^(line_item_id|contact_person_id|converted_.*)$/i;

interface FoundId {
  readonly id: string;
  /** The name that shows what it identifies. */
  readonly subject: string;
}

/** The ids in a text: all of it, or parts, as in a URL. `owner` is the object with a plain `id`. */
function findIds(value: string, name: string, owner: string): readonly FoundId[] {
  const subject = /^ids?$/i.test(name) ? owner : name;
  if (ID_NAME.test(name) && (MIXED_ID.test(value) || UUID.test(value))) return [{ id: value, subject }];
  // In `publisher_id:17…/service` or `/workspaces/17…` the word before the id is the better name.
  return [...value.matchAll(ID)].map(({ 0: id, index }) => ({
    id,
    subject: /([A-Za-z_]+)[/:=]$/.exec(value.slice(0, index))?.[1] ?? subject,
  }));
}

function isLasting(subject: string): boolean {
  return !CREATED.test(subject) && wordsOf(subject).some((word) => PEOPLE.test(word) || CONFIGURATION.test(word));
}

/** Decides which ids of a sample are replaced, and by which. */
class FreshIds {
  private readonly made = new Map<string, string>();
  private readonly renewed: Set<string>;
  private readonly random: Random;

  /** Only the first of `own` is certainly the record: others may be people. */
  constructor(own: readonly string[], random: Random) {
    this.renewed = new Set(own.slice(0, 1));
    this.random = random;
  }

  /** Called for all scalars before any is replaced: the same id may stand under several names. */
  see(value: string, name: string, owner: string): void {
    for (const { id, subject } of findIds(value, name, owner)) if (!isLasting(subject)) this.renewed.add(id);
  }

  isNew(id: string): boolean {
    return this.renewed.has(id);
  }

  get hasNew(): boolean {
    return this.renewed.size > 0;
  }

  replace(value: string, name: string): string {
    if (ID_NAME.test(name) && MIXED_ID.test(value)) return this.newFor(value, newMixedId);
    if (ID_NAME.test(name) && UUID.test(value)) return this.newFor(value, newUuid);
    return value.replace(ID, (id) => this.newFor(id, newId));
  }

  /** The new name of a member whose name is an id. */
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

/** An odd id stays odd: numbers past 2^53 are even in JavaScript, so odd ids expose an app that loses digits. */
function newId(id: string, random: Random): string {
  let made = id.slice(0, ORGANISATION_DIGITS);
  while (made.length < id.length - 1) made += String(random(10));
  return made + String(2 * random(5) + (Number(id.at(-1)) % 2));
}

/** Letters and digits stay where they are. */
function newMixedId(id: string, random: Random): string {
  const letter = (first: string): string => String.fromCharCode(first.charCodeAt(0) + random(26));
  return id.replace(/[A-Za-z0-9]/g, (char) => (/\d/.test(char) ? String(random(10)) : letter(char < "a" ? "A" : "a")));
}

/** Keeps version and variant (RFC 9562, section 4). */
function newUuid(id: string, random: Random): string {
  return id.replace(/[0-9a-f]/g, (digit, at: number) => (at === 14 || at === 19 ? digit : random(16).toString(16)));
}

/** `invoice_number`, `ticketNumber`: captures the kind of record. */
const NUMBER_NAME = /^(.+?)_?number$/i;
/** `INV-000042`, `10472`: Zoho's counters. Phone numbers are longer. */
const NUMBER = /^([A-Z]{1,5}-)?(\d{2,9})$/;

/** Replaces the counters of new records, the same everywhere. */
class FreshNumbers {
  private readonly made = new Map<string, string>();

  /** Finds each `<record>_number` beside the id of a new record, or in an object beside it. */
  see(members: object, holder: object, isNew: (id: string) => boolean, random: Random): void {
    for (const [name, value] of Object.entries(members)) {
      const record = NUMBER_NAME.exec(name)?.[1];
      const [, prefix = "", digits] = (typeof value === "string" && NUMBER.exec(value)) || [];
      if (record === undefined || digits === undefined || this.made.has(String(value))) continue;
      if ([...idsOf(members, record), ...idsOf(holder, record)].some(isNew))
        this.made.set(String(value), prefix + otherDigits(digits, random));
    }
  }

  /** Replaces bare numbers under their name or after `#`; those with a prefix also within a sentence. */
  replace(value: string, name: string): string {
    const whole = this.made.get(value);
    if (whole !== undefined && (value.includes("-") || NUMBER_NAME.test(name))) return whole;
    return value.replace(/(?<![\w-])(#?)((?:[A-Z]{1,5}-)?\d{2,9})(?![\w-])/g, (text, mark: string, number: string) => {
      const made = mark === "" && !number.includes("-") ? undefined : this.made.get(number);
      return made === undefined ? text : mark + made;
    });
  }
}

/** Only a ticket has its number beside a plain `id`; elsewhere it may belong to anything. */
function idsOf(members: object, record: string): readonly string[] {
  const stem = plain(record);
  return Object.entries(members).flatMap(([name, value]) =>
    plain(name) === `${stem}id` || (name === "id" && stem === "ticket") ? [String(value)] : [],
  );
}

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** As many digits, with leading zeros only where there were some. */
function otherDigits(digits: string, random: Random): string {
  const min = digits.startsWith("0") ? 1 : 10 ** (digits.length - 1);
  const made = String(min + random(10 ** digits.length - min)).padStart(digits.length, "0");
  return made === digits ? otherDigits(digits, random) : made;
}

/** One way in which samples write times. */
interface Notation {
  readonly pattern: RegExp;
  /** For numbers, which only their name shows to be times. */
  readonly names?: RegExp;
  /** It has no time of day, so it moves by whole days. */
  readonly isDay?: boolean;
  /** Milliseconds since 1970; NaN for a date that does not exist. */
  read(text: string): number;
  /** A time as `text` is written. */
  write(at: Date, text: string): string;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const NOTATIONS: readonly Notation[] = [
  {
    /** Milliseconds or seconds since 1970. */
    pattern: /^1[5-9]\d{8}(\d{3})?$/,
    names: /date|time|_at$/i,
    read: (text) => Number(text) * (text.length === 10 ? 1000 : 1),
    write: (at, text) => String(text.length === 10 ? Math.floor(at.getTime() / 1000) : at.getTime()),
  },
  {
    pattern: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/,
    read: Date.parse,
    /** Keeps fraction and offset. */
    write(at, text) {
      const [rest = "", sign, hours, minutes] = /(?:\.\d+)?(?:Z|([+-])(\d{2}):?(\d{2}))$/.exec(text) ?? [];
      const offsetMs = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000;
      return new Date(at.getTime() + offsetMs).toISOString().slice(0, 19) + rest;
    },
  },
  {
    pattern: DATE,
    isDay: true,
    read: (text) => Date.parse(`${text}T12:00:00Z`),
    write: (at) => at.toISOString().slice(0, 10),
  },
  {
    /** `Jan 15, 2025` */
    pattern: /^[A-Z][a-z]{2,8} \d{1,2}, \d{4}$/,
    isDay: true,
    read: readAsUtc,
    write: dayInWords,
  },
  {
    /** `January 15, 2025 11:30:00 AM` */
    pattern: /^[A-Z][a-z]{2,8} \d{1,2}, \d{4} \d{1,2}:\d{2}:\d{2} [AP]M$/,
    read: readAsUtc,
    write: (at, text) => `${dayInWords(at, text)} ${clockText(at)}`,
  },
  {
    /** `15 Jan 2025, 10:30 AM`, as Zoho Connect writes it. */
    pattern: /^\d{2} [A-Z][a-z]{2} \d{4}, \d{2}:\d{2} [AP]M$/,
    read: readAsUtc,
    write: (at) => `${at.toUTCString().slice(5, 16)}, ${clockText(at, { hour: "2-digit", minute: "2-digit" })}`,
  },
];

function readAsUtc(text: string): number {
  return Date.parse(`${text} UTC`);
}

function dayInWords(at: Date, text: string): string {
  const month = /^[A-Z][a-z]{2} /.test(text) ? "short" : "long";
  return at.toLocaleDateString("en-US", { month, day: "numeric", year: "numeric", timeZone: "UTC" });
}

/** Newer versions of ICU put a narrow space before AM. */
function clockText(at: Date, options?: Intl.DateTimeFormatOptions): string {
  return at.toLocaleTimeString("en-US", { ...options, timeZone: "UTC" }).replace(/\s/, " ");
}

/** Words in the names of other times than the event's. Whole words, since `attended` contains `end`. */
const NOT_THE_EVENT = /^(expir\w*|due|next|ends?|until|deadline|start(s|ed)?|scheduled|from|to)$/;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

function notationOf(text: string, name: string): Notation | undefined {
  return NOTATIONS.find(({ pattern, names }) => pattern.test(text) && (names === undefined || names.test(name)));
}

/** Shifts a time in its own notation; undefined for other values. */
function shiftedTime(text: string, name: string, shiftMs: number): string | undefined {
  const notation = notationOf(text, name);
  if (notation === undefined) return undefined;
  const at = notation.read(text) + (notation.isDay ? Math.round(shiftMs / DAY_MS) * DAY_MS : shiftMs);
  return Number.isFinite(at) ? notation.write(new Date(at), text) : text;
}

/** The newest time in the data that can be the event's own, in epoch milliseconds. */
function eventTime(data: unknown): number | undefined {
  const times: number[] = [];
  const dates: number[] = [];
  const starts: number[] = [];
  const expiries: number[] = [];
  visitScalars(data, (text, name) => {
    const at = notationOf(text, name)?.read(text) ?? Number.NaN;
    if (!Number.isFinite(at)) return;
    const words = wordsOf(name);
    const isDay = DATE.test(text);
    if (!words.some((word) => NOT_THE_EVENT.test(word))) (isDay ? dates : times).push(at);
    else if (words.some((word) => word.startsWith("start"))) {
      if (!isDay) starts.push(at);
    } else if (words.some((word) => word.startsWith("expir"))) expiries.push(at);
  });
  const best = [times, dates, starts].find((each) => each.length > 0);
  if (best !== undefined) return Math.max(...best);
  // With nothing but expiries the event is an hour before the first, so that none has passed.
  return expiries.length === 0 ? undefined : Math.min(...expiries) - HOUR_MS;
}
