import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { BIN, cleanEnv } from "./bin.ts";
import { tempFolder } from "./run.ts";

export interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly cwd?: string;
  /** With its flags; bash by default. */
  readonly shell?: readonly string[];
}

const SHOWN_TIMEOUT_MS = 15_000;
const POLL_MS = 25;
const BASH = ["bash", "--norc", "--noprofile"];

/** A person's shell in a real terminal: bash with job control in tmux. `$Z` is the built program. */
export class TerminalShell {
  readonly cwd: string;
  readonly #socket = join(tempFolder(), "tmux");

  constructor({ env, columns = 100, cwd = tempFolder(), shell = BASH }: ShellOptions = {}) {
    this.cwd = cwd;
    const size = ["-x", String(columns), "-y", "50"];
    const all = {
      ...cleanEnv({ LC_ALL: "C.UTF-8", PS1: "$ ", Z: `${process.execPath} ${BIN}`, ...env }),
      TERM: "xterm",
    };
    const term = env?.TERM === undefined ? [] : [`TERM=${env.TERM}`];
    const command = ["env", ...term, ...shell];
    this.#tmux(["-f", "/dev/null", "new-session", "-d", ...size, "-c", cwd, ...command], all);
    onTestFinished(() => void this.#tmux(["kill-server"]));
  }

  /** All that can be read by scrolling back, with the lines as the terminal has broken them. */
  get text(): string {
    return this.#tmux(["capture-pane", "-p", "-S", "-"]).trimEnd();
  }

  /** The last line. */
  get lastLine(): string {
    return this.text.split("\n").at(-1) ?? "";
  }

  /** Types a text as it is. */
  type(text: string): void {
    this.#tmux(["send-keys", "-l", text]);
  }

  /** Presses keys by tmux's names, such as `C-c`, `Up` and `Enter`. */
  press(...keys: readonly string[]): void {
    this.#tmux(["send-keys", ...keys]);
  }

  /** Types a command and Enter. */
  enter(command: string): void {
    this.type(command);
    this.press("Enter");
  }

  resize(columns: number): void {
    this.#tmux(["resize-window", "-x", String(columns), "-y", "50"]);
  }

  /** The id of the process that the shell waits for. */
  child(): number {
    const shell = this.#tmux(["display-message", "-p", "#{pane_pid}"]).trim();
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim().split(" ")[0]);
  }

  /** Resolves to the text once it has the pattern. */
  async shown(pattern: RegExp): Promise<string> {
    return this.#until(`does not show ${pattern}`, () => (pattern.test(this.text) ? this.text : undefined));
  }

  /** Resolves once the last line has the pattern. */
  async last(pattern: RegExp): Promise<string> {
    return this.#until(`does not end with ${pattern}`, () => (pattern.test(this.lastLine) ? this.lastLine : undefined));
  }

  async #until(failure: string, find: () => string | undefined): Promise<string> {
    const deadline = performance.now() + SHOWN_TIMEOUT_MS;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`the terminal ${failure}:\n${this.text}`);
      await delay(POLL_MS);
    }
  }

  #tmux(args: readonly string[], env = process.env): string {
    const { stdout } = spawnSync("tmux", ["-S", this.#socket, ...args], { env, encoding: "utf8" });
    return stdout;
  }
}
