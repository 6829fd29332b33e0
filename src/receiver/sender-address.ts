import type { IncomingMessage } from "node:http";
import { isLoopbackAddress } from "../core/loopback.ts";

/** The nearest proxy, which is the tunnel, writes the address that it has seen behind all others. */
export function senderAddress({ headers, socket }: IncomingMessage, throughTunnel: boolean): string | undefined {
  if (!throughTunnel) return socket.remoteAddress;
  const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",");
  return forwarded.split(",").at(-1)?.trim() || socket.remoteAddress;
}

/** A tunnel of the user's own runs on this machine and names the public host. Anyone else could write that name, too. */
export function isFromPublicHost({ headers, socket }: IncomingMessage, publicHost: string | undefined): boolean {
  if (publicHost === undefined || headers.host !== publicHost) return false;
  return isLoopbackAddress(socket.remoteAddress);
}
