import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { MuxSession } from "./mux-session.ts";
import type { MuxStream } from "./mux-stream.ts";

/** https://github.com/ngrok/ngrok-rust/blob/main/ngrok/src/internals/proto.rs */
const StreamKind = { auth: 0, bind: 1, unbind: 2, proxy: 3, heartbeat: 0xffffffff } as const;

type Json = Readonly<Record<string, unknown>>;

export interface Binding {
  readonly id: string;
  readonly url: string;
  /** Empty where the agent asked for none. */
  readonly domain: string;
  readonly forwardsTo: string;
}

/** What the edge decides about a session's requests; a text is a refusal, its last line the code. */
export interface SessionRules {
  /** Before each answer to `auth`. */
  readonly authDelayMs: () => number;
  auth(request: { readonly token: string; readonly clientId: string }): string | undefined;
  bind(domain: string): string | undefined;
  url(domain: string): string;
  changed(): void;
}

/** One agent's session: answers its requests and opens a proxy stream for each connection from outside. */
export class AgentSession {
  readonly bindings = new Map<string, Binding>();
  clientId = "";
  userAgent = "";
  /** Requests of the agent to end a binding, by id. */
  readonly unbinds: string[] = [];
  readonly #mux: MuxSession;
  readonly #rules: SessionRules;

  constructor(socket: Duplex, rules: SessionRules, onEnd: () => void) {
    this.#rules = rules;
    this.#mux = new MuxSession(socket, (stream) => void this.#serve(stream).catch(() => stream.destroy()), onEnd);
  }

  cut(): void {
    this.#mux.cut();
  }

  freeze(): void {
    this.#mux.freeze();
  }

  thaw(): void {
    this.#mux.thaw();
  }

  connect(binding: Binding, clientAddr: string): MuxStream {
    const stream = this.#mux.open();
    const proxyHeader = {
      Id: binding.id,
      ClientAddr: clientAddr,
      Proto: "https",
      EdgeType: "0",
      PassthroughTLS: false,
    };
    const header = Buffer.from(JSON.stringify(proxyHeader));
    const prefix = Buffer.alloc(12);
    prefix.writeUInt32BE(StreamKind.proxy, 0);
    prefix.writeBigInt64LE(BigInt(header.length), 4);
    stream.write(Buffer.concat([prefix, header]));
    return stream;
  }

  async #serve(stream: MuxStream): Promise<void> {
    let received = Buffer.alloc(0);
    for await (const chunk of stream) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (received.length < 4) continue;
      const kind = received.readUInt32BE(0);
      if (kind === StreamKind.heartbeat) {
        stream.write(received.subarray(4));
        received = received.subarray(0, 4);
        continue;
      }
      const request = jsonOf(received.subarray(4));
      if (request === undefined) continue;
      if (kind === StreamKind.auth) await delay(this.#rules.authDelayMs());
      stream.end(JSON.stringify(this.#answer(kind, request)));
      this.#rules.changed();
      return;
    }
  }

  #answer(kind: number, request: Json): Json {
    if (kind === StreamKind.auth) return this.#auth(request);
    if (kind === StreamKind.bind) return this.#bind(request);
    if (kind !== StreamKind.unbind) return { Error: `a request of unknown type ${kind}` };
    this.unbinds.push(text(request.Id));
    this.bindings.delete(text(request.Id));
    return {};
  }

  #auth(request: Json): Json {
    const extra = object(request.Extra);
    this.userAgent = text(extra.UserAgent);
    this.clientId = text(request.ClientId) || randomBytes(8).toString("hex");
    const refusal = this.#rules.auth({ token: text(extra.AuthToken), clientId: text(request.ClientId) });
    if (refusal !== undefined) return { Error: refusal };
    const answer = { Version: "3.0", Region: "test", AccountName: "test", PlanName: "Free", SessionDuration: 0 };
    return {
      Version: "3",
      ClientId: this.clientId,
      Extra: { ...answer, Banner: "", Cookie: `cookie-${this.clientId}` },
    };
  }

  #bind(request: Json): Json {
    const opts = object(request.Opts);
    const domain = text(opts.Domain) || text(opts.Hostname);
    const refusal = this.#rules.bind(domain);
    if (refusal !== undefined) return { Error: refusal };
    const id = text(request.Id) || randomBytes(8).toString("hex");
    const binding = { id, url: this.#rules.url(domain), domain, forwardsTo: text(request.ForwardsTo) };
    this.bindings.set(id, binding);
    return { Id: id, URL: binding.url, Proto: text(request.Proto), Opts: opts, Extra: { Token: "" } };
  }
}

function jsonOf(bytes: Buffer): Json | undefined {
  try {
    return object(JSON.parse(bytes.toString("utf8")));
  } catch {
    return undefined;
  }
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
