import { promises as dns } from "node:dns";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import { addressList } from "../../receiver/evaluate.ts";
import { errorCode, errorText } from "../../util/errors.ts";
import { isLocalhost } from "../../util/hosts.ts";

/** Facts about an address before a request is sent to it. */
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

interface InspectOptions {
  readonly timeoutMs: number;
  /** Authorities beside those that Node knows. */
  readonly ca?: string;
}

export async function inspect(url: URL, { timeoutMs, ca }: InspectOptions): Promise<Network> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  let addresses: readonly string[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    return { addresses: [], nameError: errorText(error) };
  }
  let portError = "";
  // In turn, since a slow one is not a closed one.
  for (const address of addresses) {
    const to = { host: address, port };
    try {
      await opened(connectTcp(to), "connect", { timeoutMs, what: "connecting" });
    } catch (error) {
      portError ||= errorCode(error) === "ECONNREFUSED" ? `nothing listens on port ${port}` : errorText(error);
      continue;
    }
    if (url.protocol !== "https:") return { addresses };
    const name = isIP(host) === 0 ? { servername: host } : {};
    // Nothing is sent on this connection: the certificate is only read.
    const shakeHands = (options: ConnectionOptions): Promise<TLSSocket> => {
      const socket = connectTls({ ...to, ...name, ...options, rejectUnauthorized: false });
      return opened(socket, "secureConnect", { timeoutMs, what: "the TLS handshake" });
    };
    return { addresses, tls: await readTls(shakeHands, host, ca) };
  }
  return { addresses, portError };
}

async function resolve(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  if (isLocalhost(host)) return ["127.0.0.1", "::1"];
  return (await dns.lookup(host, { all: true })).map(({ address }) => address);
}

/** Waits for the event of a socket, and closes it. */
function opened<Opened extends Socket>(
  socket: Opened,
  event: "connect" | "secureConnect",
  { timeoutMs, what }: { readonly timeoutMs: number; readonly what: string },
): Promise<Opened> {
  return new Promise((done, reject) => {
    socket.once(event, () => {
      done(socket);
      setImmediate(() => socket.destroy());
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`${what} took too long`)));
    socket.on("error", reject);
    socket.once("close", () => reject(new Error(`the connection was closed during ${what}`)));
  });
}

/** Refused by today's clients, so asked for only to name it. */
const OLD = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

async function readTls(
  shakeHands: (options: ConnectionOptions) => Promise<TLSSocket>,
  host: string,
  ca: string | undefined,
): Promise<TlsFacts> {
  try {
    return factsOf(await shakeHands({ ca }), host);
  } catch (error) {
    const old = await shakeHands(OLD).catch(() => undefined);
    return { error: errorText(error), protocol: old?.getProtocol() ?? undefined };
  }
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

const NOT_PUBLIC = addressList([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::/127",
  "fc00::/7",
  "fe80::/10",
]);

/** Whether an address can be reached from the internet (RFC 6890). */
export function isPublicAddress(address: string): boolean {
  return !NOT_PUBLIC.has(address);
}
