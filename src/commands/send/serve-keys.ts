import type { Context } from "../../context.ts";
import { UserError, usageError } from "../../core/errors.ts";
import { plainReply } from "../../core/reply.ts";
import type { Secrets } from "../../core/secret.ts";
import { openServer } from "../../receiver/http-server.ts";
import { keySetReply } from "../../receiver/key-set-reply.ts";
import { KEY_SET_PATH } from "../../receiver/route.ts";
import { sendReply } from "../../receiver/send-reply.ts";
import { localKeySet } from "../local-key-set.ts";
import type { Subject } from "./subjects.ts";

interface Served {
  /** 0 takes any free one. */
  readonly port: number;
  readonly secrets: Secrets;
  readonly subjects: readonly Subject[];
}

/** An app that answers first and checks after asks for the keys when nothing is under way any more. */
const FETCH_GRACE_MS = 2_000;
const CLOSE_GRACE_MS = 500;

/** Serves the public halves of the keys that are signed with while the work goes on, on this machine alone. */
export async function whileServingKeys<T>(context: Context, served: Served, work: () => Promise<T>): Promise<T> {
  const keySet = localKeySet(served.secrets, [...new Set(served.subjects.map(({ product }) => product))]);
  const fetched = new AbortController();
  const server = await openServer({ host: "127.0.0.1", port: served.port }, (request, response) => {
    const isIt = request.url?.split("?", 1)[0] === KEY_SET_PATH;
    const reply = isIt ? keySetReply(request.method, keySet) : plainReply(404, `the key set is at ${KEY_SET_PATH}`);
    sendReply(response, reply);
    if (isIt && reply.status === 200) response.once("finish", () => fetched.abort());
  }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    throw usageError(`--serve-jwks: ${error.message}`, "choose another port, such as --serve-jwks 4462, or 0 for any");
  });
  const url = `http://127.0.0.1:${server.port}${KEY_SET_PATH}`;
  tell(context, url);
  try {
    const result = await work();
    await context.sleep(FETCH_GRACE_MS, AbortSignal.any([fetched.signal, context.signal]));
    if (!fetched.signal.aborted) {
      context.report({
        type: "warning",
        message: `nobody fetched the public keys from ${url}`,
        hint: "have your app take its keys (JWKS) from there; if it caches keys, it may still have them from before",
      });
    }
    return result;
  } finally {
    await server.close(CLOSE_GRACE_MS);
  }
}

function tell(context: Context, url: string): void {
  context.report(
    context.json
      ? { type: "text", text: url, json: { type: "key_set", url } }
      : { type: "notice", message: `public keys (JWKS) at ${url} until everything is sent` },
  );
}
