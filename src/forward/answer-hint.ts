import { isSuccess } from "../delivery/delivery.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { PostResult } from "./post.ts";

export function isDelivered({
  status,
  error,
}: {
  readonly status: number | undefined;
  readonly error: unknown;
}): boolean {
  return error === undefined && isSuccess(status);
}

/**
 * The likely cause of an answer that is not 2xx, and what to do. `toFlag` names the target, `slower` reduces the load on
 * the app.
 */
export function answerHint(
  { status = 0, headers }: Pick<PostResult, "status" | "headers">,
  { toFlag = "--to", slower = "--rate" }: { readonly toFlag?: string; readonly slower?: string } = {},
): string | undefined {
  if (isSuccess(status)) return undefined;
  if (status >= 300 && status < 400) {
    const location = headers.find(([name]) => name.toLowerCase() === "location")?.[1];
    return location === undefined
      ? "redirects are not followed: name the final URL"
      : `redirects are not followed: it points to ${maskUrl(location)}`;
  }
  if (status >= 500) return "your app failed while handling it: see its log";
  if (status === 404) return `your app has no such route: check the path in ${toFlag}`;
  if (status === 429) return `your app limits the rate of requests: try ${slower}`;
  return HINTS[status] ?? "your app rejected it: see its log";
}

/** The flags of `listen`. */
export const LISTEN_FLAGS = { toFlag: "--forward-to", slower: "--concurrency 1" } as const;

const HINTS: Readonly<Record<number, string>> = {
  400: "your app could not read the body: is there a parser for this content type, and does the signature check run on the raw body?",
  401: "your app uses a different secret or token, or checks the signature over something other than the raw request bytes",
  403: "your app rejects this sender: is there an address list, a login or a CSRF check before the route?",
  405: "the route does not accept POST",
  408: "your app did not receive the whole body in time",
  413: "the body is larger than your app's parser allows",
  415: "your app does not accept this content type: check which body parser the route uses",
  422: "your app rejected the content: see its answer",
};
