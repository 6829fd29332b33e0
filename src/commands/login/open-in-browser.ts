import { spawn } from "node:child_process";
import type { Context } from "../../context.ts";

const OPENERS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  // Not `cmd /c start`: the address is full of `&`, which a shell would take apart.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Shows a page to the person at the terminal. Its address is printed anyway, so a failure is none. */
export function openInBrowser(context: Context, url: string): void {
  if (!context.stderr.isTTY) return;
  const [command, ...args] = OPENERS[context.platform] ?? ["xdg-open"];
  const child = spawn(command, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}
