import { usageError } from "../util/errors.ts";
import type { ChannelContext } from "./lines.ts";

/**
 * Rejects a URL that Zoho can never post to; warns of one that it probably cannot reach, http included. A Zoho on this machine
 * reaches all that this machine does.
 */
export function notifyUrl(
  context: ChannelContext,
  text: string,
  { isZohoLocal = false, plainHttp = false } = {},
): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usageError(
      `--url: ${JSON.stringify(text)} is not a web URL`,
      "give one such as https://example.com/webhooks/zoho/crm",
    );
  }
  if (url.username !== "" || url.password !== "") {
    // Not repeated in the message: it holds a password.
    throw usageError("--url: a URL with a user name or password is not accepted, because it would be printed");
  }
  const local = /^(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[)/.test(url.hostname);
  if (!isZohoLocal && ((url.protocol === "http:" && !plainHttp) || local)) {
    context.report({
      type: "warning",
      message: `Zoho may not be able to post to ${url.origin}: it is ${local ? "not a public address" : "not https"}`,
      hint: `a tunnel gives this machine a public https address: ${context.invocation} listen --tunnel ngrok`,
    });
  }
  return text;
}
