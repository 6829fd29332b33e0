import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { BIN, cleanEnv } from "../support/bin.ts";
import { tempFolder } from "../support/run.ts";
import { checkText } from "./fuzz.ts";
import { neverShown, signedEnv } from "./signed.ts";

export interface WatchedListen {
  readonly cwd: string;
  readonly port: number;
  /** Of the inspector. */
  readonly token: string;
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Fails if it has ended, or has written what it must not since the last check. */
  check(): void;
  peakMegabytes(): number;
  /** Ctrl-C; fails if it does not end in order. Resolves to the end of its stdout. */
  stop(): Promise<string>;
}

/** Longer than what is looked for, which may lie on the border of two chunks. */
const TAIL_LENGTH = 200;

/** The built `listen` in a process of its own, whose output is examined as it comes: it is too much to be kept. */
export async function startWatchedListen(
  argv: readonly string[],
  command: "listen" | "ui" = "listen",
): Promise<WatchedListen> {
  const cwd = tempFolder();
  const own = command === "listen" ? ["--tunnel", "none"] : [];
  const words = [BIN, command, "--port", "0", ...own, "--no-color", ...argv];
  const child = spawn(process.execPath, words, { cwd, env: cleanEnv(signedEnv), stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  process.once("exit", () => child.kill("SIGKILL"));
  let problem: unknown;
  const tails = { stdout: "", stderr: "" };
  let token = "";
  const ready = new Promise<number>((resolve, reject) => {
    void closed.then(() => reject(new Error(`listen ended: ${tails.stdout}${tails.stderr}`)));
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        const text = tails[name] + chunk;
        tails[name] = text.slice(-TAIL_LENGTH);
        const [, port, hash = token] = /http:\/\/127\.0\.0\.1:(\d+)(?:\/#([\w-]{22}))?/.exec(text) ?? [];
        token = hash;
        if (port !== undefined) resolve(Number(port));
        try {
          checkText(text, neverShown);
        } catch (error) {
          problem ??= error;
        }
      });
    }
  });
  let peak = 0;
  const port = await ready;
  const check = (): void => {
    const found = problem;
    problem = undefined;
    if (found !== undefined) throw found;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`listen ended with ${child.exitCode ?? child.signalCode}: ${tails.stderr}`);
  };
  return {
    cwd,
    port,
    token,
    pid: child.pid ?? 0,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    check,
    peakMegabytes() {
      try {
        peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;
      } catch {
        // It has ended, or this system does not tell.
      }
      return peak;
    },
    async stop() {
      check();
      child.kill("SIGINT");
      const [exitCode] = await closed;
      if (problem !== undefined) throw problem;
      if (exitCode !== 130 && exitCode !== 0) throw new Error(`listen ended with ${exitCode}: ${tails.stderr}`);
      return tails.stdout;
    },
  };
}
