import { join, relative } from "node:path";
import { readPayload } from "../../body/payload.ts";
import { learnedFolder, learnedPath } from "../../config/fixtures.ts";
import type { Context } from "../../context.ts";
import { findProduct } from "../../core/event-names.ts";
import type { Product } from "../../core/product.ts";
import {
  createTraffic,
  driftOf,
  type EventDrift,
  hasDrifted,
  type ObservedEvent,
  type Traffic,
  typesText,
} from "../../core/traffic.ts";
import type { ListOptions, Log, LogFilter } from "../../store/log.ts";
import { UserError } from "../../util/errors.ts";
import { readText, rejectLinks, writePrivateFile } from "../../util/files.ts";
import { counted } from "../../util/units.ts";
import { sampleText } from "./samples.ts";

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
    for (const format of formats) rejectLinks(root, learnedFolder(root, id, format.id));
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
  if (!isThere) writePrivateFile(root, path, text);
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

/** What was learned of an event, as Markdown to lie beside its proposed fixture. */
function driftNote(
  drift: EventDrift,
  { redacted, place }: { readonly redacted: boolean; readonly place: string },
): string {
  const { product, format, event, deliveries, partial, unknown, unseen, conflicts } = drift;
  const sections = [
    section(
      "Came, and is not in the schema",
      ["field", "type", "came"],
      unknown.map(({ path, types, count }) => [code(path), typesText(types), times(count)]),
    ),
    section(
      "Came otherwise than the schema says",
      ["field", "the schema", "what came", "how often"],
      conflicts.map(({ path, expected, seen, count }) => [code(path), code(expected), seen, times(count)]),
    ),
    section(
      "Is in the schema as optional, and has not come",
      ["field", "the schema"],
      unseen.map(({ path, expected }) => [code(path), code(expected)]),
    ),
  ];
  return [
    `# ${product} ${event}`,
    "",
    `Format ${format}, ${counted(deliveries, "delivery", "deliveries")}.`,
    ...(partial ? ["There were more fields than are compared, so this is not all.", ""] : [""]),
    ...sections,
    `The fixture beside this note is a proposal: secrets are masked${redacted ? ", personal data is replaced as far as it can be told" : ""}.`,
    `Read it, then move it to \`${place}\` for \`zoho-hooks send\` to use it.`,
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

/** Names are a stranger's: none may end the cell, the code or the line that it stands in. */
function code(text: string): string {
  return `\`${text
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .replaceAll("`", "'")
    .replaceAll("|", "\\|")}\``;
}

/** The shapes of what the log holds, read in pages. */
export async function observeLog(
  log: Log,
  products: readonly Product[],
  filter: LogFilter = {},
  { onDamaged, ...options }: { readonly samples?: boolean } & Pick<ListOptions, "onDamaged"> = {},
): Promise<Traffic> {
  const traffic = createTraffic(products, options);
  for await (const entry of log.entries(filter, { order: "oldest", ...(onDamaged && { onDamaged }) })) {
    traffic.add({
      ...entry,
      data() {
        const read = readPayload(entry.delivery);
        return read.ok ? read.payload.data : undefined;
      },
    });
  }
  return traffic;
}
