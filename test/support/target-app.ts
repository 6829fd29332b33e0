import { createHash } from "node:crypto";
import { connect } from "node:net";
import { type Answer, type Seen, startTarget, type Target, type TargetOptions } from "./target.ts";

/** A developer's app that can go away and come back on the same port, and change its mind about what it answers. */
export interface TargetApp {
  readonly port: number;
  /** `http://127.0.0.1:<port>`, or https. */
  readonly url: string;
  /** All that has come, also before a restart. */
  readonly seen: readonly Seen[];
  readonly mostAtOnce: number;
  /** Resolves once so many requests have come. */
  came(count: number): Promise<readonly Seen[]>;
  answer(answer: Answer): void;
  /** Closes the port and every connection, as a process that ends does. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export const yes: Answer = (response) => void response.end("OK");
export const hang: Answer = () => {};
/** Closes the connection in place of an answer. */
export const hangUp: Answer = (response) => void response.destroy();
export const says =
  (status: number, text = "", headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(text);

/** Answers each request with the next of these, and then the last of them. */
export function oneAfterTheOther(...answers: readonly Answer[]): Answer {
  let next = 0;
  return (...args) => answers[Math.min(next++, answers.length - 1)]?.(...args);
}

export async function startTargetApp(first: Answer = yes, options: TargetOptions = {}): Promise<TargetApp> {
  const seen: Seen[] = [];
  const waiters = new Set<() => void>();
  let current = first;
  let mostAtOnce = 0;
  const open = (port: number): Promise<Target> =>
    startTarget(
      (response, one) => {
        seen.push(one);
        for (const wake of waiters) wake();
        return current(response, one, seen.length);
      },
      { ...options, port },
    );
  let target: Target | undefined = await open(options.port ?? 0);
  const { port, url } = target;
  return {
    port,
    url,
    seen,
    get mostAtOnce() {
      return Math.max(mostAtOnce, target?.mostAtOnce ?? 0);
    },
    came: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (seen.length < count) return;
          waiters.delete(check);
          resolve(seen);
        };
        waiters.add(check);
        check();
      }),
    answer(answer) {
      current = answer;
    },
    async stop() {
      mostAtOnce = Math.max(mostAtOnce, target?.mostAtOnce ?? 0);
      await target?.close();
      target = undefined;
    },
    async start() {
      target ??= await open(port);
    },
  };
}

export function sha256(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Posts with exactly these headers in this order, as no HTTP client would let one do. Resolves to the whole answer. */
export function postRaw(
  url: string,
  headers: readonly (readonly [string, string])[],
  body: Buffer | string = "",
): Promise<string> {
  const { hostname, port } = new URL(url);
  const head = [
    `POST ${url.replace(/^[a-z]+:\/\/[^/]+/, "")} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    "connection: close",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("end", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.write(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]));
  });
}
