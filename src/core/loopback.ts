/** Both loopback addresses, whatever the hosts file knows of them (RFC 6761, section 6.3). */
export function isLocalhost(hostname: string): boolean {
  return /(^|\.)localhost\.?$/i.test(hostname);
}

/** The hostname of a URL, of which a program on another machine would be asked for in vain. */
export function isLoopback(hostname: string): boolean {
  return isLocalhost(hostname) || /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === "[::1]";
}

/** Where what is sent without encryption surely stays on this machine: names below `localhost` are the resolver's to say. */
export function isSafeInPlain(hostname: string): boolean {
  return isLoopback(hostname) && !hostname.toLowerCase().includes(".localhost");
}

const EVERY_ADDRESS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Whether a receiver that listens on this address listens on all that the machine has. */
export function isEveryAddress(host: string): boolean {
  return Object.hasOwn(EVERY_ADDRESS, host);
}

/** The address to reach a receiver at: one that listens on every address is reached on loopback. */
export function reachableHost(host: string): string {
  return EVERY_ADDRESS[host] ?? host;
}

/** The address of a socket's other side. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address ?? "");
}
