import { lookup } from "node:dns/promises";
import { UserError } from "../core/errors.ts";
import type { ZohoHttp } from "./http.ts";

/** Why nothing can answer at an address any more. */
export interface DeadUrl {
  readonly because: string;
  /** False where another network may know better: nobody but a person can say then. */
  readonly isSure: boolean;
}

/**
 * Why nothing can answer at a notify URL any more; undefined when something does, or when it cannot be said.
 * An app that answers an error is alive, and a network that is down here proves nothing about the other end. Nor does a name
 * that is not known here: another resolver may know it, that of a VPN, say. It counts for a hint only while `control`, a
 * name that Zoho has, is known.
 */
export async function findDeadUrl(
  http: ZohoHttp,
  url: string,
  control: string,
  signal: AbortSignal,
): Promise<DeadUrl | undefined> {
  if (!URL.canParse(url)) return { because: "it is not an address", isSure: true };
  try {
    const reply = await http.send({ method: "GET", url, repeatable: false, signal });
    // The edge of a tunnel that is offline answers for it: https://ngrok.com/docs/errors/err_ngrok_3200
    return /ERR_NGROK_3200\b/.test(reply.text) ? { because: "its tunnel is offline", isSure: true } : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (/ENOTFOUND/.test(error.message))
      return (await isKnown(control)) ? { because: "its name is not known here", isSure: false } : undefined;
    return /ECONNREFUSED/.test(error.message) ? { because: "nothing listens there", isSure: true } : undefined;
  }
}

function isKnown(hostname: string): Promise<boolean> {
  return lookup(hostname.replace(/^\[|\]$/g, "")).then(
    () => true,
    () => false,
  );
}
