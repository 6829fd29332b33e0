import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

/** What each folder of src may import, besides itself. The files that lie in src itself assemble the rest. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  files: [],
  products: ["core"],
  receiver: ["core"],
  // The interfaces of the log, that deliveries wait in, and of the ledger, that it stands behind.
  delivery: ["core", "store", "receiver"],
  store: ["core", "files", "receiver"],
  tunnel: ["core"],
  zoho: ["core", "files"],
  config: ["core", "files"],
  ui: ["core"],
  library: ["core", "products", "config"],
  commands: ["core", "products", "receiver", "delivery", "store", "tunnel", "zoho", "config", "files"],
};
/** Types of the world that any folder but core may name. */
const TYPES_FOR_ALL = "context.ts";
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ["zod"],
  products: ["zod"],
  commands: ["commander"],
  ui: ["chalk", "commander", "ora", "inquirer"],
};

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
      if (to === "") return !(target === TYPES_FOR_ALL && each.typeOnly && from !== "core");
      return to !== from && !(MAY_IMPORT[from] ?? []).includes(to);
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
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
      "store/sqlite-log.ts": "store/open-log.ts",
      "store/peek-holder.ts": "store/open-log.ts",
      "tunnel/ngrok.ts": "tunnel/open-tunnel.ts",
    };
    const chosen = imports
      .filter(({ target }) => target.startsWith("."))
      .map((each) => ({ file: each.file, chooser: chosenIn[targetPath(each)] }))
      .filter(({ chooser }) => chooser !== undefined);
    expect(chosen.length).toBeGreaterThanOrEqual(3);
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
    const heavy = ["@ngrok/ngrok", "undici", "inquirer", "ora", "better-sqlite3", "node:sqlite"];
    const mayBeLazy = new Set(["ui/prompts.ts", "ui/spinner.ts"]);
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
  it("is short enough to be read in one go", () => {
    const long = files
      .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length] as const)
      .filter(([, lines]) => lines > 220);
    expect(long).toEqual([]);
  });

  it("makes its schemas when they are used: what every command loads must not make one", () => {
    const eager = files.filter(
      (file) =>
        /^(?:core|config|products|ui|commands)[\\/]/.test(file) &&
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
