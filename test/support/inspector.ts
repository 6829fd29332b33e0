import { type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { onTestFinished } from "vitest";
import { type RunOptions, type RunResult, run, tempFolder } from "./run.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  json(): Record<string, unknown>;
}

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export interface TestInspector {
  readonly address: string;
  readonly port: number;
  readonly token: string;
  /** A request exactly as given. */
  raw(path: string, call?: Call): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  stream(lastEventId?: number): Promise<TestStream>;
  /** Ctrl-C. */
  stop(): Promise<RunResult>;
}

export interface Message {
  readonly id: number | undefined;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly data: any;
}

export interface TestStream {
  readonly messages: readonly Message[];
  /** The numbers of all events so far. */
  numbers(): readonly number[];
  /** Waits for a message that fits. */
  until(fits: (message: Message) => boolean): Promise<Message>;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  pause(): void;
  resume(): void;
  close(): void;
}

/** A user's folder outside of the project. */
export function userEnv() {
  return { XDG_CONFIG_HOME: tempFolder() };
}

/** `zoho-hooks ui` in process, once it serves. Rejects with its stderr. */
export async function startInspector(argv: readonly string[], options: RunOptions): Promise<TestInspector> {
  const interrupt = new AbortController();
  const stop = async (): Promise<RunResult> => {
    interrupt.abort();
    return finished;
  };
  let ready: (address: string) => void = () => {};
  const address = new Promise<string>((resolve) => {
    ready = resolve;
  });
  const finished = run(["ui", ...argv], {
    ...options,
    signal: interrupt.signal,
    onOut: (text) => ready(/http:\/\/127\.0\.0\.1:\d+\/#[\w-]+/.exec(text)?.[0] ?? ""),
  });
  onTestFinished(async () => void (await stop()));
  const failed = finished.then(({ exitCode, err }) => Promise.reject(new Error(`ui ended with ${exitCode}: ${err}`)));
  return { ...connect(await Promise.race([address, failed])), stop };
}

/** An inspector at the address that it has printed. */
export function connect(address: string): Omit<TestInspector, "stop"> {
  const { origin, port, hash } = new URL(address);
  const token = hash.slice(1);
  const own = { authorization: `Bearer ${token}` };
  const raw = (path: string, { method = "GET", headers = {}, body }: Call = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const call = request(
        { host: "127.0.0.1", port, path, method, headers: headers as OutgoingHttpHeaders, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk) => chunks.push(chunk));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: () => JSON.parse(text),
            });
          });
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  return {
    address,
    port: Number(port),
    token,
    raw,
    get: (path) => raw(path, { headers: own }),
    post: (path, body, headers = {}) =>
      raw(path, {
        method: "POST",
        headers: { ...own, origin, "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    stream: (lastEventId) =>
      openStream(Number(port), { ...own, ...(lastEventId === undefined ? {} : { "last-event-id": `${lastEventId}` }) }),
  };
}

async function openStream(port: number, headers: Readonly<Record<string, string>>): Promise<TestStream> {
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const call = request({ host: "127.0.0.1", port, path: "/api/stream", headers, agent: false });
  onTestFinished(() => void call.destroy());
  call.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    call.once("response", resolve).once("error", reject);
  });
  call.on("error", () => {});
  let rest = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1];
      const [id, name] = [field("id"), field("event")];
      if (name === undefined) continue;
      messages.push({ id: id === undefined ? undefined : Number(id), name, data: JSON.parse(field("data") ?? "null") });
    }
    for (const wake of waiting) wake();
  });
  return {
    messages,
    numbers: () =>
      messages.flatMap(({ name, data }) => (name === "events" ? data.map(({ n }: { n: number }) => n) : [])),
    until: (fits) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = messages.find(fits);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    ended: new Promise((resolve) => response.once("close", resolve)),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void call.destroy(),
  };
}
