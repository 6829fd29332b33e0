import { type RunOptions, type RunResult, run } from "./run.ts";

export interface Listener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The JSON lines so far. */
  lines(): Record<string, unknown>[];
  /** Waits for the n-th event line (from 1). */
  event(n: number): Promise<Record<string, unknown>>;
  /** Waits for the n-th line (from 1) of a type that has these values. */
  line(type: string, values?: Record<string, unknown>, n?: number): Promise<Record<string, unknown>>;
  post(
    path: string,
    body: string | Buffer,
    headers?: Record<string, string>,
  ): Promise<{ status: number; text: string; headers: Headers }>;
  /** Ctrl-C, then the whole run's result. */
  stop(): Promise<RunResult>;
  readonly finished: Promise<RunResult>;
}

/** A command that runs until Ctrl-C, with `--json`. */
export interface RunningCommand extends Pick<Listener, "lines" | "line" | "stop" | "finished"> {
  /** Its first line of the type that says it is ready. */
  readonly ready: Readonly<Record<string, unknown>>;
}

/** Runs a command in process until it is ready. */
export async function startCommand(
  name: string,
  argv: readonly string[],
  readyType: string,
  options: RunOptions = {},
): Promise<RunningCommand> {
  const interrupt = new AbortController();
  const lines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let rest = "";
  const finished = run([name, "--json", ...argv], {
    ...options,
    signal: interrupt.signal,
    onOut(text) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts.map((part) => JSON.parse(part) as Record<string, unknown>));
      for (const wake of waiting) wake();
    },
  });
  const until = async <T>(find: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const ended = await Promise.race([
        new Promise<undefined>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve(undefined);
          };
          waiting.add(wake);
        }),
        finished,
      ]);
      if (ended !== undefined && find() === undefined)
        throw new Error(`${name} ended with ${ended.exitCode}: ${ended.err}${ended.out}`);
    }
  };
  return {
    ready: await until(() => lines.find((line) => line.type === readyType)),
    finished,
    lines: () => lines,
    line: (type, values = {}, n = 1) =>
      until(
        () =>
          lines.filter(
            (line) => line.type === type && Object.entries(values).every(([key, value]) => line[key] === value),
          )[n - 1],
      ),
    async stop() {
      interrupt.abort();
      return finished;
    },
  };
}

/** `zoho-hooks listen --port 0 --json …` in process, once it is ready; with `hasPort: false` without `--port`. */
export async function startListener(
  argv: readonly string[] = [],
  { hasPort = true, ...options }: RunOptions & { readonly hasPort?: boolean } = {},
): Promise<Listener> {
  const { ready, ...command } = await startCommand(
    "listen",
    [...(hasPort ? ["--port", "0"] : []), ...argv],
    "ready",
    options,
  );
  const url = String(ready.url);
  return {
    ...command,
    url,
    event: (n) => command.line("event", { n }),
    async post(path, body, headers = { "content-type": "application/json" }) {
      const response = await fetch(url + path, { method: "POST", body, headers });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
  };
}
