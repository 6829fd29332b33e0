import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../project/context.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { jsonFlaw, parseJson } from "../util/json.ts";
import { minifyJson, prettyJson } from "../util/json-print.ts";
import { stoppedBy } from "../util/timing.ts";

/**
 * Opens the body in the user's editor. Compact JSON is shown indented and compacted again. Throws a UserError when nothing is
 * to be sent.
 */
export async function editBody(context: Context, env: Context["env"], body: Buffer): Promise<Buffer> {
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
    const nothing =
      edited.trim() === "" ? "the file was emptied" : edited === shown ? "nothing was changed" : undefined;
    if (nothing !== undefined) throw usageError(`${nothing}: nothing was sent`, "without --edit it is sent as it came");
    const flaw = isJson ? jsonFlaw(edited) : undefined;
    if (flaw === undefined) break;
    const message = `what you wrote is not valid JSON: ${flaw}`;
    const prompts = await context.prompts();
    if (prompts === undefined || !(await prompts.confirm({ message: `${message}. Edit again?`, initial: true }))) {
      throw usageError(`${message}: nothing was sent`, "zoho-hooks check sends broken JSON on purpose");
    }
  }
  if (compact) return Buffer.from(minifyJson(edited));
  // Most editors add a newline at the end.
  return Buffer.from(original.endsWith("\n") ? edited : edited.replace(/\r?\n$/, ""));
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
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw usageError(`the edited file cannot be read: nothing was sent (${errorText(error)})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
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
      const isMissing = code === 127 || code === 9009;
      const reason = isMissing ? "was not found" : `ended with ${signal ?? `exit code ${code}`}`;
      reject(usageError(`the editor ${command} ${reason}: nothing was sent`, "see VISUAL and EDITOR"));
    });
  });
}
