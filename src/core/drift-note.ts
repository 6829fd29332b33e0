import { type EventDrift, typesText } from "./traffic.ts";
import { counted } from "./units.ts";

/** What was learned of an event, as Markdown to lie beside its proposed fixture. */
export function driftNote(
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
