import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));

/** What each folder of src may import, besides itself. The files that lie in src itself assemble the rest. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  util: [],
  body: ["util"],
  core: ["util", "body"],
  products: ["util", "body", "core"],
  receiver: ["util", "body", "core"],
  store: ["util", "body", "core", "receiver"],
  forward: ["util", "body", "core", "receiver", "store"],
  // Of forward/ only what posts a request.
  check: ["util", "body", "core", "forward"],
  tunnel: ["util", "body", "core"],
  zoho: ["util", "body", "core"],
  config: ["util", "body", "core"],
  reports: ["util", "body", "core"],
  admin: ["util", "body", "core", "store"],
  // It is given what it does by the command `ui`.
  inspector: ["util", "body", "core", "receiver"],
  // The listener for tests receives as `listen` does.
  library: ["util", "body", "core", "products", "config", "receiver"],
  commands: [
    "util",
    "body",
    "core",
    "products",
    "receiver",
    "forward",
    "check",
    "store",
    "tunnel",
    "zoho",
    "config",
    "reports",
    "inspector",
    "admin",
  ],
};
/** Anyone outside the core may name their types: what is reported, and what the process offers. */
const TYPES_FOR_ALL = /^(?:reports\/.*|runtime|output|context)\.ts$/;
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ["zod"],
  products: ["zod"],
  commands: ["commander"],
  reports: ["chalk", "commander", "ora", "inquirer"],
  inspector: ["preact", "preact/hooks", "@preact/signals"],
};
/** Lists of like things may be longer than other folders. */
const LISTS = ["products", "commands"];

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

  it("point the way that the design says", () => {
    const wrong = imports.filter((each) => {
      const from = folderOf(each.file);
      if (from === "" || !each.target.startsWith(".")) return false;
      const target = targetPath(each);
      const to = folderOf(target);
      if (to === from || (MAY_IMPORT[from] ?? []).includes(to)) return false;
      return !(each.typeOnly && TYPES_FOR_ALL.test(target) && !["util", "body", "core"].includes(from));
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
      "store/sqlite/log.ts": "store/open-log.ts",
      "tunnel/ngrok.ts": "tunnel/open-tunnel.ts",
    };
    const chosen = imports
      .filter(({ target }) => target.startsWith("."))
      .map((each) => ({ file: each.file, chooser: chosenIn[targetPath(each)] }))
      .filter(({ chooser }) => chooser !== undefined);
    expect(chosen.length).toBeGreaterThanOrEqual(2);
    for (const { file, chooser } of chosen) expect(file).toBe(chooser);
  });

  it("bring packages only where they belong", () => {
    const wrong = imports.filter(({ file, target }) => {
      if (target.startsWith(".")) return false;
      const allowed = PACKAGES[folderOf(file)];
      if (folderOf(file) === "core" && target.startsWith("node:"))
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
    const mayBeLazy = new Set(["reports/prompts.ts", "reports/progress.ts", "admin/metrics.ts"]);
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

describe("a folder", () => {
  it("holds one subject: at most 20 files", () => {
    const counts = new Map<string, number>();
    for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    const full = [...counts].filter(([folder, count]) => count > 20 && !LISTS.includes(folder));
    expect(full).toEqual([]);
  });
});

describe("a file", () => {
  it("is short enough to be read in one go", () => {
    const long = files
      .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it("makes its schemas when they are used: what every command loads must not make one", () => {
    const eager = files.filter(
      (file) =>
        /^(?:core|config|products|reports|commands)[\\/]/.test(file) &&
        /^(?:export )?const [^=]*= \(?z\./m.test(readFileSync(join(root, file), "utf8")),
    );
    expect(eager).toEqual([]);
  });

  it("touches the process only in runtime.ts", () => {
    const wrong = files.filter(
      (file) => file !== "runtime.ts" && /(?<![\w."'`/-])process\.\w/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(wrong).toEqual([]);
  });
});
