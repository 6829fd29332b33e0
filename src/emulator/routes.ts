import type { Answer, ApiRequest } from "./answer.ts";
import { memberOf } from "./state.ts";

/** A request with the scopes of its access token, and the parts of its path that the route names. */
export interface Call extends ApiRequest {
  readonly scopes: readonly string[];
  readonly params: Readonly<Record<string, string>>;
}

/** Undefined where the emulator does not have what is asked for. */
export type Handler = (call: Call) => Answer | undefined | Promise<Answer | undefined>;

/**
 * Handlers by method and path, such as `GET /crm/v{version}/{module}/{id}`. `*` stands for any method. `{id}` is digits, `{version}` such
 * as `8` or `2.1`, and any other name is a part of the path. A path that begins with `public` needs no access token.
 */
export type Routes = Readonly<Record<string, Handler>>;

/** The handlers of one path. */
interface PathHandlers {
  readonly pattern: RegExp;
  readonly isPublic: boolean;
  readonly byMethod: Map<string, Handler>;
}

const PARTS: Readonly<Record<string, string>> = { id: "\\d+", version: "\\d+(?:\\.\\d)?" };

export function compileRoutes(routes: Routes): readonly PathHandlers[] {
  const paths = new Map<string, PathHandlers>();
  for (const [line, handle] of Object.entries(routes)) {
    const [, first = "", method = "", path = ""] = /^(public )?(\S+) (\S+)$/.exec(line) ?? [];
    const source = path
      .replaceAll(".", "\\.")
      .replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${memberOf(PARTS, name) ?? "[^/]+"})`);
    const made = { pattern: new RegExp(`^${source}$`), isPublic: first !== "", byMethod: new Map() };
    paths.set(path, paths.get(path) ?? made);
    paths.get(path)?.byMethod.set(method, handle);
  }
  return [...paths.values()];
}

/** The first route whose path matches. `handle` is undefined if it has other methods only. */
export function findRoute(paths: readonly PathHandlers[], { method, path }: Pick<ApiRequest, "method" | "path">) {
  for (const { pattern, isPublic, byMethod } of paths) {
    const match = pattern.exec(path);
    if (match === null) continue;
    return { isPublic, params: { ...match.groups }, handle: byMethod.get(method) ?? byMethod.get("*") };
  }
  return undefined;
}
