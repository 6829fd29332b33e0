import { promises as dns } from "node:dns";
import { BlockList, connect as connectTcp, isIP, isIPv6 } from "node:net";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import { errorCode, errorText } from "../../util/errors.ts";
import { isLocalhost } from "../../util/hosts.ts";

/** What an address shows before a request is sent to it. */
export interface Network {
  /** Empty where the name does not resolve. */
  readonly addresses: readonly string[];
  readonly nameError?: string;
  /** Why nothing could connect; undefined where something listens. */
  readonly portError?: string;
  /** For https, once connected. */
  readonly tls?: TlsFacts;
}

export interface TlsFacts {
  /** Why there was no TLS connection, and then nothing else is known but perhaps the protocol. */
  readonly error?: string;
  /** `TLSv1.3` */
  readonly protocol?: string | undefined;
  /** Why the chain is not trusted, its dates and names aside. */
  readonly chainError?: string | undefined;
  readonly nameError?: string | undefined;
  readonly validFrom?: Date;
  readonly validTo?: Date;
}

export interface InspectOptions {
  readonly timeoutMs: number;
  /** Authorities beside those that Node knows. */
  readonly ca?: string | undefined;
}

export async function inspect(url: URL, options: InspectOptions): Promise<Network> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  let addresses: readonly string[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    return { addresses: [], nameError: errorText(error) };
  }
  const peers = addresses.map((address) => ({ host: address, port, timeoutMs: options.timeoutMs }));
  let portError = "";
  for (const peer of peers) {
    try {
      await reach(peer);
      return url.protocol === "https:" ? { addresses, tls: await readTls(peer, host, options.ca) } : { addresses };
    } catch (error) {
      portError ||= errorCode(error) === "ECONNREFUSED" ? `nothing listens on port ${port}` : errorText(error);
    }
  }
  return { addresses, portError };
}

/** One address of the host: they are tried in turn, since a slow one is not a closed one. */
interface Peer {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

async function resolve(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  if (isLocalhost(host)) return ["127.0.0.1", "::1"];
  return (await dns.lookup(host, { all: true })).map(({ address }) => address);
}

function reach({ timeoutMs, ...to }: Peer): Promise<void> {
  return new Promise((done, reject) => {
    const socket = connectTcp(to);
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("connecting took too long")));
    socket.once("connect", () => {
      socket.destroy();
      done();
    });
    socket.once("error", reject);
  });
}

/** Refused by today's clients, so asked for only to name it. */
const OLD = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

async function readTls(to: Peer, host: string, ca: string | undefined): Promise<TlsFacts> {
  const name = isIP(host) === 0 ? { servername: host } : {};
  try {
    const socket = await shakeHands(to, { ...name, ...(ca === undefined ? {} : { ca }) });
    return factsOf(socket, host);
  } catch (error) {
    const old = await shakeHands(to, { ...name, ...OLD }).catch(() => undefined);
    return { error: errorText(error), protocol: old?.getProtocol() ?? undefined };
  }
}

function shakeHands({ timeoutMs, ...to }: Peer, options: object): Promise<TLSSocket> {
  return new Promise((done, reject) => {
    // Nothing is sent on this connection: the certificate is only read.
    const socket = connectTls({ ...to, ...options, rejectUnauthorized: false }, () => {
      done(socket);
      setImmediate(() => socket.destroy());
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("the TLS handshake took too long")));
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed during the TLS handshake")));
  });
}

/** Reported by facts of their own. */
const OTHER_FACTS = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "ERR_TLS_CERT_ALTNAME_INVALID"]);

function factsOf(socket: TLSSocket, host: string): TlsFacts {
  const certificate = socket.getPeerCertificate();
  const { authorizationError } = socket as { authorizationError: Error | string | null };
  const code = authorizationError instanceof Error ? errorCode(authorizationError) : authorizationError;
  return {
    protocol: socket.getProtocol() ?? undefined,
    chainError: code && !OTHER_FACTS.has(code) ? code.toLowerCase().replaceAll("_", " ") : undefined,
    nameError: checkServerIdentity(host, certificate)?.message,
    validFrom: new Date(certificate.valid_from),
    validTo: new Date(certificate.valid_to),
  };
}

const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["::", 127],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, "ipv6");

/** Whether an address can be reached from the internet (RFC 6890). */
export function isPublicAddress(address: string): boolean {
  return !NOT_PUBLIC.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
