import { spawn } from "node:child_process";
import type { Runtime } from "./runtime.ts";

type Program = readonly [command: string, ...args: string[]];

const OPENERS: Readonly<Record<string, Program>> = {
  darwin: ["open"],
  // Not `cmd /c start`: cmd would split the address at each `&`.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

const CLIPBOARDS: Readonly<Record<string, readonly Program[]>> = {
  darwin: [["pbcopy"]],
  win32: [["clip"]],
};
/** For Wayland, then two for X. */
const OTHER_CLIPBOARDS: readonly Program[] = [["wl-copy"], ["xclip", "-selection", "clipboard"], ["xsel", "-ib"]];

const TIMEOUT_MS = 2000;

/** Callers print the address too, so a failure is not an error. Opens nothing with `BROWSER=none`. */
export function openInBrowser(context: Runtime, url: string, onFailure: () => void = () => {}): void {
  if (context.env.BROWSER === "none") return;
  const [command, ...args] = OPENERS[context.platform] ?? ["xdg-open"];
  const child = spawn(command, [...args, url], {
    // Windows looks for a program in the working folder first, where a clone may have its own.
    cwd: context.packageRoot,
    stdio: "ignore",
    detached: true,
    env: { ...context.env },
  });
  const startedAt = performance.now();
  child.on("error", onFailure);
  // Without a running browser the child is the browser itself, which exits much later, when its window is closed.
  child.on("exit", (code) => {
    if (code !== 0 && performance.now() - startedAt < TIMEOUT_MS) onFailure();
  });
  child.unref();
}

/** Copies a text to the clipboard. False if no clipboard program works. */
export async function copyText(context: Runtime, text: string): Promise<boolean> {
  for (const program of CLIPBOARDS[context.platform] ?? OTHER_CLIPBOARDS) {
    if (await feed(context, program, text)) return true;
  }
  return false;
}

/** Whether a program has read the text from its standard input and exited with 0. */
function feed({ env, packageRoot: cwd }: Runtime, [command, ...args]: Program, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ["pipe", "ignore", "ignore"],
      env: { ...env },
      timeout: TIMEOUT_MS,
    });
    child.once("error", () => resolve(false));
    // Not "close": some programs leave a child that serves the text and keeps the inherited streams open.
    child.once("exit", (code) => resolve(code === 0));
    child.stdin.once("error", () => resolve(false));
    child.stdin.end(text);
  });
}
