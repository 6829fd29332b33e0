import type { Context } from "../../context.ts";
import type { Delivery } from "../../core/delivery.ts";
import { usageError } from "../../core/errors.ts";
import { minifyJson, prettyJson } from "../../core/json-print.ts";
import { parseJson } from "../../core/json-text.ts";
import { editText } from "./editor.ts";

/**
 * The body as a person has changed it. JSON is shown to them indented, and goes out the way it came: without white space
 * where it had none. Throws a UserError when nothing is to be sent.
 */
export async function editBody(context: Context, env: Context["env"], { body }: Delivery): Promise<Buffer> {
  const original = body.toString("utf8");
  if (!Buffer.from(original, "utf8").equals(body)) {
    throw usageError("--edit: the body is not UTF-8 text", "an editor would change its bytes");
  }
  const isJson = parseJson(original).ok;
  const compact = isJson && minifyJson(original) === original;
  const shown = compact ? `${prettyJson(original)}\n` : original;
  let edited = shown;
  for (;;) {
    edited = await editText(context, env, edited, isJson ? "body.json" : "body.txt");
    if (edited.trim() === "")
      throw usageError("the file was emptied: nothing was sent", "without --edit it is sent as it came");
    if (edited === shown) {
      throw usageError("nothing was changed: nothing was sent", "without --edit it is sent as it came");
    }
    const flaw = isJson ? flawOf(edited) : undefined;
    if (flaw === undefined) break;
    const prompts = await context.prompts();
    if (prompts === undefined || !(await prompts.confirm({ message: `${flaw}. Edit again?`, initial: true }))) {
      throw usageError(`${flaw}: nothing was sent`, "zoho-hooks send --malformed sends broken JSON on purpose");
    }
  }
  if (compact) return Buffer.from(minifyJson(edited));
  // Most editors end a file with a newline that the body did not have.
  return Buffer.from(original.endsWith("\n") ? edited : edited.replace(/\r?\n$/, ""));
}

function flawOf(text: string): string | undefined {
  const parsed = parseJson(text);
  if (parsed.ok) return undefined;
  const { position } = parsed;
  const place = position === undefined ? "" : ` (line ${position.line}, column ${position.column})`;
  return `what you wrote is not valid JSON: ${parsed.reason}${place}`;
}
