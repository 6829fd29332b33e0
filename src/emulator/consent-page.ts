import type { Answer } from "./answer.ts";

/** Asks the user to accept or reject. The form posts the parameters of the request back. */
export function consentPage(query: URLSearchParams, scopes: readonly string[]): Answer {
  const parameters = [...query].filter(([name]) => name !== "decision");
  const fields = parameters.map(
    ([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`,
  );
  const list = scopes.map((scope) => `<li><code>${escaped(scope)}</code>`);
  return page(
    200,
    "Allow access?",
    `<p>The client <code>${escaped(query.get("client_id") ?? "")}</code> asks for these scopes of the emulated organisation:
<ul>${list.join("")}</ul>
<p>Then it is sent to <code>${escaped(query.get("redirect_uri") ?? "")}</code>.
<form method="post" action="/oauth/v2/auth">${fields.join("")}
<button name="decision" value="accept">Accept</button> <button name="decision" value="reject">Reject</button></form>`,
  );
}

/** Names the wrong parameter. Nothing is sent to the redirect URI. */
export function errorPage(error: string): Answer {
  return page(400, error, `<p>${EXPLANATIONS[error] ?? "A parameter of the request is wrong."}`);
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  invalid_client: "client_id is not the emulator's: zoho-hooks emulate --env prints it.",
  invalid_redirect_uri: "redirect_uri is not a URL of this machine, such as http://localhost:4464/callback.",
  invalid_response_type: "response_type is not code.",
  invalid_scope: "scope is missing.",
};

function page(status: number, title: string, content: string): Answer {
  const body = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} – zoho-hooks emulate</title>
<style>body{font:16px/1.5 system-ui;max-width:40em;margin:3em auto;padding:0 1em;color-scheme:light dark}button{font:inherit;padding:.3em 1em}code{overflow-wrap:anywhere}</style>
<h1>${title}</h1>
${content}
</html>
`;
  return { status, body, headers: HEADERS };
}

const HEADERS = {
  "content-type": "text/html;charset=UTF-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  // With no-referrer a browser sends its own form with "Origin: null".
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
