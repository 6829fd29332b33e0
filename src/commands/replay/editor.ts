import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../../context.ts";
import { errorText, usageError } from "../../core/errors.ts";
import { stoppedBy } from "../../core/stopped-by.ts";

/**
 * Lets a person change a text in their own editor. The file is readable to them alone and gone afterwards, whatever
 * happens. Throws a UserError where there is no editor or where it fails.
 */
export async function editText(context: Context, env: Context["env"], text: string, fileName: string): Promise<string> {
  const command = env.VISUAL?.trim() || env.EDITOR?.trim();
  if (!command) {
    throw usageError(
      "--edit: neither VISUAL nor EDITOR is set",
      "set one, such as EDITOR=nano or EDITOR='code --wait'",
    );
  }
  // Asked for before the editor runs, so that a Ctrl-C meant for it does not end us without removing the file.
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
    throw usageError(`the editor has left no file to read: nothing was sent (${errorText(error)})`);
  }
}

/** The variable may hold flags and quotes, as it may for Git, so a shell reads it; the file's name is never part of it. */
function runEditor({ platform, stdout }: Context, command: string, file: string): Promise<void> {
  // An editor draws on the terminal. Where our stdout leads elsewhere it must hold data only.
  const stdio = ["inherit", stdout.isTTY ? "inherit" : 2, "inherit"] as const;
  const child =
    platform === "win32"
      ? spawn(`${command} "${file}"`, { shell: true, stdio: [...stdio] })
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
