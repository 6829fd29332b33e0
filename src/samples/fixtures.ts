import { randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { eventNames, familyMember, findEvent } from "../model/event-names.ts";
import type { Format, Product } from "../model/product.ts";
import { PROJECT_FOLDER } from "../project/settings.ts";
import { usageError } from "../util/errors.ts";
import { parseJsonFile, readText } from "../util/files.ts";
import { readExact } from "../util/json.ts";
import { freshen } from "./fresh.ts";

/** A file that a command has written or left as it is. @printedBy init, types, fixtures eject, events save-fixture */
export interface FileLine {
  readonly type: "file";
  readonly action: "created" | "changed" | "unchanged" | "written" | "saved" | "overwritten" | "copied" | "kept";
  readonly path: string;
  /** Number of the saved delivery. Of `events save-fixture`. */
  readonly n?: number;
  /** Of a sample. */
  readonly product?: string;
  /** Of a sample. */
  readonly format?: string;
  /** Of a sample. */
  readonly event?: string;
  /** Names, e-mails, phone numbers, addresses and ids were replaced. Of `events save-fixture`. */
  readonly redacted?: boolean;
  /** What was added or changed. Of `init`. */
  readonly entries?: readonly string[];
  /** How many have a type. Of `types`. */
  readonly events?: number;
}

/** Identifies the fixture of an event, which need not exist. */
export interface FixtureKey {
  readonly product: Product;
  readonly format: Format;
  /** `Leads.create`, also where the event is the family `<Module>.create`. */
  readonly name: string;
}

/** Every event of a format; those of a family under each known name. */
export function fixtureKeysOf(product: Product, format: Format): readonly FixtureKey[] {
  const names = eventNames(format).filter((name) => !name.includes("<"));
  return names.map((name) => ({ product, format, name: findEvent(format, name)?.name ?? name }));
}

/** The JSON line of a file that was written, or left as it was. `n`: the delivery that it was made of. */
export function fileLine(
  { product, format, name }: FixtureKey,
  action: FileLine["action"],
  path: string,
  n?: number,
): FileLine {
  return { type: "file", action, path, n, product: product.id, format: format.id, event: name };
}

export interface Fixture {
  readonly text: string;
  readonly data: unknown;
  readonly path: string;
  readonly origin: "project" | "built-in";
  /** The file is the template of a family, filled in for the event. */
  readonly template: boolean;
}

interface FixtureRoots {
  /** The project's folder. */
  readonly root: string;
  /** This package's folder. */
  readonly packageRoot: string;
}

/**
 * The fixture of an event: the project's copy, else the built-in one, else the template of its family. A custom product has
 * its fixtures in its own folder.
 */
export function readFixture({ root, packageRoot }: FixtureRoots, sample: FixtureKey): Fixture | undefined {
  const own = projectPlace(root, sample);
  return readFirst(sample.product.folder === undefined ? [own, builtInPlace(packageRoot, sample)] : [own], sample);
}

/** The fixture of an event from this package. */
export function readBuiltInFixture(packageRoot: string, sample: FixtureKey): Fixture | undefined {
  return readFirst([builtInPlace(packageRoot, sample)], sample);
}

/** The data of a fixture as of an event that happens now, to a new record. */
export function freshData({ format, name }: FixtureKey, { text, data }: Fixture, now: Date): unknown {
  return freshen(readExact(text), randomInt, now, format.body.records(data, name));
}

/** The path of the project's own copy of a fixture, or of the fixture of a custom product. */
export function projectFixturePath(root: string, sample: FixtureKey): string {
  const place = projectPlace(root, sample);
  const [file] = fixtureFiles(sample);
  return within(place.folder, fileIn(place, file.name));
}

/** Throws a usage error where a name would leave the folder. */
function within(folder: string, file: string): string {
  const path = join(folder, file);
  if (path.startsWith(folder + sep)) return path;
  throw usageError(`${JSON.stringify(file)} is not a valid file name in ${folder}`, "give the event another name");
}

interface Place {
  readonly folder: string;
  /** Prefix of each file's name: `crm/guide/`, none in the folder of a custom product. */
  readonly prefix: string;
  readonly origin: Fixture["origin"];
}

function projectPlace(root: string, { product, format }: FixtureKey): Place {
  return product.folder === undefined
    ? { folder: join(root, PROJECT_FOLDER, "fixtures"), prefix: `${product.id}/${format.id}/`, origin: "project" }
    : { folder: join(product.folder, "fixtures"), prefix: "", origin: "project" };
}

function builtInPlace(packageRoot: string, { product, format }: FixtureKey): Place {
  return { folder: join(packageRoot, "fixtures"), prefix: `${product.id}/${format.id}/`, origin: "built-in" };
}

function readFirst(places: readonly Place[], sample: FixtureKey): Fixture | undefined {
  const hint = sample.product.folder === undefined ? "fix it, or delete it to use the built-in one" : "fix it";
  for (const [i, { name, fill }] of fixtureFiles(sample).entries()) {
    for (const place of places) {
      const path = join(place.folder, fileIn(place, name));
      const raw = readText(path);
      if (raw === undefined) continue;
      const text = fill(raw);
      return { text, data: parseJsonFile(text, path, hint), path, origin: place.origin, template: i > 0 };
    }
  }
  return undefined;
}

/** A project's copy in any case: what works on a file system that ignores case should work on all. */
function fileIn({ folder, prefix, origin }: Place, name: string): string {
  const file = prefix + name;
  if (origin === "built-in" || prefix === "" || !existsSync(folder) || existsSync(join(folder, file))) return file;
  return file.split("/").reduce((above, part) => {
    const names = namesIn(join(folder, above));
    const found = names.includes(part) ? part : names.find((each) => each.toLowerCase() === part.toLowerCase());
    return join(above, found ?? part);
  }, "");
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not a folder, or not readable: reading the file reports why.
    return [];
  }
}

interface FixtureFile {
  /** A valid file name on every platform. */
  readonly name: string;
  /** Fills the template of a family: `{Module}` stands for the module's name. */
  fill(text: string): string;
}

/**
 * The files that may hold an event's fixture, best first: its own, then the template of its family (`{Module}.create.json` for
 * `<Module>.create`; Windows allows no `<` in file names).
 */
export function fixtureFiles({
  format,
  name,
}: Pick<FixtureKey, "format" | "name">): readonly [FixtureFile, ...FixtureFile[]] {
  const templates = format.events.flatMap((event) => {
    const member = familyMember(event, name);
    if (member === undefined) return [];
    const template = event.name.replace(/<(\w+)>/g, "{$1}");
    const [placeholder = ""] = /\{\w+\}/.exec(template) ?? [];
    const fill = (text: string): string => text.replaceAll(placeholder, () => member);
    return [{ name: `${fileName(template)}.json`, fill }];
  });
  return [{ name: `${fileName(name)}.json`, fill: (text) => text }, ...templates];
}

/** An event's name as a file name without extension. On Windows `CON.create` would be a device; no event has a `~`. */
function fileName(name: string): string {
  return name.replace(/^(?:con|prn|aux|nul|(?:com|lpt)\d)(?=\.|$)/i, "$&~");
}

/** The event's name of such a file name. */
export function eventOfFileName(file: string): string {
  return file.replace(/^(con|prn|aux|nul|(?:com|lpt)\d)~(?=\.|$)/i, "$1");
}
