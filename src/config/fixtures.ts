import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { type EventMatch, familyMember } from "../core/event-names.ts";
import type { Format, Product } from "../core/product.ts";
import { errorCode, errorText, usageError } from "../util/errors.ts";
import { parseJson } from "../util/json.ts";

/** Where a project keeps its own fixtures, below its root. They win over the built-in ones. */
const PROJECT_FIXTURES = join(".zoho-hooks", "fixtures");

/** Where proposals go: no command reads them, so nothing that was merely seen changes what is sent. */
const PROJECT_LEARNED = join(".zoho-hooks", "learned");

export interface Fixture {
  readonly text: string;
  readonly data: unknown;
  readonly path: string;
  readonly origin: "project" | "built-in";
  /** The file is a family's template, and the text is filled in for the event. */
  readonly template: boolean;
}

export interface FixtureRoots {
  /** The project's folder. */
  readonly root: string;
  /** This package's folder. */
  readonly packageRoot: string;
}

/**
 * The sample of an event: the project's copy, else the built-in one, else its family's template filled in. Of a product of
 * the user's own the one in its folder.
 */
export function readFixture(
  { root, packageRoot }: FixtureRoots,
  product: Product,
  format: Format,
  match: EventMatch,
): Fixture | undefined {
  const places = product.folder === undefined ? [projectPlace(root), builtIn(packageRoot)] : [ownPlace(product.folder)];
  return readFirst(places, product, format, match);
}

/** The sample of an event as it comes with this package, whatever the project has of its own. */
export function readBuiltInFixture(
  { packageRoot }: Pick<FixtureRoots, "packageRoot">,
  product: Product,
  format: Format,
  match: EventMatch,
): Fixture | undefined {
  return readFirst([builtIn(packageRoot)], product, format, match);
}

/** Where the project's own copy of an event's sample goes; of a product of the user's own its one sample. */
export function projectFixturePath(
  root: string,
  product: Product,
  format: Format,
  match: Pick<EventMatch, "name">,
): string {
  const [file] = fixtureFiles(product, format, match);
  const place = product.folder === undefined ? projectPlace(root) : ownPlace(product.folder);
  return below(place.folder, place.nameIn(place.folder, file));
}

/** The folder of the proposed samples of a format. */
export function learnedFolder(root: string, product: string, format: string): string {
  return join(root, PROJECT_LEARNED, product, format);
}

/** Where the proposed sample of an event goes, or the note beside it. The name is one that the format knows. */
export function learnedPath(
  root: string,
  { product, format, name }: { readonly product: string; readonly format: string; readonly name: string },
  extension: "json" | "md",
): string {
  return below(join(root, PROJECT_LEARNED), `${product}/${format}/${fileName(name)}.${extension}`);
}

/** What is written never lies elsewhere, whatever a name has come from. */
function below(folder: string, file: string): string {
  const path = join(folder, file);
  if (path.startsWith(folder + sep)) return path;
  throw usageError(`${JSON.stringify(file)} is not a possible file name in ${folder}`, "give the event another name");
}

interface Place {
  readonly folder: string;
  readonly origin: Fixture["origin"];
  /** Below that folder. */
  nameIn(folder: string, file: FixtureFile): string;
}

function builtIn(packageRoot: string): Place {
  return { folder: join(packageRoot, "fixtures"), origin: "built-in", nameIn: (_, { path }) => path };
}

function projectPlace(root: string): Place {
  return {
    folder: join(root, PROJECT_FIXTURES),
    origin: "project",
    nameIn: (folder, { path }) => asItLies(folder, path),
  };
}

/** The name as it lies there, whatever its case: some file systems know it so, and what works on those is to work on all. */
function asItLies(folder: string, name: string): string {
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
    // What is no folder, or cannot be listed: reading the file says why.
    return [];
  }
}

/** A folder that holds one product alone. */
function ownPlace(folder: string): Place {
  return { folder: join(folder, "fixtures"), origin: "project", nameIn: (_, { name }) => name };
}

function readFirst(places: readonly Place[], product: Product, format: Format, match: EventMatch): Fixture | undefined {
  for (const [i, file] of fixtureFiles(product, format, match).entries()) {
    for (const { folder, origin, nameIn } of places) {
      const path = join(folder, nameIn(folder, file));
      const raw = readIfThere(path);
      if (raw === undefined) continue;
      const text = file.fill(raw);
      const data = parse(
        text,
        path,
        product.folder === undefined ? "fix it, or delete it to use the built-in one" : "fix it",
      );
      return { text, data, path, origin, template: i > 0 };
    }
  }
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw usageError(`the fixture ${path} cannot be read: ${errorText(error)}`);
  }
}

function parse(text: string, path: string, hint: string): unknown {
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  const { line = 1, column = 1 } = parsed.position ?? {};
  throw usageError(`the fixture ${path}:${line}:${column} is not valid JSON: ${parsed.reason}`, hint);
}

/** Where an event's fixture may lie. */
interface FixtureFile {
  /** Below a folder of fixtures, with `/`: `crm/guide/Leads.create.json`. A valid file name on every platform. */
  readonly path: string;
  /** Its name alone, for a folder that belongs to one product. */
  readonly name: string;
  /** Fills what the file leaves open: a family's template says `{Module}` where the module's name goes. */
  fill(text: string): string;
}

/**
 * The places to look for an event's fixture, best first: its own file, then the template of its family
 * (`crm/guide/{Module}.create.json` for `<Module>.create`; braces, since Windows has no `<` in file names).
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

/** An event's name as that of a file, without its end. Windows takes `CON.create` for a device; no event has a `~`. */
function fileName(name: string): string {
  return name.replace(/^(?:con|prn|aux|nul|(?:com|lpt)\d)(?=\.|$)/i, "$&~");
}

/** `{Module}.create` for the family `<Module>.create`; other names as they are. */
function templateName(name: string): string {
  return name.replace(/<(\w+)>/g, "{$1}");
}
