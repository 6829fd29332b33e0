import { usageError } from "../util/errors.ts";
import type { Answer, ApiRequest } from "./answer.ts";
import { requireTimes } from "./faults.ts";
import { requireKnown } from "./members.ts";
import { isPoll } from "./own-client.ts";

/** An answer that the user gives in the place of the emulator. */
interface Stub {
  /** Undefined for any. */
  readonly method: string | undefined;
  /** Parts in braces, such as `{id}`, stand for any part. */
  readonly path: string;
  readonly answer: Answer;
  /** How many requests are still answered; undefined for all. */
  times: number | undefined;
}

const MEMBERS = ["method", "path", "status", "body", "times"];
const MAX_STUBS = 1000;
const MAX_BODY_LENGTH = 16 * 1024 * 1024;
const EXAMPLE = "write it as /crm/v8/Leads/{id}/Notes";

/** Answers that the user has planned: those for a number of requests first, in their order, then the newest of the others. */
export class Stubs {
  #planned: Stub[] = [];

  /** Throws a usage error for a mistake. A body that is not text is sent as JSON. */
  add(given: Readonly<Record<string, unknown>>): void {
    const stub = readStub(given);
    const isReplaced = (old: Stub): boolean =>
      [old, stub].every(({ times }) => times === undefined) && old.method === stub.method && old.path === stub.path;
    const planned = [...this.#planned.filter((old) => !isReplaced(old)), stub];
    const length = planned.reduce((sum, { answer }) => sum + String(answer.body).length, 0);
    if (planned.length > MAX_STUBS || length > MAX_BODY_LENGTH)
      throw usageError(
        `more than ${MAX_STUBS} answers, or more than 16 MB of them, are planned`,
        "POST /_emulator/reset removes them",
      );
    this.#planned = planned;
  }

  /** The planned answer to a request, which uses it up. */
  take(request: Pick<ApiRequest, "method" | "path" | "headers">): Answer | undefined {
    if (this.#planned.length === 0 || isPoll(request)) return undefined;
    const fitting = this.#planned.filter((stub) => fits(stub, request));
    const found = fitting.find(({ times }) => times !== undefined) ?? fitting.at(-1);
    if (found?.times !== undefined && --found.times <= 0)
      this.#planned = this.#planned.filter((stub) => stub !== found);
    return found?.answer;
  }

  clear(): void {
    this.#planned = [];
  }
}

/** The command that plans an answer to such a request, for the user to adapt. */
export function stubCommand(url: string, { method, path }: Pick<ApiRequest, "method" | "path">): string {
  const stub = JSON.stringify({ method, path, status: 200, body: {} });
  // A path that came from outside must not end the quotes.
  return `curl -d '${stub.replaceAll("'", "\\u0027")}' ${url}/_emulator/answer`;
}

function fits({ method, path }: Stub, request: Pick<ApiRequest, "method" | "path">): boolean {
  if (method !== undefined && method !== request.method) return false;
  const parts = request.path.split("/");
  const wanted = path.split("/");
  return wanted.length === parts.length && wanted.every((part, i) => /^\{.*\}$/.test(part) || part === parts[i]);
}

/** The path of a request to a product, or its start. Throws a usage error for another value. */
export function requirePath(path: unknown, example: string): string {
  if (typeof path !== "string" || !/^\/[^\s?#]*$/.test(path))
    throw usageError(
      path === undefined ? "path is missing" : `path: ${JSON.stringify(path)} is not a path without a query`,
      example,
    );
  if (path.startsWith("/_emulator/"))
    throw usageError("path: control calls are always answered by the emulator", example);
  return path;
}

function readStub(given: Readonly<Record<string, unknown>>): Stub {
  const { method, path, status = 200, body, times } = given;
  requireKnown(given, MEMBERS, "a member of an answer");
  if (method !== undefined && (typeof method !== "string" || !/^[a-z]+$/i.test(method)))
    throw usageError(`method: ${JSON.stringify(method)} is not a method`, "such as GET; leave it out for any");
  if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599)
    throw usageError(`status: ${JSON.stringify(status)} is not a whole number from 200 to 599`);
  return {
    method: method?.toUpperCase(),
    path: requirePath(path, EXAMPLE),
    answer: { status, body: typeof body === "string" ? body : (JSON.stringify(body) ?? "") },
    times: times === undefined ? undefined : requireTimes(times),
  };
}
