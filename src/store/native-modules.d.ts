// The part of two SQLite bindings that this folder uses: better-sqlite3 ships no types, and those of Node 20 know no node:sqlite.

declare module "better-sqlite3" {
  const Database: new (path: string, options?: { readonly readonly?: boolean }) => import("./engine.ts").NativeDatabase;
  export = Database;
}

declare module "node:sqlite" {
  export const DatabaseSync: new (
    path: string,
    options?: { readonly readOnly?: boolean },
  ) => import("./engine.ts").NativeDatabase;
}
