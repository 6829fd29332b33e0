import { dirname, join, relative } from "node:path";
import type { Product } from "../contract/product.ts";
import type { Context } from "../project/context.ts";
import { driftOf, type EventDrift, hasDrifted, typesText } from "../samples/drift.ts";
import { fileLine, learnedPath } from "../samples/fixtures.ts";
import type { ObservedEvent } from "../samples/traffic.ts";
import { UserError } from "../util/errors.ts";
import { readText, writePrivateFile } from "../util/files.ts";
import { rejectLinks } from "../util/links.ts";
import { counted } from "../util/units.ts";
import { fixtureText } from "./fixture-text.ts";

/** Throws a usage error if a folder that `learn` may write to is a link. */
export function refuseLinkedFolders(root: string, products: readonly Product[]): void {
  for (const product of products)
    for (const format of product.formats)
      rejectLinks(root, dirname(learnedPath(root, { product, format, name: "event" })));
}

/**
 * Writes a proposed fixture, and a note of the differences, for each event that has drifted or whose fields are the
 * user's own. Existing files may have been edited, so they stay.
 */
export function learn(context: Context, root: string, events: readonly ObservedEvent[]): void {
  const learned = events.filter((seen) => seen.event.open || hasDrifted(driftOf(seen)));
  for (const seen of learned) learnEvent(context, root, seen);
  if (learned.length === 0 && events.length > 0)
    context.report({ type: "notice", message: "nothing to learn: every field that was received is in a schema" });
}

/** Bytes: file systems accept 255, and a file is first written under a longer, temporary name. */
const MAX_NAME_BYTES = 200;

function learnEvent(context: Context, root: string, seen: ObservedEvent): void {
  const { product, format, name, sample } = seen;
  const warn = (message: string): void => context.report({ type: "warning", message });
  if (sample === undefined) {
    warn(`no fixture for ${product.id} ${name}: all its deliveries are too large`);
    return;
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    warn(`nothing learned about ${product.id} ${name.slice(0, 40)}…: its name is too long for a file`);
    return;
  }
  const place =
    product.folder === undefined
      ? `.zoho-hooks/fixtures/${product.id}/${format.id}/`
      : `${relative(root, join(product.folder, "fixtures"))}/`;
  try {
    const path = learnedPath(root, seen);
    const text = fixtureText(sample, { redact: true, known: context.knownSecrets });
    writeNew(context, root, seen, path, text);
    writeNew(context, root, seen, path.replace(/json$/, "md"), driftNote(driftOf(seen), place));
  } catch (error) {
    // This delivery cannot be a sample, because it is plain text for example. The other events may be fine.
    if (!(error instanceof UserError)) throw error;
    warn(`nothing learned about ${product.id} ${name}: ${error.message}`);
  }
}

function writeNew(context: Context, root: string, seen: ObservedEvent, path: string, text: string): void {
  const shown = relative(context.cwd, path);
  rejectLinks(root, path);
  const exists = readText(path) !== undefined;
  if (!exists) writePrivateFile(root, path, text);
  context.report({
    type: "text",
    text: exists ? `${shown} already exists and was not changed; delete it to learn it again\n` : `${shown}\n`,
    prose: exists,
    json: { ...fileLine(seen, exists ? "kept" : "learned", path), redacted: true },
  });
}

/** Markdown that explains a proposed fixture. */
function driftNote(drift: EventDrift, target: string): string {
  const { product, format, event, deliveries, partial, unknown, unseen, conflicts } = drift;
  const sections = [
    section(
      "Received, but not in the schema",
      ["field", "type", "received"],
      unknown.map(({ path, types, count }) => [code(path), typesText(types), times(count)]),
    ),
    section(
      "Does not match the schema",
      ["field", "the schema", "received", "how often"],
      conflicts.map(({ path, expected, seen, count }) => [code(path), code(expected), seen, times(count)]),
    ),
    section(
      "Optional in the schema, and never received",
      ["field", "the schema"],
      unseen.map(({ path, expected }) => [code(path), code(expected)]),
    ),
  ];
  return [
    `# ${product} ${event}`,
    "",
    `Format ${format}, ${counted(deliveries, "delivery", "deliveries")}.`,
    ...(partial ? ["There were more fields than are compared, so this list is incomplete.", ""] : [""]),
    ...sections,
    "The fixture beside this note is a proposal: secrets are masked, and personal data is replaced where it is recognised.",
    `Read it, then move it to \`${target}\` for \`zoho-hooks send\` to use it.`,
    "",
  ].join("\n");
}

function section(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return `## ${title}\n\nNothing.\n`;
  const lines = [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `## ${title}\n\n${lines.join("\n")}\n`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

/** Names come from strangers: none may end the cell, the code or the line. */
function code(text: string): string {
  return `\`${text
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .replaceAll("`", "'")
    .replaceAll("|", "\\|")}\``;
}
