import { join, relative } from "node:path";
import { learnedFolder, learnedPath } from "../config/fixture-store.ts";
import { readText } from "../config/json-file.ts";
import { refuseLinks, writeOwnFile } from "../config/own-file.ts";
import type { Context } from "../context.ts";
import { driftNote } from "../core/drift-note.ts";
import { UserError } from "../core/errors.ts";
import { findProduct } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import { driftOf, hasDrifted, type ObservedEvent } from "../core/traffic.ts";
import { sampleText } from "./sample-text.ts";

/**
 * Writes a proposed fixture and a note of the differences for each event that has drifted, and for each whose fields
 * are the user's own. What lies there already may have been worked on, so it stays as it is.
 */
export function learn(
  context: Context,
  root: string,
  events: readonly ObservedEvent[],
  products: readonly Product[],
): void {
  const learned = events.filter((seen) => seen.event.open || hasDrifted(driftOf(seen)));
  for (const seen of learned) learnEvent(context, root, seen, findProduct(products, seen.product));
  if (learned.length === 0 && events.length > 0)
    context.report({ type: "notice", message: "nothing to learn: the schemas know everything that came" });
}

/** Throws a usage error if a folder that `learn` may write to is a link: before a run, not at its end. */
export function refuseLinkedFolders(root: string, products: readonly Product[]): void {
  for (const { id, formats } of products)
    for (const format of formats) refuseLinks(root, learnedFolder(root, id, format.id));
}

/** Bytes: file systems take 255, and a file is written beside its place first, under a longer name. */
const LONGEST_NAME = 200;

function learnEvent(context: Context, root: string, seen: ObservedEvent, of: Product | undefined): void {
  const { product, format, name, sample } = seen;
  if (sample === undefined) {
    const message = `no fixture for ${product} ${name}: all of its deliveries are too large`;
    context.report({ type: "warning", message });
    return;
  }
  if (Buffer.byteLength(name) > LONGEST_NAME) {
    const message = `nothing learned about ${product} ${name.slice(0, 40)}…: its name is too long for a file`;
    context.report({ type: "warning", message });
    return;
  }
  try {
    const text = sampleText(sample, true);
    const path = (extension: "json" | "md"): string => learnedPath(root, { product, format, name }, extension);
    const place =
      of?.folder === undefined
        ? `.zoho-hooks/fixtures/${product}/${format}/`
        : `${relative(root, join(of.folder, "fixtures"))}/`;
    writeNew(context, root, path("json"), text, seen);
    writeNew(context, root, path("md"), driftNote(driftOf(seen), { redacted: true, place }), seen);
  } catch (error) {
    // One event that cannot be a sample, such as a query without a body, says nothing of the others.
    if (!(error instanceof UserError)) throw error;
    context.report({ type: "warning", message: `nothing learned about ${product} ${name}: ${error.message}` });
  }
}

function writeNew(context: Context, root: string, path: string, text: string, seen: ObservedEvent): void {
  const shown = relative(context.cwd, path);
  const isThere = readText(path) !== undefined;
  if (!isThere) writeOwnFile(root, path, text);
  context.report({
    type: "text",
    text: isThere ? `${shown} exists already and is kept; to learn it again, delete it\n` : `${shown}\n`,
    json: {
      type: "file",
      action: isThere ? "kept" : "learned",
      path,
      product: seen.product,
      format: seen.format,
      event: seen.name,
      redacted: true,
    },
  });
}
