import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

/** Callbacks of a run that takes keys. */
export interface KeyboardUser {
  /** The characters of one or more keys. */
  onInput(text: string): void;
  /** The terminal is the run's: at first, and when it comes back from another program or from the shell. */
  onTaken(): void;
  /** The terminal is about to be given away, or the process ends. */
  onReleased(): void;
  onResized(): void;
}

/** The terminal in the mode in which each key arrives at once and is not echoed ("raw"). */
export interface Keyboard {
  /** Gives the terminal to another program, such as an editor. */
  release(): void;
  take(): void;
  /** Sends to the process group what a terminal sends for Ctrl-C, Ctrl-\ and Ctrl-Z; in raw mode it does not. */
  signal(name: "SIGINT" | "SIGQUIT" | "SIGTSTP"): void;
  /** Ends this process alone, as Ctrl-C would. */
  interrupt(): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** Between two looks whether a run in the background is in the foreground again: the shell does not tell. */
const BACKGROUND_POLL_MS = 1000;
/** A process that is stopped goes on here once it is continued; one that no shell can stop, at once. */
const STOP_MS = 50;

export function openKeyboard(host: NodeJS.Process, user: KeyboardUser): Keyboard {
  const { stdin, stdout } = host;
  const decoder = new StringDecoder("utf8");
  const isWindows = host.platform === "win32";
  let isWanted = false;
  let isTaken = false;
  let later: NodeJS.Timeout | undefined;

  const onData = (bytes: Buffer | string): void => user.onInput(decoder.write(Buffer.from(bytes)));
  const take = (): void => {
    clearTimeout(later);
    if (!isWanted || isTaken) return;
    // In the background a change of the terminal's mode would stop this process.
    if (!isWindows && !isInForeground(host)) {
      later = setTimeout(take, BACKGROUND_POLL_MS).unref();
      return;
    }
    isTaken = true;
    // Node changes nothing where the mode was raw before, but the shell may have changed it.
    stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.on("data", onData);
    stdin.resume();
    user.onTaken();
  };
  const release = (setsMode = true): void => {
    clearTimeout(later);
    if (!isTaken) return;
    isTaken = false;
    stdin.off("data", onData);
    stdin.pause();
    user.onReleased();
    if (setsMode) stdin.setRawMode(false);
  };
  const stop = (pid: number): void => {
    release();
    host.off("SIGTSTP", onStop);
    host.kill(pid, "SIGTSTP");
    setTimeout(() => {
      if (!isClosed) host.on("SIGTSTP", onStop);
      take();
    }, STOP_MS);
  };
  const onStop = (): void => stop(host.pid);
  const onContinued = (): void => {
    // After a SIGSTOP: the shell has set the terminal's mode.
    release(false);
    take();
  };
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    isWanted = false;
    release();
    host.off("SIGTSTP", onStop).off("SIGCONT", onContinued).off("exit", close).off("uncaughtExceptionMonitor", close);
    stdout.off("resize", user.onResized);
  };

  host.on("SIGTSTP", onStop).on("SIGCONT", onContinued).once("exit", close).once("uncaughtExceptionMonitor", close);
  stdout.on("resize", user.onResized);
  // The terminal's window was closed; SIGHUP ends the run.
  stdin.on("error", () => {});
  return {
    release() {
      isWanted = false;
      release();
    },
    take() {
      isWanted = true;
      take();
    },
    signal(name) {
      if (name === "SIGTSTP") {
        if (!isWindows) stop(0);
        return;
      }
      close();
      if (!isWindows) host.kill(0, name);
      else if (name === "SIGINT") host.emit(name, name);
    },
    interrupt() {
      close();
      host.emit("SIGINT", "SIGINT");
    },
    close,
  };
}

/** Whether the process group of this process has the terminal; also where that cannot be found out. */
function isInForeground({ pid }: NodeJS.Process): boolean {
  const [group, foreground] = terminalGroups(pid);
  return !(foreground !== undefined && foreground > 0 && foreground !== group);
}

function terminalGroups(pid: number): readonly number[] {
  try {
    // The name before the last parenthesis may hold anything: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const [, , group, , , foreground] = readFileSync("/proc/self/stat", "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return [Number(group), Number(foreground)];
  } catch {
    const { stdout } = spawnSync("ps", ["-o", "pgid=", "-o", "tpgid=", "-p", String(pid)], { encoding: "utf8" });
    return (stdout ?? "").trim().split(/\s+/).map(Number);
  }
}
