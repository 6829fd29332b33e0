import { relative } from "node:path";
import type { LogEntry } from "../log/log.ts";
import { findEvent } from "../model/event-names.ts";
import { chosenFormat, requireEvent, requireFormat, requireProduct } from "../model/named.ts";
import type { Format, Product } from "../model/product.ts";
import { projectProducts } from "../own-products/project-products.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { type FixtureKey, fileLine, projectFixturePath } from "../samples/fixtures.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { readText, writeFileAtomically } from "../util/files.ts";
import { rejectLinks } from "../util/links.ts";
import { entryName } from "./entry.ts";
import { fixtureText } from "./fixture-text.ts";
import { parseNumber, requireEntry, requireWholeBody, withLog } from "./open-log.ts";

export interface SaveOptions {
  readonly redact?: boolean;
  readonly name?: string;
  readonly force?: boolean;
}

/** Saves a delivery as a sample of the project, for `send` and for tests. Secrets are always masked. */
export async function saveFixture(context: Context, which: string, options: SaveOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  const { redact = false, force = false } = options;
  const config = loadConfig(context);
  return withLog(context, config, async (log) => {
    const entry = requireWholeBody(await requireEntry(log, n));
    const sample = sampleOf(await projectProducts(config, { schemas: false }), entry, options.name);
    const { product, format, name } = sample;
    const path = projectFixturePath(config.root, sample);
    rejectLinks(config.root, path);
    const shownPath = relative(context.cwd, path);
    const text = fixtureText(entry, { redact, known: context.knownSecrets });
    const old = readText(path);
    if (old !== undefined && old !== text && !force) {
      throw usageError(`${shownPath} already exists`, "--force overwrites it; --name saves under another event's name");
    }
    writeFileAtomically(path, text);
    const action = old === undefined ? "saved" : old === text ? "unchanged" : "overwritten";
    const json = { ...fileLine(sample, action, path, entry.n), redacted: redact };
    context.report({ type: "text", text: `${shownPath}\n`, json });
    if (!redact) {
      context.report({
        type: "warning",
        message: `${shownPath} contains real personal data, and git does not ignore it`,
        hint: "--redact replaces names, e-mails, phone numbers, addresses and ids",
      });
    }
    const personal = redact
      ? "; names, e-mails, phone numbers, addresses and ids are replaced; check it before you share it"
      : "";
    const isUsual = chosenFormat(product, undefined, name).id === format.id;
    const event = `${product.id} ${name}${isUsual ? "" : ` --format ${format.id}`}`;
    const message = `tokens are masked${personal}. Send it: ${context.invocation} send ${event}`;
    context.report({ type: "notice", message });
    if (redact && format.evidence === "modelled") {
      context.report({
        type: "notice",
        message: `${product.title}'s format ${format.id} is our best guess: nobody has shown us a delivery of it. Please share ${shownPath} with the maintainers of zoho-hooks, so that they can correct its schema`,
      });
    }
    return ExitCode.ok;
  });
}

/** The event that the delivery is a sample of. Its name becomes a file name, so only safe names are accepted. */
function sampleOf(products: readonly Product[], entry: LogEntry, given: string | undefined): FixtureKey {
  if (entry.product === undefined) {
    throw usageError(
      `#${entry.n} (${entryName(entry)}) does not belong to a known product, so it cannot be a sample`,
      "post it to /webhooks/zoho/<product>, so that its product is known",
    );
  }
  const product = requireProduct(products, entry.product);
  const wanted = given ?? entry.event;
  // The format of an unrecognised body is that of the event that was named.
  const named = product.formats.find((each) => wanted !== undefined && findEvent(each, wanted) !== undefined);
  const format = requireFormat(product, entry.format ?? named?.id ?? product.formats[0]?.id ?? "");
  const known = wanted === undefined ? undefined : findEvent(format, wanted);
  if (known !== undefined) return { product, format, name: known.name };
  if (wanted !== undefined && canBeAdded(product, format, wanted)) return { product, format, name: wanted };
  if (given !== undefined) return { product, format, name: requireEvent(product, format, given).name };
  throw usageError(
    `#${entry.n} (${entryName(entry)}) is not a known event of ${product.id}`,
    `say which event it is a sample of: --name Event; zoho-hooks products ${product.id} lists them`,
  );
}

/** For an event of a custom product a sample is enough, if deliveries name their event. */
function canBeAdded({ folder }: Product, { body: { customEvent } }: Format, name: string): boolean {
  return (
    folder !== undefined &&
    customEvent === undefined &&
    /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,100}[\p{L}\p{N}])?$/u.test(name)
  );
}
