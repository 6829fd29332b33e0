import { spawn } from "node:child_process";
import type { Runtime } from "./runtime.ts";

type Program = readonly [command: string, ...args: string[]];

const OPENERS: Readonly<Record<string, Program>> = {
  darwin: ["open"],
  // Not `cmd /c start`: cmd would split the address at each `&`.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

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
