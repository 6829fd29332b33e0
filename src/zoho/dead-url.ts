import { UserError } from "../core/errors.ts";
import type { ZohoHttp } from "./http.ts";

/**
 * Why nothing can answer at a notify URL any more; undefined when something does, or when it cannot be said.
 * An app that answers an error is alive, and a network that is down here proves nothing about the other end.
 */
export async function findDeadUrl(http: ZohoHttp, url: string, signal: AbortSignal): Promise<string | undefined> {
  if (!URL.canParse(url)) return "it is not an address";
  try {
    const reply = await http.send({ method: "GET", url, repeatable: false, signal });
    // The edge of a tunnel that is offline answers for it: https://ngrok.com/docs/errors/err_ngrok_3200
    return /ERR_NGROK_3200\b/.test(reply.text) ? "its tunnel is offline" : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (/ENOTFOUND/.test(error.message)) return "its name is not known";
    return /ECONNREFUSED/.test(error.message) ? "nothing listens there" : undefined;
  }
}
