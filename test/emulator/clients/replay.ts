import type { Emulator } from "../../../src/emulator/emulator.ts";

/** One request that a client makes, and what it reads of the answer. */
export interface ClientCall {
  readonly name: string;
  /** Such as `POST /crm/v2/leads`; `{lead}` is an id that an earlier call has saved. */
  readonly line: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Paths of members that must be there, such as `data.0.details.id`. */
  readonly reads?: readonly string[];
  /** Name under which the value of the first of `reads` is saved. */
  readonly as?: string;
}

/** A client that the emulator's authors have not written. */
export interface Client {
  readonly name: string;
  /** The package or the files that make these requests. */
  readonly source: string;
  /** How it writes its access token. */
  readonly scheme: "Bearer" | "Zoho-oauthtoken";
  readonly headers?: Readonly<Record<string, string>>;
  readonly calls: readonly ClientCall[];
  /** The names of the calls that do not pass, with the reason. */
  readonly gaps?: Readonly<Record<string, string>>;
}

/** A row of calls: `[name, line, more]`. */
export function calls(
  ...rows: readonly (readonly [name: string, line: string, more?: Omit<ClientCall, "name" | "line">])[]
): readonly ClientCall[] {
  return rows.map(([name, line, more]) => ({ name, line, ...more }));
}

/** Makes the requests in order. Resolves to the names of those that fail, with the answer. */
export async function replay(
  client: Client,
  { url, organisation }: Pick<Emulator, "url" | "organisation">,
  scopes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const saved = new Map<string, string>();
  const failed = new Map<string, string>();
  const filled = (text: string): string => text.replace(/\{(\w+)\}/g, (all, name: string) => saved.get(name) ?? all);
  for (const { name, line, body, form, headers, reads = [], as } of client.calls) {
    // Books answers 429 to more than two settings calls in a row, as Zoho does.
    organisation.service("finance")?.reset?.();
    const [method = "", path = ""] = filled(line).split(" ");
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `${client.scheme} ${organisation.accounts.makeAccessToken(scopes)}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...client.headers,
        ...headers,
      },
      ...(body !== undefined && { body: filled(JSON.stringify(body)) }),
      ...(form !== undefined && { body: formOf(form, filled) }),
      redirect: "manual",
    });
    const text = await response.text();
    const answer: unknown = text.startsWith("{") ? JSON.parse(text) : {};
    const lacks = reads.find((each) => memberAt(answer, each) === undefined);
    const error = memberAt(answer, "error") ?? (memberAt(answer, "data.0.status") === "error" ? "error" : undefined);
    if (response.status >= 400 || lacks !== undefined || error !== undefined)
      failed.set(name, `${method} ${path} → ${response.status} ${lacks ?? ""} ${text.slice(0, 300)}`);
    else if (as !== undefined) saved.set(as, String(memberAt(answer, reads[0] ?? "")));
  }
  return failed;
}

function formOf(form: Readonly<Record<string, string>>, filled: (text: string) => string): URLSearchParams {
  return new URLSearchParams(
    Object.entries(form).map(([name, value]): [name: string, value: string] => [name, filled(value)]),
  );
}

function memberAt(value: unknown, path: string): unknown {
  return path.split(".").reduce((found, name) => Object(found)[name], value);
}
