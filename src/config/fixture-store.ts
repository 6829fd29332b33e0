import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorText, usageError } from "../core/errors.ts";
import type { EventMatch } from "../core/event-name.ts";
import { fixtureFiles } from "../core/fixture-files.ts";
import type { Format, Product } from "../core/product.ts";

/** Where a project keeps its own fixtures, below its root. They win over the built-in ones. */
export const PROJECT_FIXTURES = join(".zoho-hooks", "fixtures");

export interface Fixture {
  readonly text: string;
  readonly data: unknown;
  readonly path: string;
  readonly origin: "project" | "built-in";
}

export interface FixtureRoots {
  /** The project's folder. */
  readonly root: string;
  /** This package's folder. */
  readonly packageRoot: string;
}

/** The sample of an event: the project's copy, else the built-in one, else its family's template filled in. */
export function readFixture(
  roots: FixtureRoots,
  product: Product,
  format: Format,
  match: EventMatch,
): Fixture | undefined {
  const folders = [
    { folder: join(roots.root, PROJECT_FIXTURES), origin: "project" },
    { folder: join(roots.packageRoot, "fixtures"), origin: "built-in" },
  ] as const;
  for (const file of fixtureFiles(product, format, match)) {
    for (const { folder, origin } of folders) {
      const path = join(folder, file.path);
      const raw = readIfThere(path);
      if (raw === undefined) continue;
      const text = file.fill(raw);
      return { text, data: parse(text, path), path, origin };
    }
  }
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw usageError(`the fixture ${path} cannot be read: ${errorText(error)}`);
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(
      `the fixture ${path} is not valid JSON: ${errorText(error)}`,
      "mend it, or delete it to use the built-in one",
    );
  }
}
