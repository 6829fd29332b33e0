// The parts of the SQLite bindings that are used: better-sqlite3 has no types, and those of Node 20 lack node:sqlite.

declare module "better-sqlite3" {
  const Database: new (path: string, options?: { readonly readonly?: boolean }) => import("./engine.ts").NativeDatabase;
  export = Database;
}

declare module "node:sqlite" {
  export const DatabaseSync: new (
    path: string,
    options?: { readonly readOnly?: boolean; readonly defensive?: boolean },
  ) => import("./engine.ts").NativeDatabase;
}
