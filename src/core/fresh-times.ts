import { ExactNumber } from "./exact-number.ts";
import { wordsOf } from "./name-words.ts";

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
export function movedTime(value: string, name: string, shiftMs: number): string | undefined {
  if (isEpoch(value, name)) return String(toEpoch(value, toMs(value) + shiftMs));
  if (DATE_TIME.test(value)) return movedDateTime(value, shiftMs);
  if (DATE.test(value)) return movedDate(value, shiftMs);
  return IN_WORDS.test(value) ? movedInWords(value, shiftMs) : undefined;
}

/** The newest time in the data, of those that can be the event's own; epoch milliseconds. */
export function eventTime(data: unknown): number | undefined {
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
