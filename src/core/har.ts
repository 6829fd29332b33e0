import { type HeaderPair, headerValue, mediaType, splitUrl } from "./delivery.ts";
import type { KeptFacts } from "./log-report.ts";
import { formFields } from "./payload.ts";
import type { EventReport } from "./report.ts";

/** What stands before and behind the entries, which have commas between them. */
export const HAR_FRAME = {
  start: '{"log":{"version":"1.2","creator":{"name":"zoho-hooks","version":"1"},"entries":[\n',
  end: "\n]}}\n",
};

/**
 * A received delivery and its answer as an entry of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/). A body
 * that is no text is base64, said in `_encoding`; what became of it stands in `_attempts`. How long the answer took is
 * not in the log, so the times are 0.
 */
export function harEntry(event: EventReport & { readonly kept: KeptFacts }): Readonly<Record<string, unknown>> {
  const { headers, method, path, body, status = 0 } = event;
  const host = headerValue({ headers }, "host") ?? "localhost";
  return {
    startedDateTime: event.at.toISOString(),
    time: 0,
    request: {
      method,
      url: /^[a-z]+:\/\//i.test(path) ? path : `http://${host}${path}`,
      httpVersion: "HTTP/1.1",
      cookies: [],
      headers: headers.map(nameAndValue),
      queryString: formFields(splitUrl(path).query).map(nameAndValue),
      ...(body.length === 0 ? {} : { postData: postData(headers, body) }),
      headersSize: -1,
      bodySize: body.length,
    },
    response: {
      status,
      statusText: "",
      httpVersion: "HTTP/1.1",
      cookies: [],
      headers: [],
      content: { size: -1, mimeType: "text/plain", ...(event.refusal === undefined ? {} : { text: event.refusal }) },
      redirectURL: "",
      headersSize: -1,
      bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: 0, receive: 0 },
    ...(event.kept.remote === undefined ? {} : { _remoteAddress: event.kept.remote }),
    comment: `#${event.n} ${event.receipt.product ?? "?"} ${event.receipt.event ?? "unrecognised"}: ${event.kept.state}`,
    _attempts: event.kept.attempts.map(({ target, at, status: answer, latencyMs, error }) => ({
      target,
      startedDateTime: at.toISOString(),
      time: latencyMs,
      status: answer ?? 0,
      ...(error === undefined ? {} : { error }),
    })),
  };
}

function nameAndValue([name, value]: HeaderPair): { name: string; value: string } {
  return { name, value };
}

function postData(headers: readonly HeaderPair[], body: Buffer): Readonly<Record<string, unknown>> {
  const mimeType = headerValue({ headers }, "content-type") ?? "application/octet-stream";
  const text = body.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(body)) {
    return { mimeType, params: [], text: body.toString("base64"), _encoding: "base64" };
  }
  const isForm = mediaType({ method: "", url: "", headers, body }) === "application/x-www-form-urlencoded";
  return { mimeType, params: isForm ? formFields(text).map(nameAndValue) : [], text };
}
