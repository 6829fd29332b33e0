import { spawn } from "node:child_process";
import type { Context } from "../../context.ts";

type Program = readonly [command: string, ...args: string[]];

const OPENERS: Readonly<Record<string, Program>> = {
  darwin: ["open"],
  // Not `cmd /c start`: the address is full of `&`, which a shell would take apart.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

const CLIPBOARDS: Readonly<Record<string, readonly Program[]>> = {
  darwin: [["pbcopy"]],
  win32: [["clip"]],
};
/** Wayland's, then X's two. */
const OTHER_CLIPBOARDS: readonly Program[] = [["wl-copy"], ["xclip", "-selection", "clipboard"], ["xsel", "-ib"]];

const PATIENCE_MS = 2000;

/** Shows a page to the person at the machine. Its address is printed anyway, so a failure ends nothing. */
export function openInBrowser(context: Context, url: string, onFailure: () => void = () => {}): void {
  const [command, ...args] = OPENERS[context.platform] ?? ["xdg-open"];
  const child = spawn(command, [...args, url], { stdio: "ignore", detached: true, env: { ...context.env } });
  const startedAt = performance.now();
  child.on("error", onFailure);
  // A browser that was not there yet may be what ends, much later, when its window is closed.
  child.on("exit", (code) => {
    if (code !== 0 && performance.now() - startedAt < PATIENCE_MS) onFailure();
  });
  child.unref();
}

/** Puts a text into the clipboard; false where no program of the system's takes it. */
export async function copyText(context: Context, text: string): Promise<boolean> {
  for (const program of CLIPBOARDS[context.platform] ?? OTHER_CLIPBOARDS) {
    if (await feed(context, program, text)) return true;
  }
  return false;
}

/** Whether a program has taken the text from its standard input and ended well. */
function feed({ env }: Context, [command, ...args]: Program, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["pipe", "ignore", "ignore"], env: { ...env }, timeout: PATIENCE_MS });
    child.once("error", () => resolve(false));
    // Not "close": some stay in the background to serve the text, and keep what they have inherited.
    child.once("exit", (code) => resolve(code === 0));
    child.stdin.once("error", () => resolve(false));
    child.stdin.end(text);
  });
}
