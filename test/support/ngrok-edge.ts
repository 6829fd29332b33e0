import { EventEmitter, once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { AgentSession, type Binding } from "./ngrok-edge/agent-session.ts";
import { makeCertificates } from "./ngrok-edge/make-certificates.ts";
import { createPublicSide } from "./ngrok-edge/public-side.ts";

export interface NgrokEdgeOptions {
  /** The only token that is accepted; any when left out. */
  readonly acceptToken?: string;
}

interface AuthSeen {
  /** Empty for a new session; a session that comes back names its id. */
  readonly clientId: string;
  readonly accepted: boolean;
}

export interface NgrokEdge {
  /** `localhost:<port>`, for the agent's `serverAddr`. */
  readonly serverAddr: string;
  readonly caPem: string;
  /** The CA as a file, for the agent's `rootCas`. */
  readonly caFile: string;
  /** Where the world reaches the agent, over plain HTTP. */
  publicUrl(host?: string): string;
  sessions(): readonly AgentSession[];
  bindings(): readonly Binding[];
  /** Every request to authenticate, in order. */
  readonly auths: readonly AuthSeen[];
  /** The ids that agents have unbound. */
  readonly unbinds: readonly string[];
  /** Resolves once the condition holds; it is looked at whenever something changes at the edge. */
  until(condition: () => boolean): Promise<void>;
  readonly faults: {
    /** Answers each authentication with this code until told otherwise. */
    refuseAuth(code: string | undefined): void;
    refuseBind(code: string | undefined): void;
    /** Later bindings get their URL with this host, as when the service gives another name. */
    moveTo(host: string): void;
    cutSessions(): void;
    /** Ends all bindings and tells no agent, as when an endpoint is stopped from the dashboard. */
    dropBindings(): void;
    /** The sessions there are keep their connection and hear and say nothing more. */
    freezeSessions(): void;
    /** Answers late to a new session, and to one that comes back. */
    delayAuth(ms: number): void;
    /** Ends all sessions and hangs up on whoever calls, until `restart`. */
    hangUp(): void;
    /** Ends all sessions and refuses new connections. */
    stop(): Promise<void>;
    /** Listens again, on the same port. */
    restart(): Promise<void>;
  };
  /** How often it has hung up. */
  readonly hungUp: () => number;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

/** A local ngrok edge that the real native agent can be pointed at. Public requests come in over plain HTTP. */
export async function startNgrokEdge(options: NgrokEdgeOptions = {}): Promise<NgrokEdge> {
  const certificates = await makeCertificates();
  const folder = await mkdtemp(join(tmpdir(), "ngrok-edge-"));
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, certificates.caPem);

  const changes = new EventEmitter();
  const sessions = new Set<AgentSession>();
  /** Also those whose TLS handshake is not over. */
  const sockets = new Set<Socket>();
  const auths: AuthSeen[] = [];
  const unbinds: string[] = [];
  let authDelayMs = 0;
  const fault: { auth: string | undefined; bind: string | undefined; host: string } = {
    auth: undefined,
    bind: undefined,
    host: HOST,
  };
  const bindings = () => [...sessions].flatMap((session) => [...session.bindings.values()]);

  const agentSide = createServer({ cert: certificates.certPem, key: certificates.keyPem }, (socket) => {
    const session: AgentSession = new AgentSession(
      socket,
      {
        authDelayMs: () => authDelayMs,
        auth: ({ token, clientId }) => {
          const wrongToken = options.acceptToken !== undefined && token !== options.acceptToken;
          const code = fault.auth ?? (wrongToken ? "ERR_NGROK_107" : undefined);
          auths.push({ clientId, accepted: code === undefined });
          // The real service repeats the token in its refusal.
          if (code !== undefined) return `The authentication failed.\nYour authtoken: ${token}\n\n${code}`;
          sessions.add(session);
          return undefined;
        },
        bind: (domain) => {
          const taken = domain !== "" && bindings().some((binding) => binding.domain === domain);
          const code = fault.bind ?? (taken ? "ERR_NGROK_334" : undefined);
          return code === undefined ? undefined : `The endpoint 'https://${domain}' cannot be started.\n\n${code}`;
        },
        url: () => publicUrl(fault.host),
        changed: () => {
          unbinds.push(...session.unbinds.splice(0));
          changes.emit("change");
        },
      },
      () => {
        sessions.delete(session);
        changes.emit("change");
      },
    );
  });
  const publicSide = createPublicSide((_host, clientAddr) => {
    for (const session of sessions) {
      const [binding] = session.bindings.values();
      if (binding !== undefined) return session.connect(binding, clientAddr);
    }
    return undefined;
  });
  agentSide.on("tlsClientError", () => {});
  let hungUp = 0;
  let isHangingUp = false;
  agentSide.on("connection", (socket: Socket) => {
    if (isHangingUp) {
      socket.destroy();
      hungUp++;
      changes.emit("change");
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const agentPort = await listen(agentSide, 0);
  const publicPort = await listen(publicSide, 0);
  const publicUrl = (host = HOST) => `http://${host}:${publicPort}`;

  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    if (agentSide.listening) await new Promise((done) => agentSide.close(done));
  };
  return {
    serverAddr: `localhost:${agentPort}`,
    caPem: certificates.caPem,
    caFile,
    publicUrl,
    sessions: () => [...sessions],
    bindings,
    auths,
    unbinds,
    until: async (condition) => {
      while (!condition()) await once(changes, "change");
    },
    faults: {
      delayAuth: (ms) => {
        authDelayMs = ms;
      },
      refuseAuth: (code) => {
        fault.auth = code;
      },
      refuseBind: (code) => {
        fault.bind = code;
      },
      moveTo: (host) => {
        fault.host = host;
      },
      cutSessions: () => {
        for (const session of sessions) session.cut();
      },
      dropBindings: () => {
        for (const session of sessions) session.bindings.clear();
      },
      freezeSessions: () => {
        for (const session of sessions) session.freeze();
      },
      hangUp: () => {
        isHangingUp = true;
        for (const socket of sockets) socket.destroy();
      },
      stop,
      restart: async () => {
        isHangingUp = false;
        if (!agentSide.listening) await listen(agentSide, agentPort);
      },
    },
    hungUp: () => hungUp,
    close: async () => {
      await stop();
      publicSide.closeAllConnections();
      await new Promise((done) => publicSide.close(done));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, HOST);
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return address.port;
}
