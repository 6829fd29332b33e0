export interface HintFlags {
  /** Names the target; empty where nothing does. Default: `--to`. */
  readonly toFlag?: string;
  /** Reduces the load on the app. */
  readonly slower?: string;
}

/** The likely cause of an answer that is not 2xx, and what to do; undefined for 2xx. Also for the page, so it imports nothing. */
export function statusHint(
  status: number,
  { toFlag = "--to", slower = "again later" }: HintFlags = {},
): string | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) return "redirects are not followed: name the final URL";
  if (status >= 500) return "your app failed while handling it: see its log";
  if (status === 404) return `your app has no such route: check the path${toFlag === "" ? "" : ` in ${toFlag}`}`;
  if (status === 429) return `your app limits the rate of requests: try ${slower}`;
  return HINTS[status] ?? "your app rejected it: see its log";
}

/** How to change these in `listen`. */
export const LISTEN_FLAGS = { toFlag: "--forward-to", slower: "concurrency 1 in the settings" } as const;

const HINTS: Readonly<Record<number, string>> = {
  400: "your app rejected the request: see its answer and its log (often no parser for this content type, or a field that it expects)",
  401: "your app rejected the sender: often it uses a different secret or token, or checks the signature over something other than the raw request bytes",
  403: "your app rejects this sender: is there an address list, a login or a CSRF check before the route?",
  405: "the route does not accept POST",
  408: "your app did not receive the whole body in time",
  413: "the body is larger than your app's parser allows",
  415: "your app does not accept this content type: check which body parser the route uses",
  422: "your app rejected the content: see its answer",
};
