import { createHmac, timingSafeEqual } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { SECRET, TOKEN } from "../send.ts";

export interface EndpointOptions {
  /** The things that it does wrong; nothing by default. */
  readonly faults?: readonly Fault[];
  /** Of another product than CRM: the header of its signature over the raw body, or over time and body as of Payments, and no token. */
  readonly signature?: { readonly header: string; readonly encoding: "hex" | "base64" };
  /** Where the number of handled events is written. */
  readonly countFile?: string;
  readonly tls?: TlsOptions;
}

export type Fault =
  | "accepts a wrong token"
  | "requires no token"
  | "accepts a wrong signature"
  | "requires no signature"
  | "hashes JSON.stringify"
  | "throws for a short signature"
  | "shows a stack trace"
  | "shows its token"
  | "answers 500 to malformed JSON"
  | "accepts malformed JSON"
  | "answers 204"
  | "answers GET"
  | "echoes the challenge as text"
  | "forgets the challenge"
  | "refuses unknown events"
  | "refuses unknown operations"
  | "refuses unknown fields"
  | "closes connections"
  | "answers late"
  | "hangs"
  | "works before it answers"
  | "refuses many at once"
  | "redirects"
  | "fails for an empty body"
  | "dies of a large body"
  | "fails for deep nesting"
  | "fails for bytes that are not UTF-8"
  | "hashes Latin-1"
  | "rounds ids"
  | "is impatient"
  | "dies of an aborted request"
  | "refuses repeats"
  | "counts repeats"
  | "keys on the record alone"
  | "keys on a rounded id"
  | "refuses everything"
  | "answers without end"
  | "allows 24 in a row"
  | "allows 5, and more after a second"
  | "allows 12 an hour";

export interface TestEndpoint {
  readonly port: number;
  readonly requests: number;
  close(): Promise<void>;
}

/** An endpoint that does all that the guide asks for, on a free port of loopback. */
export async function startEndpoint(options: EndpointOptions = {}) {
  const { tls } = options;
  const app = new App(options);
  const listener = (request: IncomingMessage, response: ServerResponse) => void app.handle(request, response);
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  app.die = () => {
    server.close();
    server.closeAllConnections();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return app.requests;
    },
    get refused() {
      return app.refused;
    },
    accepted: app.accepted as readonly string[],
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const KNOWN = /^(module|operation|resource_uri|ids|token|channel|data)$/;

class App {
  requests = 0;
  /** With 429. */
  refused = 0;
  readonly accepted: string[] = [];
  die = (): void => {};
  readonly #options: EndpointOptions;
  readonly #keys = new Set<string>();
  #handled = 0;
  #underWay = 0;
  #openAt: number | undefined;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#count(0);
  }

  #has(fault: Fault): boolean {
    return this.#options.faults?.includes(fault) === true;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    this.#underWay++;
    response.on("close", () => this.#underWay--);
    const closing = this.#has("closes connections") ? { connection: "close" } : {};
    const answer = (status: number, text = "", type = "text/plain"): void => {
      if (!response.headersSent) response.writeHead(status, { "content-type": type, ...closing }).end(text);
    };
    const retryAfter = this.#retryAfter();
    if (retryAfter !== undefined) return void response.writeHead(429, retryAfter).end("slow down");
    if (this.#has("hangs")) return;
    if (this.#has("redirects")) return void response.writeHead(301, { location: "https://elsewhere.example/" }).end();
    if (this.#has("refuses everything")) return answer(401, "no");
    if (request.method !== "POST") return answer(request.method === "GET" && this.#has("answers GET") ? 200 : 405);
    const body = await this.#bodyOf(request, answer);
    if (body === undefined) return;
    try {
      await this.#respond(request, body, answer);
    } catch (error) {
      answer(500, this.#has("shows a stack trace") && error instanceof Error ? error.stack : "error");
    }
  }

  /** The header of an answer of 429; undefined for a request that is allowed. */
  #retryAfter(): Record<string, string> | undefined {
    const now = performance.now();
    if (this.#has("allows 24 in a row") && this.requests % 25 === 0) return {};
    if (this.#has("allows 12 an hour") && this.requests > 12) return { "retry-after": "3600" };
    if (!this.#has("allows 5, and more after a second") || this.requests <= 5) return undefined;
    this.#openAt ??= now + 1000;
    if (now > this.#openAt) return undefined;
    this.refused++;
    return { "retry-after": "1" };
  }

  #bodyOf(request: IncomingMessage, answer: (status: number) => void): Promise<Buffer | undefined> {
    const impatience = setTimeout(() => this.#has("is impatient") && answer(408), 60);
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => resolve(Buffer.concat(chunks)));
      request.on("error", () => {
        if (this.#has("dies of an aborted request")) this.die();
        resolve(undefined);
      });
    }).finally(() => clearTimeout(impatience)) as Promise<Buffer | undefined>;
  }

  async #respond(
    request: IncomingMessage,
    body: Buffer,
    answer: (status: number, text?: string, type?: string) => void,
  ): Promise<void> {
    if (this.#has("dies of a large body") && body.length > 500_000) return this.die();
    if (this.#has("fails for an empty body") && body.length === 0) throw new Error("empty");
    if (this.#has("fails for bytes that are not UTF-8") && body.includes(0xe9)) throw new Error("not UTF-8");
    const text = body.toString("utf8");
    const data = parse(text);
    if (this.#has("fails for deep nesting") && text.includes("[".repeat(1000))) throw new Error("too deep");
    if (data?.challenge && !this.#has("forgets the challenge")) {
      const type = this.#has("echoes the challenge as text") ? "text/plain" : "application/json";
      return answer(200, JSON.stringify({ challenge: data.challenge }), type);
    }
    if (!this.#isSigned(request, body, data)) return answer(401, this.#has("shows its token") ? `not ${TOKEN}` : "no");
    if (data === undefined) {
      if (this.#has("shows a stack trace")) return answer(400, new Error("malformed").stack);
      return answer(
        this.#has("answers 500 to malformed JSON") && text.endsWith(",")
          ? 500
          : this.#has("accepts malformed JSON")
            ? 200
            : 400,
      );
    }
    if (!this.#hasToken(data)) return answer(401, "no");
    if (this.#has("refuses unknown events") && data.module !== "Leads") return answer(422);
    if (this.#has("refuses unknown operations") && !/^(create|update|edit|delete)$/.test(String(data.operation)))
      return answer(400);
    if (this.#has("refuses unknown fields") && !Object.keys(data).every((key) => KNOWN.test(key))) return answer(422);
    if (this.#has("refuses many at once")) await pause(150);
    if (this.#has("refuses many at once") && this.#underWay > 3) return answer(503);
    if (this.#has("answers late")) await pause(600);
    if (this.#has("works before it answers")) {
      this.#work = this.#work.then(() => pause(60));
      await this.#work;
    }
    const isRepeat = this.#isRepeat(data, text);
    if (!isRepeat || this.#has("counts repeats")) this.#act(data);
    if (isRepeat && this.#has("refuses repeats")) return answer(409);
    if (this.#has("rounds ids")) return answer(200, JSON.stringify({ id: Number(Object(data.data).id) }));
    if (this.#has("answers without end")) return answer(200, "x".repeat(3_000_000));
    answer(this.#has("answers 204") ? 204 : 200, this.#has("answers 204") ? "" : "OK");
  }

  #isSigned(request: IncomingMessage, body: Buffer, data: unknown): boolean {
    const { signature = { header: "x-zoho-signature", encoding: "hex" } } = this.#options;
    const header = request.headers[signature.header];
    if (typeof header !== "string") return this.#has("requires no signature");
    const [, stamp = "", given = header] = /^t=(\d+),v=(.*)$/.exec(header) ?? [];
    if (this.#has("accepts a wrong signature")) return true;
    const bytes = this.#has("hashes JSON.stringify") && data ? JSON.stringify(data) : body;
    const signed = this.#has("hashes Latin-1") ? Buffer.from(body.toString("latin1")) : bytes;
    const expected = createHmac("sha256", SECRET)
      .update(stamp && `${stamp}.`)
      .update(signed)
      .digest(signature.encoding);
    if (!this.#has("throws for a short signature") && given.length !== expected.length) return false;
    return timingSafeEqual(Buffer.from(given), Buffer.from(expected));
  }

  #hasToken({ token }: Readonly<Record<string, unknown>>): boolean {
    const { signature } = this.#options;
    if (signature !== undefined || token === TOKEN) return true;
    return token === undefined ? this.#has("requires no token") : this.#has("accepts a wrong token");
  }

  #isRepeat(data: Readonly<Record<string, unknown>>, text: string): boolean {
    const [id] = Array.isArray(data.ids) ? data.ids : [];
    const rounded = this.#has("keys on a rounded id") ? data.event_id : undefined;
    const key = String(rounded ?? (this.#has("keys on the record alone") ? id : undefined) ?? text);
    const isRepeat = this.#keys.has(key);
    this.#keys.add(key);
    return isRepeat;
  }

  #act(data: Readonly<Record<string, unknown>>): void {
    this.accepted.push(...(Array.isArray(data.ids) ? data.ids : []));
    this.#count(++this.#handled);
  }

  #count(events: number): void {
    if (this.#options.countFile !== undefined) writeFileSync(this.#options.countFile, String(events));
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(text.replace(/^\uFEFF/, "")));
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
