import { z } from "zod";
import { nearest } from "../model/event-names.ts";
import { type Operation, operations } from "../operations/index.ts";
import { UserError } from "../util/errors.ts";

/** A call of the API for tests. Its input is that of the operation: the query for GET and DELETE, the JSON body for POST. */
export interface ApiCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** With the members of the input that stand in it, as in OpenAPI: `/v1/events/{n}`. */
  readonly path: string;
  readonly operation: Operation;
}

/** The API for tests in any language. It is public: within version 1 calls and members are only added. */
export const apiCalls: readonly ApiCall[] = [
  { method: "GET", path: "/v1/events", operation: operations.events as Operation },
  { method: "GET", path: "/v1/events/{n}", operation: operations.show as Operation },
  { method: "DELETE", path: "/v1/events", operation: operations.clear as Operation },
  { method: "POST", path: "/v1/send", operation: operations.send as Operation },
  { method: "POST", path: "/v1/replay", operation: operations.replay as Operation },
];

/** The part of a JSON Schema that says how a text of the query is read. */
interface Member {
  readonly type?: string;
  readonly anyOf?: readonly Member[];
  readonly items?: Member;
}

/** JSON Schema of what a call takes. */
export function inputSchema({ operation }: ApiCall) {
  return z.toJSONSchema(operation.input(), { io: "input" }) as {
    readonly properties: Readonly<Record<string, Member>>;
    readonly required?: readonly string[];
  };
}

/** The call of a request, with the members of its path; undefined where there is none. */
export function findCall(
  method: string | undefined,
  path: string,
): { readonly call: ApiCall; readonly inPath: Readonly<Record<string, string>> } | undefined {
  for (const call of apiCalls) {
    const pattern = call.path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)");
    const match = new RegExp(`^${pattern}$`).exec(path);
    if (call.method === method && match !== null) return { call, inPath: match.groups ?? {} };
  }
  return undefined;
}

/** The input of a GET or DELETE, for its schema to check: a query has texts alone, and a list is a name that comes repeatedly. */
export function queryInput(call: ApiCall, query: URLSearchParams, inPath: Readonly<Record<string, string>>) {
  const { properties } = inputSchema(call);
  const names = new Set(query.keys());
  const given = Array.from(names, (name) => {
    const texts = query.getAll(name);
    const isList = properties[name]?.type === "array";
    return [name, isList || texts.length > 1 ? texts : typedValue(properties[name], texts[0] ?? "")];
  });
  const placed = Object.entries(inPath).map(([name, text]) => [name, typedValue(properties[name], text)]);
  return Object.fromEntries([...given, ...placed]);
}

function typedValue(member: Member | undefined, text: string): unknown {
  const types = (member?.anyOf ?? [member]).map((each) => each?.type);
  if (types.includes("integer") && /^\d{1,15}$/.test(text)) return Number(text);
  if (types.includes("boolean") && /^(?:true|false)$/.test(text)) return text === "true";
  return text;
}

/** An error about the first member that a call does not have, with the nearest one; undefined where there is none. */
export function unknownMember(call: ApiCall, given: object) {
  const names = Object.keys(inputSchema(call).properties);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return undefined;
  const [near] = nearest(unknown, names, 1);
  const known = names.length === 0 ? "it has none" : `there are ${names.join(", ")}`;
  return {
    error: `${call.method} ${call.path} has no member ${JSON.stringify(unknown)}`,
    hint: near === undefined ? known : `did you mean ${near}?`,
  };
}

export function errorWithMembers(call: ApiCall, error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const { message, hint, code } = error;
  return new UserError("usage", withMembers(call, message), hint && withMembers(call, hint), code);
}

/** A message in which flags of a command are members of the call, `--since` is `since`; those of a command to paste stay. */
export function withMembers(call: ApiCall, message: string): string {
  const { properties } = inputSchema(call);
  const [before = ""] = /^(?:(?!zoho-hooks).)*/s.exec(message) ?? [];
  const named = before.replace(/(?<![\w-])--([a-z][a-z-]*)/g, (flag, name: string) => {
    const member = name.replaceAll("-", "_");
    return Object.hasOwn(properties, member) ? member : flag;
  });
  return named + message.slice(before.length);
}
