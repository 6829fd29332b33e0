import { existsSync, readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { type EventMatch, familyMember } from "../contract/event-names.ts";
import type { Format, Product } from "../contract/product.ts";
import { PROJECT_FOLDER } from "../project/settings.ts";
import { usageError } from "../util/errors.ts";
import { parseJsonFile, readText } from "../util/files.ts";

/** A project's own fixtures, below its root. They take precedence over the built-in ones. */
const PROJECT_FIXTURES = join(PROJECT_FOLDER, "fixtures");

/** Proposed fixtures. No command reads them, so that received data never changes what is sent. */
const PROJECT_LEARNED = join(PROJECT_FOLDER, "learned");

export interface Fixture {
  readonly text: string;
  readonly data: unknown;
  readonly path: string;
  readonly origin: "project" | "built-in";
  /** The file is the template of a family, filled in for the event. */
  readonly template: boolean;
}

export interface FixtureRoots {
  /** The project's folder. */
  readonly root: string;
  /** This package's folder. */
  readonly packageRoot: string;
}

/**
 * The sample of an event: the project's copy, else the built-in one, else the template of its family. A user-defined product
 * has its samples in its own folder.
 */
export function readFixture(
  { root, packageRoot }: FixtureRoots,
  product: Product,
  format: Format,
  match: EventMatch,
): Fixture | undefined {
  const places =
    product.folder === undefined ? [projectPlace(root), builtInPlace(packageRoot)] : [ownPlace(product.folder)];
  return readFirst(places, product, format, match);
}

/** The sample of an event from this package. */
export function readBuiltInFixture(
  { packageRoot }: Pick<FixtureRoots, "packageRoot">,
  product: Product,
  format: Format,
  match: EventMatch,
): Fixture | undefined {
  return readFirst([builtInPlace(packageRoot)], product, format, match);
}

/** The path of the project's own copy of a sample, or of the sample of a user-defined product. */
export function projectFixturePath(
  root: string,
  product: Product,
  format: Format,
  match: Pick<EventMatch, "name">,
): string {
  const [file] = fixtureFiles(product, format, match);
  const place = product.folder === undefined ? projectPlace(root) : ownPlace(product.folder);
  return within(place.folder, place.nameOf(file));
}

/** The folder of a format's proposed samples. */
export function learnedFolder(root: string, product: string, format: string): string {
  return join(root, PROJECT_LEARNED, product, format);
}

/** The path of an event's proposed sample, or of the note beside it. */
export function learnedPath(
  root: string,
  { product, format, name }: { readonly product: string; readonly format: string; readonly name: string },
  extension: "json" | "md",
): string {
  return within(join(root, PROJECT_LEARNED), `${product}/${format}/${fileName(name)}.${extension}`);
}

/** Throws a usage error where a name would leave the folder. */
function within(folder: string, file: string): string {
  const path = join(folder, file);
  if (path.startsWith(folder + sep)) return path;
  throw usageError(`${JSON.stringify(file)} is not a valid file name in ${folder}`, "give the event another name");
}

interface Place {
  readonly folder: string;
  readonly origin: Fixture["origin"];
  /** The path of a file relative to that folder. */
  nameOf(file: FixtureFile): string;
}

function builtInPlace(packageRoot: string): Place {
  return { folder: join(packageRoot, "fixtures"), origin: "built-in", nameOf: ({ path }) => path };
}

function projectPlace(root: string): Place {
  const folder = join(root, PROJECT_FIXTURES);
  return { folder, origin: "project", nameOf: ({ path }) => existingName(folder, path) };
}

/** The name of the existing file in any case: what works on a file system that ignores case should work on all. */
function existingName(folder: string, name: string): string {
  if (!existsSync(folder) || existsSync(join(folder, name))) return name;
  return name.split("/").reduce((above, part) => {
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

/** The folder of a user-defined product. */
function ownPlace(folder: string): Place {
  return { folder: join(folder, "fixtures"), origin: "project", nameOf: ({ name }) => name };
}

function readFirst(places: readonly Place[], product: Product, format: Format, match: EventMatch): Fixture | undefined {
  const hint = product.folder === undefined ? "fix it, or delete it to use the built-in one" : "fix it";
  for (const [i, file] of fixtureFiles(product, format, match).entries()) {
    for (const { folder, origin, nameOf } of places) {
      const path = join(folder, nameOf(file));
      const raw = readText(path);
      if (raw === undefined) continue;
      const text = file.fill(raw);
      return { text, data: parseJsonFile(text, path, hint), path, origin, template: i > 0 };
    }
  }
  return undefined;
}

interface FixtureFile {
  /** Relative to a folder of fixtures: `crm/guide/Leads.create.json`. A valid file name on every platform. */
  readonly path: string;
  /** The file name alone, for the folder of one product. */
  readonly name: string;
  /** Fills the template of a family: `{Module}` stands for the module's name. */
  fill(text: string): string;
}

/**
 * The files that may hold an event's fixture, best first: its own, then the template of its family
 * (`crm/guide/{Module}.create.json` for `<Module>.create`; Windows allows no `<` in file names).
 */
export function fixtureFiles(
  product: Pick<Product, "id">,
  format: Pick<Format, "id" | "events">,
  match: Pick<EventMatch, "name">,
): readonly [FixtureFile, ...FixtureFile[]] {
  const file = (name: string, fill: FixtureFile["fill"]): FixtureFile => ({
    path: `${product.id}/${format.id}/${fileName(name)}.json`,
    name: `${fileName(name)}.json`,
    fill,
  });
  const templates = format.events.flatMap((event) => {
    const member = familyMember(event, match.name);
    if (member === undefined) return [];
    const [placeholder = ""] = /\{\w+\}/.exec(templateName(event.name)) ?? [];
    return [file(templateName(event.name), (text) => text.replaceAll(placeholder, () => member))];
  });
  return [file(match.name, (text) => text), ...templates];
}

/** An event's name as a file name without extension. On Windows `CON.create` would be a device; no event has a `~`. */
function fileName(name: string): string {
  return name.replace(/^(?:con|prn|aux|nul|(?:com|lpt)\d)(?=\.|$)/i, "$&~");
}

/** The event's name of such a file name. */
export function eventOfFileName(file: string): string {
  return file.replace(/^(con|prn|aux|nul|(?:com|lpt)\d)~(?=\.|$)/i, "$1");
}

/** `{Module}.create` for the family `<Module>.create`. */
function templateName(name: string): string {
  return name.replace(/<(\w+)>/g, "{$1}");
}
