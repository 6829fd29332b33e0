import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));

/**
 * The folders that each folder of src/ may import, types included. A pair that is not here is a decision: add it, and say why in the
 * commit. ARCHITECTURE.md says what each folder is.
 */
const MAY_IMPORT: Readonly<Record<string, string>> = {
  channels: "delivery model process products project util workspace zoho-api",
  checks: "channels delivery forward model own-products project receiver recognition samples util workspace",
  commands:
    "channels checks delivery doctor emulator forward history inspector listener log model operations own-products process products project receiver recognition reconcile reports samples send signatures terminal util verify workspace zoho-api zoho-webhooks",
  delivery: "util",
  doctor:
    "channels checks delivery forward history listener log model own-products process products project receiver recognition tunnel util zoho-api zoho-webhooks",
  emulator: "delivery forward model page-kit process products project receiver samples signatures util zoho-api",
  forward: "delivery log model receiver util",
  history:
    "channels delivery forward log model own-products process products project receiver recognition samples util workspace",
  inspector:
    "channels delivery forward history log model operations own-products page-kit process project receiver reports samples send util",
  library: "channels delivery emulator forward model products receiver recognition samples signatures util zoho-api",
  listener:
    "channels delivery forward history log model own-products process products project receiver recognition tunnel util zoho-api zoho-webhooks",
  log: "delivery model util",
  model: "delivery util",
  operations: "channels checks delivery history log own-products process project reports send util verify workspace",
  "own-products": "delivery model process products project recognition samples signatures util workspace",
  "page-kit": "util",
  process: "util",
  products: "delivery model signatures util",
  project: "delivery model process tunnel util",
  receiver: "delivery log model project recognition signatures util",
  recognition: "delivery model util",
  reconcile: "channels delivery forward history log model products project recognition util zoho-api",
  reports:
    "channels checks delivery emulator forward history listener log model own-products process receiver recognition reconcile send util verify zoho-api zoho-webhooks",
  samples: "delivery model project util",
  send: "channels delivery forward history log model own-products process project receiver recognition samples util workspace",
  signatures: "delivery model util",
  terminal: "delivery process project reports",
  tunnel: "delivery process util",
  util: "",
  verify:
    "channels delivery history log model own-products process project receiver recognition signatures util workspace zoho-api",
  workspace: "delivery log model project util",
  "zoho-api": "delivery model process project signatures util",
  "zoho-webhooks": "channels delivery model process products project util zoho-api",
};
/** The longest chain of folders that import each other. */
const MAX_FLOORS = 12;
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  model: ["zod"],
  signatures: ["zod"],
  recognition: ["zod"],
  products: ["zod"],
  commands: ["@modelcontextprotocol/server", "@modelcontextprotocol/server/stdio", "commander", "zod"],
  reports: ["chalk"],
  terminal: ["commander", "ora"],
  "page-kit": ["preact", "preact/hooks", "@preact/signals"],
  emulator: ["preact", "preact/hooks", "@preact/signals", "zod"],
  operations: ["zod"],
  inspector: ["preact", "preact/hooks", "@preact/signals", "zod"],
};
/** Pure: of Node only bytes and hashes. */
const PURE = ["model", "signatures", "recognition", "products"];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8");
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|import\("([^"]+)"\)/g,
  );
  return [...found].map((match) => ({
    file: file.split(sep).join("/"),
    target: match[2] ?? match[3] ?? "",
    typeOnly: match[1] !== undefined,
  }));
});

function folderOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : "";
}

function targetPath({ file, target }: Import): string {
  return relative(root, resolve(root, dirname(file), target))
    .split(sep)
    .join("/");
}

describe("imports", () => {
  it("are found at all", () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it("go only to the folders that are allowed, and each of these is imported", () => {
    const found = new Map<string, Set<string>>(Object.keys(MAY_IMPORT).map((folder) => [folder, new Set()]));
    for (const each of imports.filter(({ target }) => target.startsWith("."))) {
      const [from, to] = [folderOf(each.file), folderOf(targetPath(each))];
      if (from !== "" && from !== to) found.set(from, (found.get(from) ?? new Set()).add(to));
    }
    const pairs = [...found].map(([folder, targets]) => [folder, [...targets].sort().join(" ")]);
    expect(Object.fromEntries(pairs)).toEqual(MAY_IMPORT);
  });

  it("have at most twelve floors", () => {
    const floorOf = (folder: string): number =>
      1 + Math.max(0, ...(MAY_IMPORT[folder] ?? "").split(" ").filter(Boolean).map(floorOf));
    expect(Math.max(...Object.keys(MAY_IMPORT).map(floorOf))).toBeLessThanOrEqual(MAX_FLOORS);
  });

  it("go down the list of folders in ARCHITECTURE.md, which has them all", () => {
    const text = readFileSync(new URL("../ARCHITECTURE.md", import.meta.url), "utf8");
    const listed = [...text.matchAll(/^ {2}([a-z-]+)\/ +\S/gm)].map(([, folder = ""]) => folder);
    expect([...listed].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
    const up = listed.flatMap((folder, i) =>
      (MAY_IMPORT[folder] ?? "")
        .split(" ")
        .filter((target) => target !== "" && listed.indexOf(target) <= i)
        .map((target) => `${folder} imports ${target}`),
    );
    expect(up).toEqual([]);
  });

  it("never go from one command to another: what they share is a subject, or in commands/flags", () => {
    const wrong = imports.filter((each) => {
      if (!each.file.startsWith("commands/") || each.file === "commands/index.ts" || !each.target.startsWith("."))
        return false;
      const target = targetPath(each);
      const command = (path: string): string | undefined => path.split("/")[1]?.replace(/\.ts$/, "");
      return (
        target.startsWith("commands/") &&
        !["command", "flags"].includes(command(target) ?? "") &&
        command(each.file) !== command(target)
      );
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it("form no circle, types included", () => {
    const next = new Map<string, string[]>();
    for (const each of imports.filter(({ target }) => target.startsWith(".")))
      next.set(each.file, [...(next.get(each.file) ?? []), targetPath(each)]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      if (done.has(file)) return;
      done.add(file);
      for (const target of next.get(file) ?? []) visit(target, [...path, file]);
    };
    for (const file of next.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("never go from one product's folder to another's", () => {
    const wrong = imports.filter((each) => {
      if (!each.file.startsWith("products/") || !each.target.startsWith(".")) return false;
      const [, own] = each.file.split("/");
      const target = targetPath(each);
      const [, other = ""] = target.startsWith("products/") ? target.split("/") : [];
      return each.file.split("/").length > 2 && ![own, "shared", ""].includes(other);
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it("reach a database or a tunnel through the one file that chooses it", () => {
    const chosenIn: Readonly<Record<string, string>> = {
      "log/sqlite/log.ts": "log/open-log.ts",
      "tunnel/ngrok.ts": "tunnel/open-tunnel.ts",
    };
    const chosen = imports
      .filter(({ target }) => target.startsWith("."))
      .map((each) => ({ file: each.file, chooser: chosenIn[targetPath(each)] }))
      .filter(({ chooser }) => chooser !== undefined);
    expect(chosen.length).toBeGreaterThanOrEqual(2);
    for (const { file, chooser } of chosen) expect(file).toBe(chooser);
  });

  it("lead from the emulator to nothing that reads the secrets of the user", () => {
    const readers = [
      "channels/memory.ts",
      "channels/read-tokens.ts",
      "project/environment.ts",
      "project/load.ts",
      "project/secret-variables.ts",
      "project/secrets.ts",
      "zoho-api/credentials.ts",
      "zoho-api/keyring.ts",
    ];
    for (const reader of readers) expect(files.map((file) => file.split(sep).join("/"))).toContain(reader);
    const reached = new Set(imports.flatMap(({ file }) => (folderOf(file) === "emulator" ? [file] : [])));
    for (const from of reached)
      for (const each of imports)
        if (each.file === from && !each.typeOnly && each.target.startsWith(".")) reached.add(targetPath(each));
    expect(readers.filter((reader) => reached.has(reader))).toEqual([]);
  });

  it("bring packages only where they belong", () => {
    const wrong = imports.filter(({ file, target }) => {
      if (target.startsWith(".")) return false;
      const allowed = PACKAGES[folderOf(file)];
      if (PURE.includes(folderOf(file)) && target.startsWith("node:"))
        return !["node:buffer", "node:crypto"].includes(target);
      return allowed !== undefined && !target.startsWith("node:") && !allowed.includes(target);
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it("load what is heavy only when it is used", () => {
    const heavy = [
      "prom-client",
      "@ngrok/ngrok",
      "undici",
      "inquirer",
      "ora",
      "better-sqlite3",
      "node:sqlite",
      "bullmq",
      "ioredis",
    ];
    const mayBeLazy = new Set(["process/prompts.ts", "terminal/progress.ts", "listener/metrics.ts"]);
    const wrong = files
      .map((file) => file.split(sep).join("/"))
      .filter((file) => !mayBeLazy.has(file))
      .flatMap((file) => {
        const text = readFileSync(join(root, file), "utf8");
        return heavy
          .filter((name) => new RegExp(`(?:^|\\n)import (?!type\\b)[^;]*"${name}"`).test(text))
          .map((name) => `${file} imports ${name}`);
      });
    expect(wrong).toEqual([]);
  });
});

describe("a file", () => {
  it("makes its schemas when they are used: what every command loads must not make one", () => {
    const eager = files.filter(
      (file) =>
        /^(?:model|signatures|recognition|project|products|terminal|commands)[\\/]/.test(file) &&
        /^(?:export )?const [^=]*= \(?z\./m.test(readFileSync(join(root, file), "utf8")),
    );
    expect(eager).toEqual([]);
  });

  it("touches the process only in process/", () => {
    const wrong = files.filter(
      (file) =>
        !file.startsWith(`process${sep}`) && /(?<![\w."'`/-])process\.\w/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(wrong).toEqual([]);
  });
});
