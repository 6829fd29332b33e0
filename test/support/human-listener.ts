import { type RunOptions, type RunResult, run } from "./run.ts";

export interface HumanListener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Resolves with the match as soon as stdout, or else `stream`, has it. */
  shown(pattern: RegExp, stream?: "out" | "err"): Promise<RegExpExecArray>;
  /** Ctrl-C, then the whole run's result. */
  stop(): Promise<RunResult>;
}

/** `zoho-hooks listen --port 0 …` in process as a person sees it, once it is ready. */
export async function startHumanListener(
  argv: readonly string[] = [],
  options: RunOptions = {},
): Promise<HumanListener> {
  const interrupt = new AbortController();
  const texts = { out: "", err: "" };
  const waiting = new Set<() => void>();
  const follow = (stream: "out" | "err") => (text: string) => {
    texts[stream] += text;
    for (const wake of waiting) wake();
  };
  const { signal } = interrupt;
  const streams = { onOut: follow("out"), onErr: follow("err") };
  const finished = run(["listen", "--port", "0", ...argv], { ...options, signal, ...streams });
  const until = (stream: "out" | "err", pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const match = pattern.exec(texts[stream]);
        if (match === null) return;
        waiting.delete(check);
        resolve(match);
      };
      waiting.add(check);
      check();
      finished.then(({ out, err }) => reject(new Error(`it ended without ${pattern}:\n${out}${err}`)), reject);
    });
  const [, url = ""] = await until("err", /Listening on (http:\/\/[^/\s]+)/);
  return {
    url,
    shown: (pattern, stream = "out") => until(stream, pattern),
    stop() {
      interrupt.abort();
      return finished;
    },
  };
}
