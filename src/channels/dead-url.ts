import { lookup } from "node:dns/promises";
import { UserError } from "../util/errors.ts";
import type { ZohoHttp } from "../zoho-api/retrying-http.ts";

/** Why nothing can answer at a URL. */
export interface DeadUrl {
  readonly because: string;
  /** False if another network may reach it: only a person can decide then. */
  readonly isSure: boolean;
}

/**
 * Undefined if something answers, or if it cannot be decided: an app that answers with an error is alive, and a network
 * that is down here proves nothing. A name that cannot be resolved is only a hint, because another resolver, such as that
 * of a VPN, may know it; and only while `control`, a host of Zoho's, can be resolved.
 */
export async function findDeadUrl(
  http: ZohoHttp,
  url: string,
  control: string,
  signal: AbortSignal,
): Promise<DeadUrl | undefined> {
  if (!URL.canParse(url)) return { because: "it is not a URL", isSure: true };
  try {
    // Not the webhook's own path, where a running listen would record the request as a rejected delivery.
    const probe = new URL("/healthz", url).href;
    const reply = await http.send({ method: "GET", url: probe, repeatable: false, isProbe: true, signal });
    // ngrok answers for a tunnel that is offline: https://ngrok.com/docs/errors/err_ngrok_3200
    return /ERR_NGROK_3200\b/.test(reply.text) ? { because: "its tunnel is offline", isSure: true } : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (/ENOTFOUND/.test(error.message))
      return (await resolves(control))
        ? { because: "its host name does not resolve from here", isSure: false }
        : undefined;
    return /ECONNREFUSED/.test(error.message) ? { because: "connection refused", isSure: true } : undefined;
  }
}

function resolves(hostname: string): Promise<boolean> {
  return lookup(hostname.replace(/^\[|\]$/g, "")).then(
    () => true,
    () => false,
  );
}
