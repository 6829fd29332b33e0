import type { HeaderPair } from "../delivery/delivery.ts";
import { isSuccess } from "../delivery/delivery.ts";
import { maskUrl } from "../delivery/mask.ts";
import { errorCode, errorText } from "../util/errors.ts";
import { formatDuration } from "../util/units.ts";
import { type HintFlags, statusHint } from "./answer-hint.ts";

/** Why no whole answer came. `code` is the system's, `timeout`, `interrupted` or `too-long`; the rest is for people. */
export interface PostFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface PostCircumstances {
  readonly url: URL;
  readonly timeoutMs: number;
  /** Undefined when the answer had not begun. */
  readonly status: number | undefined;
}

/** Explains a failed exchange: what happened, why, and what to do. */
export function explainFailure(error: unknown, { url, status }: PostCircumstances): PostFailure {
  const causes = flatten(error);
  const code = causes.map(codeOf).find((each) => each !== undefined) ?? "failed";
  const detail = errorText(causes.at(-1) ?? error);
  const at = url.host;
  const failure = (message: string, hint: string): PostFailure => ({ code, message, hint });
  const tls = explainTls(code, detail, at);
  if (tls !== undefined) return failure(...tls);
  switch (code) {
    case "ECONNREFUSED":
      return failure(`nothing listens on ${addresses(causes) || at}`, "is your app running, and on this port?");
    case "ENOTFOUND":
      return failure(`host ${url.hostname} not found`, "check the spelling, and your network");
    case "EAI_AGAIN":
      return failure(`the address of ${url.hostname} could not be looked up`, "check your network");
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return failure(`${at} cannot be reached (${code})`, "check your network, VPN and proxy");
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return failure(`connecting to ${at} took too long`, "check the host, the port and any firewall");
    case "EMFILE":
    case "ENFILE":
      return failure(
        `this system allows no more open connections, so nothing was sent to ${at} (${code})`,
        "raise the limit of open files (ulimit -n 4096), or lower the setting concurrency",
      );
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET": {
      // undici closes the connection on these, though the final answer may follow a 100.
      const upgrade = detail === "bad upgrade" ? "101 Switching Protocols" : undefined;
      const interim = detail === "bad response" ? "100 Continue" : upgrade;
      if (interim !== undefined)
        return failure(
          `${at} unexpectedly answered ${interim}, so its real answer cannot be read`,
          "answer with the final status only",
        );
      return failure(
        `${at} closed the connection ${status === undefined ? "without an answer" : "in the middle of its answer"}`,
        "your app may have crashed, or it expects https here, not http: see its log",
      );
    }
  }
  // Invalid HTTP such as a status of 000 fails an assertion in undici.
  if (code === "ERR_ASSERTION" || code.startsWith("HPE_")) {
    const why = code === "ERR_ASSERTION" ? "" : ` (${detail})`;
    return failure(`${at} answered with something that is not HTTP${why}`, "is it https, or another service?");
  }
  return failure(`the delivery to ${at} failed: ${detail}`, "see the log of your app and of any proxy");
}

function explainTls(code: string, detail: string, at: string): readonly [message: string, hint: string] | undefined {
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code))
    return [
      `the certificate of ${at} is not signed by a known authority`,
      "if it is your own certificate, use --insecure, or name its authority in NODE_EXTRA_CA_CERTS",
    ];
  if (/^(CERT_|ERR_TLS_CERT)/.test(code))
    return [`the certificate of ${at} is not valid: ${detail}`, "for a test, use --insecure"];
  if (code.endsWith("_NO_APPLICATION_PROTOCOL"))
    return [
      `${at} does not speak HTTP/1.1, perhaps only HTTP/2`,
      "let it accept HTTP/1.1 as well (in Node's http2: allowHTTP1)",
    ];
  if (/^(EPROTO$|ERR_SSL_)/.test(code))
    return [`${at} does not speak TLS as expected (${code})`, "is it http:// instead of https://?"];
  return undefined;
}

export function timeoutFailure({ url, timeoutMs, status }: PostCircumstances): PostFailure {
  const outcome = status === undefined ? "did not answer" : `answered ${status} but did not finish`;
  return {
    code: "timeout",
    message: `${url.host} ${outcome} within ${formatDuration(timeoutMs)}`,
    hint: "let your app answer first, and do the work after that: senders wait only a few seconds",
  };
}

export function tooLongFailure({ url, status }: PostCircumstances): PostFailure {
  return {
    code: "too-long",
    message: `${url.host} answered ${status} with more than a megabyte`,
    hint: "the answer to a webhook is only a word or two: is this the right route?",
  };
}

export function interruptedFailure({ url }: PostCircumstances): PostFailure {
  return {
    code: "interrupted",
    message: `interrupted before ${url.host} had answered`,
    hint: "it may have received the delivery anyway",
  };
}

/** The error, its causes, and the errors of each address that was tried. */
function flatten(error: unknown): readonly unknown[] {
  const parts = error instanceof AggregateError ? error.errors : [];
  const cause = error instanceof Error && error.cause !== undefined ? [error.cause] : [];
  return [error, ...[...parts, ...cause].flatMap(flatten)];
}

function codeOf(error: unknown): string | undefined {
  // Only some versions of undici set llhttp's code.
  return errorCode(error) ?? (error instanceof Error && error.name === "HTTPParserError" ? "HPE_INVALID" : undefined);
}

/** The addresses that were tried, as `127.0.0.1:3000 or [::1]:3000`. */
function addresses(causes: readonly unknown[]): string {
  const tried = causes.flatMap((cause) => {
    if (!(cause instanceof Error && "address" in cause && "port" in cause)) return [];
    const address = String(cause.address);
    return [`${address.includes(":") ? `[${address}]` : address}:${cause.port}`];
  });
  return [...new Set(tried)].join(" or ");
}

export function isDelivered({
  status,
  error,
}: {
  readonly status: number | null | undefined;
  readonly error: unknown;
}): boolean {
  return (error ?? undefined) === undefined && isSuccess(status ?? undefined);
}

/** The likely cause of an answer that is not 2xx, and what to do. */
export function answerHint(
  { status = 0, headers }: { readonly status: number | undefined; readonly headers: readonly HeaderPair[] },
  flags?: HintFlags,
): string | undefined {
  const location = headers.find(([name]) => name.toLowerCase() === "location")?.[1];
  if (status >= 300 && status < 400 && location !== undefined)
    return `redirects are not followed: it points to ${maskUrl(location)}`;
  return statusHint(status, flags);
}
