import { z } from "zod";
import { MAX_IN_FLIGHT_BYTES } from "../delivery/delivery.ts";
import { parsePath } from "../delivery/paths.ts";
import { checkTarget } from "../delivery/target.ts";
import { parseRoute, productId } from "../model/event-names.ts";
import { usageError } from "../util/errors.ts";
import { type parseDuration, parseInteger, parseSize } from "../util/units.ts";

/** How the value of a setting is written, read and shown. */
export interface Kind<T> {
  /** Reads the text of a flag, a variable or a config file; `name` goes into errors. Undefined: only a config file has it. */
  readonly read?: (text: string, name: string) => T;
  /** Makes the schema of its value in a config file. */
  readonly json: () => z.ZodType;
  /** The entries of a list in a config file: the keys of each below those of the setting, and its text. */
  readonly entries?: (value: never) => readonly (readonly [keys: readonly PropertyKey[], text: string])[];
  /** Checks an entry of a list where it is read, so that an error says where it came from. Throws a usage error. */
  readonly check?: (text: string, name: string) => unknown;
  /** Writes a number as a user would: `7d`, not milliseconds. */
  readonly show?: (value: number) => string;
  /** The value in the help of its flag. */
  readonly placeholder?: string;
}

export const text: Kind<string> = { read: (given) => given, json: () => z.string().min(1) };
export const pemFile: Kind<string> = { ...text, json: path };

/** Node opens no file with a NUL in its name, and a line break would forge a line of output. */
export function path() {
  return z
    .string()
    .min(1)
    .refine((given) => !/\p{Cc}/u.test(given));
}

/** Undefined unless it is set. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return kind;
}

export const onOff: Kind<boolean> = {
  read: (given, name) => oneOf("true", "false").read?.(given, name) === "true",
  json: () => z.boolean(),
};

export function integer(min: number, max: number): Kind<number> {
  return {
    read: (given, name) => parseInteger(given, name, min, max),
    json: () => z.int().min(min).max(max),
    placeholder: "count",
  };
}

export function oneOf<const Choice extends string>(...choices: readonly Choice[]): Kind<Choice> {
  return {
    read(given, name) {
      const found = choices.find((choice) => choice === given);
      if (found !== undefined) return found;
      throw usageError(`${name}: ${JSON.stringify(given)} is not one of ${choices.join(", ")}`);
    },
    json: () => z.enum(choices),
    placeholder: choices.join("|"),
  };
}

/** Milliseconds. */
export function duration(read: typeof parseDuration): Kind<number> {
  const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };
  return { read, json: () => z.string(), show: inUnits(units, "ms"), placeholder: "time" };
}

/** Bytes. */
export const size: Kind<number> = {
  read: parseSize,
  json: () => z.string(),
  show: inUnits({ gib: 2 ** 30, mib: 2 ** 20, kib: 2 ** 10, gb: 1e9, mb: 1e6, kb: 1e3 }, "b"),
  placeholder: "size",
};

/** Shown in bytes. */
export const bodySize: Kind<number> = {
  ...size,
  show: String,
  read(given, name) {
    const bytes = parseSize(given, name);
    if (bytes <= MAX_IN_FLIGHT_BYTES) return bytes;
    throw usageError(
      `${name}: ${JSON.stringify(given)} is too large`,
      "use 64mib at most: all bodies in flight together may have no more",
    );
  },
  json: () => z.union([z.int().positive().max(MAX_IN_FLIGHT_BYTES), z.string()]),
};

/** A file, relative to the project, or the address of a PostgreSQL database; false for no log. */
export const logPlace: Kind<string | false> = {
  read: (given) => (given === "false" ? false : given),
  json: () => z.union([path(), z.literal(false)]),
};

/** Rejects an empty host, which Node takes for all addresses: a variable without a value must not open the port to the network. */
export const host: Kind<string> = {
  read(given, name) {
    if (given.trim() !== "" && !/[\p{Cc}\s]/u.test(given)) return given;
    throw usageError(
      `${name}: ${JSON.stringify(given)} is not an address to listen on`,
      "leave it out for 127.0.0.1, or use 0.0.0.0 for all addresses of this machine",
    );
  },
  json: () => z.string().regex(/^[^\s\p{Cc}]+$/u),
};

/** With commas between the entries, or in a config file as a list. */
export const list: Kind<readonly string[]> = {
  read: (given) => split(given),
  json: () => z.array(z.string()),
  entries: (values: readonly string[]) => values.map((each, i) => [[i], each]),
};

/** Targets of the developer's app: ports, ports with a path (`3000/hooks`) or URLs. */
export const targets: Kind<readonly string[]> = {
  read: (given, name) => checkEach(checkTarget, split(given), name),
  json: () => z.union([target(), z.array(target())]),
  entries: (values: string | number | readonly (string | number)[]) =>
    typeof values === "object" ? values.map((each, i) => [[i], String(each)]) : [[[], String(values)]],
  check: checkTarget,
};

/** Targets of single events, as `pattern=target`. */
export const routes: Kind<readonly string[]> = {
  read: (given, name) => checkEach(parseRoute, split(given), name),
  json: () => z.record(z.string(), target()),
  entries: (values: Readonly<Record<string, string | number>>) =>
    Object.entries(values).map(([pattern, to]) => [[pattern], `${pattern}=${to}`]),
  check: parseRoute,
};

/** Paths of the user's app, as `path=product`. */
export const appPaths: Kind<readonly string[]> = {
  read: (given, name) => checkEach(parsePath, split(given), name).map(withProductId),
  json: () => z.record(z.string(), z.string()),
  entries: (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([at, product]) => [[at], withProductId(`${at}=${product}`)]),
  check: parsePath,
};

function withProductId(text: string): string {
  const at = text.lastIndexOf("=") + 1;
  return text.slice(0, at) + productId(text.slice(at)).toLowerCase();
}

export function checkEach(check: Kind<unknown>["check"], entries: readonly string[], name: string): readonly string[] {
  for (const entry of entries) check?.(entry, name);
  return entries;
}

function split(given: string): readonly string[] {
  return given
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

function target() {
  return z.union([z.string().min(1), z.int().min(1).max(65_535)]);
}

/** In the largest unit that divides it. */
function inUnits(units: Readonly<Record<string, number>>, smallest: string): (value: number) => string {
  return (value) => {
    const [name, unit] = Object.entries(units).find(([, each]) => value >= each && value % each === 0) ?? [smallest, 1];
    return `${value / unit}${name}`;
  };
}
