import { MASK, maskDelivery, secretFieldNames } from "../delivery/mask.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import type { LogEntry } from "../log/log.ts";
import { usageError } from "../util/errors.ts";
import { type JsonNode, jsonFlaw, nodeAt, parseJson, scanJson } from "../util/json.ts";
import { minifyJson } from "../util/json-print.ts";

/**
 * The text of a body that was edited in the page, where secrets were masked: each mask that was left becomes the value that it
 * stands for again. Compact JSON is edited indented and becomes compact again. Throws a usage error for a mask elsewhere, and for
 * JSON that is none any more.
 */
export function editedBody(entry: LogEntry, edited: string, hidden: KnownSecrets | undefined): string {
  const original = entry.delivery.body.toString("utf8");
  const isJson = parseJson(original).ok;
  const flaw = isJson ? jsonFlaw(edited) : undefined;
  if (flaw !== undefined)
    throw usageError(`the body is not valid JSON: ${flaw}`, "nothing was sent: correct it, and replay it again");
  const text = isJson && minifyJson(original) === original ? minifyJson(edited) : edited;
  if (hidden === undefined || !text.includes(MASK)) return text;
  const masked = maskDelivery(hidden.maskDelivery(entry.delivery), secretFieldNames(entry.verdicts)).body.toString(
    "utf8",
  );
  const restored = masked === text ? original : restoreJson(text, masked, original);
  if (restored !== undefined) return restored;
  throw usageError(
    `the body has ${MASK} where it cannot be replaced by the secret that came`,
    "leave the masked values of a JSON body where they are, or start the inspector with --show-secrets",
  );
}

/** Undefined where a mask in the text does not stand at the same place in the masked JSON. */
function restoreJson(text: string, masked: string, original: string): string | undefined {
  if (![text, masked, original].every((each) => parseJson(each).ok)) return undefined;
  const [maskedRoot, originalRoot] = [scanJson(masked), scanJson(original)];
  let result = "";
  let end = 0;
  for (const { node, path } of scalars(scanJson(text))) {
    const source = text.slice(node.start, node.end);
    if (!source.includes(MASK)) continue;
    const [before, own] = [nodeAt(maskedRoot, path), nodeAt(originalRoot, path)];
    if (before === undefined || own === undefined || masked.slice(before.start, before.end) !== source)
      return undefined;
    result += text.slice(end, node.start) + original.slice(own.start, own.end);
    end = node.end;
  }
  const restored = result + text.slice(end);
  return restored.includes(MASK) && !original.includes(MASK) ? undefined : restored;
}

type Path = readonly (string | number)[];

function* scalars(node: JsonNode, path: Path = []): Generator<{ readonly node: JsonNode; readonly path: Path }> {
  if (node.children.length === 0) yield { node, path };
  for (const child of node.children) yield* scalars(child.node, [...path, child.key]);
}
