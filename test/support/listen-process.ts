import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { checkJsonLines } from "./json-lines.ts";
import { TEST_ENV } from "./run.ts";

const BIN = join(import.meta.dirname, "../../bin/zoho-hooks.js");

export interface ListenProcess {
  readonly pid: number;
  readonly url: string;
  /** All that it has printed but events and forwards. */
  readonly lines: readonly Record<string, unknown>[];
  /** What it has written to stderr. */
  err(): string;
  /** The messages of its warnings. */
  readonly warnings: readonly string[];
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves to the exit code. */
  readonly ended: Promise<number | null>;
  /** Ctrl-C; resolves to the exit code and the summary. */
  stop(): Promise<{ readonly exitCode: number | null; readonly summary: Record<string, unknown> }>;
  /** Its resident memory; undefined where the system does not tell. */
  megabytes(): { readonly now: number; readonly peak: number } | undefined;
}

export interface ListenProcessOptions {
  readonly cwd: string;
  /** A shell command to run first, in the same process: `ulimit -f 100`. */
  readonly limit?: string;
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** False with `--role deliver`, which opens none. */
  readonly hasPort?: boolean;
}

/**
 * The built `zoho-hooks listen --port 0 --json …` in a process of its own, once it is ready. Rejects with its stderr, or with
 * what kept the process from starting.
 */
export async function startListenProcess(
  argv: readonly string[],
  { cwd, limit, uid, env: more, hasPort = true }: ListenProcessOptions,
): Promise<ListenProcess> {
  const words = [BIN, "listen", ...(hasPort ? ["--port", "0"] : []), "--json", ...argv];
  const { PATH, SystemRoot, TMPDIR, TEMP } = process.env;
  const env = { PATH, SystemRoot, TMPDIR, TEMP, HOME: cwd, ...TEST_ENV, ...more };
  const options = { cwd, env, stdio: ["ignore", "pipe", "pipe"] as const, ...(uid === undefined ? {} : { uid }) };
  const child: ChildProcess =
    limit === undefined
      ? spawn(process.execPath, words, { ...options, stdio: ["ignore", "pipe", "pipe"] })
      : spawn("sh", ["-c", `${limit}; exec "$0" "$@"`, process.execPath, ...words], {
          ...options,
          stdio: ["ignore", "pipe", "pipe"],
        });
  const closed = once(child, "close");
  onTestFinished(() => void child.kill("SIGKILL"));
  let err = "";
  const lines: Record<string, unknown>[] = [];
  child.stderr?.on("data", (bytes: Buffer) => {
    err += bytes.toString();
  });
  if (child.stdout === null) throw new Error("stdout is a pipe");
  const output = createInterface(child.stdout);
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    output.on("line", (text) => {
      // Most lines are events, whose bodies need no reading here.
      if (text.includes('"type":"event"') || text.includes('"type":"forward"')) return;
      checkJsonLines({ out: `${text}\n` });
      const line = JSON.parse(text) as Record<string, unknown>;
      lines.push(line);
      if (line.type === "ready") resolve(line);
    });
    closed.then(([code]) => reject(new Error(`listen ended with ${code}: ${err}`)), reject);
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    url: String(ready.url),
    lines,
    err: () => err,
    get warnings() {
      return lines.flatMap(({ type, message }) => (type === "warning" ? [String(message)] : []));
    },
    ended: closed.then(([code]) => code),
    async kill() {
      child.kill("SIGKILL");
      await closed;
    },
    async stop() {
      child.kill("SIGINT");
      const [exitCode] = await closed;
      return { exitCode, summary: lines.find(({ type }) => type === "summary") ?? {} };
    },
    megabytes() {
      if (!existsSync(`/proc/${pid}/status`)) return undefined;
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const of = (name: string): number => Number(new RegExp(`${name}:\\s*(\\d+) kB`).exec(status)?.[1]) / 1024;
      return { now: of("VmRSS"), peak: of("VmHWM") };
    },
  };
}
