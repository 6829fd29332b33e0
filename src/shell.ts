import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import type { ChildRun, Runtime } from "./context.ts";

/** The part of the process that starts a shell. */
export type ShellHost = Pick<NodeJS.Process, "platform" | "kill" | "once" | "off">;

/**
 * Starts a shell, and with it what it starts, as one group of processes: a signal to the shell alone would leave the rest
 * running. None of it outlives this process but what heeds no SIGTERM once its shell has ended.
 */
export function startShell(
  commandLine: string,
  options: Pick<SpawnOptions, "cwd" | "stdio"> & { readonly env: Runtime["env"] },
  host: ShellHost,
): { readonly child: ChildProcess; readonly run: ChildRun } {
  const isWindows = host.platform === "win32";
  const child = spawn(commandLine, { ...options, shell: true, detached: !isWindows, windowsHide: true });
  const end = (force: boolean): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    if (isWindows) spawnSync("taskkill", ["/pid", String(child.pid), "/t", "/f"]);
    else signalGroup(host, child.pid, force ? "SIGKILL" : "SIGTERM");
  };
  const endAtOnce = (): void => end(true);
  host.once("exit", endAtOnce);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => {
    host.off("exit", endAtOnce);
    // What the shell has left running in the background.
    if (child.pid !== undefined && !isWindows) signalGroup(host, child.pid, "SIGTERM");
  });
  return { child, run: { ended, end } };
}

function signalGroup(host: ShellHost, pid: number, signal: NodeJS.Signals): void {
  try {
    host.kill(-pid, signal);
  } catch {
    // It has ended in this very moment.
  }
}
