import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changeBody } from "../contract/edit-body.ts";
import { findFormat, findProduct } from "../contract/event-names.ts";
import { signAgain } from "../contract/prepare.ts";
import type { Format, Product } from "../contract/product.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { withQueryOf } from "../delivery/target-url.ts";
import { forwardRequest } from "../forward/request.ts";
import type { LogEntry } from "../log/log.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { carriesSignature } from "../recognition/recognise.ts";
import { errorText, usageError } from "../util/errors.ts";
import { parseJson } from "../util/json.ts";
import { minifyJson, prettyJson } from "../util/json-print.ts";
import { stoppedBy } from "../util/timing.ts";
import type { ReplayPlan } from "./replay-plan.ts";

/** A request that is ready to be posted. */
export interface ReplayRequest {
  readonly delivery: Delivery;
  /** How it was changed or signed, for a person. */
  readonly notes: readonly string[];
  /** The body differs from the one that came. */
  readonly changed: boolean;
}

/** The body as it came, or with the changes of --set or --edit. */
export async function replayBody(
  context: Context,
  plan: ReplayPlan,
  config: Config,
  { delivery }: LogEntry,
): Promise<Buffer> {
  const { assignments, edit } = plan;
  if (plan.body !== undefined) return plan.body;
  const set = assignments.length === 0 ? delivery.body : changeBody(delivery, assignments);
  if (!edit) return set;
  return editBody(context, config.env, { ...delivery, body: set });
}

/** The format of its signature, if it has one. */
function formatToSign(product: Product, { delivery, format }: LogEntry): Format | undefined {
  const own = format === undefined ? product.formats[0] : findFormat(product, format);
  if (own === undefined || carriesSignature(own, delivery)) return own;
  return product.formats.find((each) => carriesSignature(each, delivery)) ?? own;
}

export function replayRequest(
  context: Context,
  plan: ReplayPlan,
  { secrets, products }: Pick<Config, "secrets"> & { readonly products: readonly Product[] },
  entry: LogEntry,
  target: string,
  body: Buffer,
): ReplayRequest {
  if (plan.exact) {
    const notes = ["headers and bytes exactly as received"];
    return { delivery: { ...entry.delivery, url: withQueryOf(entry.url, target) }, notes, changed: false };
  }
  const changed = !body.equals(entry.delivery.body);
  const source = { ...entry, delivery: { ...entry.delivery, body } };
  const delivery = forwardRequest(source, target);
  const product = entry.product === undefined ? undefined : findProduct(products, entry.product);
  const format = product && formatToSign(product, entry);
  const notes = changed ? ["with a changed body"] : [];
  if (product === undefined || format === undefined) return { delivery, notes, changed };
  const again = signAgain({ delivery, product: product.id, format, changed, secrets, now: context.now() });
  return { delivery: again.delivery, notes: again.notes.length === 0 ? notes : again.notes, changed };
}

/**
 * Opens the body in the user's editor. Compact JSON is shown indented and compacted again. Throws a UserError when nothing is
 * to be sent.
 */
async function editBody(context: Context, env: Context["env"], { body }: Delivery): Promise<Buffer> {
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
  // Most editors add a newline at the end.
  return Buffer.from(original.endsWith("\n") ? edited : edited.replace(/\r?\n$/, ""));
}

function flawOf(text: string): string | undefined {
  const parsed = parseJson(text);
  if (parsed.ok) return undefined;
  const { position } = parsed;
  const place = position === undefined ? "" : ` (line ${position.line}, column ${position.column})`;
  return `what you wrote is not valid JSON: ${parsed.reason}${place}`;
}

/**
 * The file is readable by the user only and always removed afterwards. Throws a UserError where there is no editor or it
 * fails.
 */
async function editText(context: Context, env: Context["env"], text: string, fileName: string): Promise<string> {
  const command = env.VISUAL?.trim() || env.EDITOR?.trim();
  if (!command) {
    throw usageError(
      "--edit: neither VISUAL nor EDITOR is set",
      "set one, such as EDITOR=nano or EDITOR='code --wait'",
    );
  }
  // Installs the handler, so that a Ctrl-C meant for the editor does not end us before the file is removed.
  const { signal } = context;
  const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-edit-"));
  try {
    const file = join(folder, fileName);
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
    await runEditor(context, command, file);
    if (signal.aborted) throw usageError(`${stoppedBy(signal)}: nothing was sent`);
    return readEdited(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readEdited(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usageError(`the edited file cannot be read: nothing was sent (${errorText(error)})`);
  }
}

/** As for Git, the variable may have flags and quotes, so a shell parses it; the file's name is passed as an argument. */
function runEditor({ packageRoot, platform, stdout }: Context, command: string, file: string): Promise<void> {
  // An editor draws on the terminal, but a redirected stdout must hold data only.
  const stdio = ["inherit", stdout.isTTY ? "inherit" : 2, "inherit"] as const;
  const child =
    platform === "win32"
      ? // Windows looks for a program in the working folder first, where a clone may have its own.
        spawn(`${command} "${file}"`, { shell: true, cwd: packageRoot, stdio: [...stdio] })
      : spawn("sh", ["-c", `${command} "$@"`, command, file], { stdio: [...stdio] });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(usageError(`the editor ${command} cannot be started: ${errorText(error)}`)));
    child.once("close", (code, signal) => {
      if (code === 0) return resolve();
      const missing = code === 127 || code === 9009;
      const what = missing ? "was not found" : `ended with ${signal ?? `exit code ${code}`}`;
      reject(usageError(`the editor ${command} ${what}: nothing was sent`, "see VISUAL and EDITOR"));
    });
  });
}
