import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { envEntry, withoutEmptyEntries } from "../../config/env-entry.ts";
import { ENV_FILE, readEnvFile } from "../../config/environment.ts";
import { type LineFile, linesOf, readLineFile, withLines } from "../../config/line-file.ts";
import { CONFIG_FILE, type SettingsFile } from "../../config/settings.ts";
import type { Answers } from "./answers.ts";

/** One file that `init` looks after. `content` is undefined where nothing is to be done. */
export interface FileChange {
  readonly path: string;
  readonly content: Buffer | undefined;
  /** `absent`: it is not there, and need not be. */
  readonly action: "created" | "changed" | "unchanged" | "absent";
  /** The settings, variables or lines that are put in. */
  readonly entries: readonly string[];
  /** Those that are there already and left alone. */
  readonly kept: readonly string[];
  /** Of a file that is created. */
  readonly mode?: number;
  /** The change replaces something of the user's. */
  readonly overwrites: boolean;
}

/** The config file with the answers in it; settings that `init` does not ask for stay as they are. */
export function configChange(root: string, answers: Answers, text: string | undefined, old: SettingsFile): FileChange {
  // A product of the user's own is more than a choice among those that are known: it stays.
  const own = Object.entries(old.products ?? {}).flatMap(([id, { path }]) => (path === undefined ? [] : [id]));
  const ids = new Set([...answers.products, ...own]);
  const products = Object.fromEntries(
    [...ids].map((id) => {
      const format = answers.formats[id];
      return [id, { ...old.products?.[id], ...(format === undefined ? {} : { format }) }];
    }),
  );
  const next = {
    ...old,
    ...(ids.size > 0 || old.products !== undefined ? { products } : {}),
    port: answers.port,
    // A list of targets that begins with the answer is the user's own, longer one.
    forwardTo: [old.forwardTo].flat()[0] === answers.target ? old.forwardTo : answers.target,
  };
  const changedKeys = (["products", "port", "forwardTo"] as const).filter(
    (key) => JSON.stringify(next[key]) !== JSON.stringify(old[key]),
  );
  // A format that was another one before is named, so that a yes to it is meant.
  const replaced = Object.entries(answers.formats)
    .filter(([id, format]) => (old.products?.[id]?.format ?? format) !== format)
    .map(([id]) => `products.${id}.format`);
  const entries = changedKeys.flatMap((key) => (key === "products" ? [key, ...replaced] : [key]));
  const changed = text === undefined || entries.length > 0;
  return {
    path: join(root, CONFIG_FILE),
    content: changed ? Buffer.from(`${JSON.stringify(next, undefined, 2)}\n`) : undefined,
    action: text === undefined ? "created" : changed ? "changed" : "unchanged",
    entries,
    kept: [],
    overwrites: text !== undefined && changed,
  };
}

/** As hexadecimal digits few enough for every product: the finance ones take 50 letters and digits at most. */
const SECRET_BYTES = 24;

/** The variables put at the end of `.env`. One that is there already stays as it is, but for one that is empty. */
export function envChange(root: string, { credentials }: Answers): FileChange {
  const path = join(root, ENV_FILE);
  const file = readLineFile(path);
  const values = readEnvFile(path);
  const wanted = credentials.filter(({ how }) => how !== "none");
  // Also where none was asked for: whoever wants to be rid of a secret deletes it, and not a command on the way.
  const kept = credentials.filter(({ variable }) => (values[variable] ?? "").trim() !== "");
  const added = wanted.filter((answer) => !kept.includes(answer));
  const lines = added.map((answer) =>
    envEntry(
      answer.variable,
      answer.how === "given" ? answer.value.reveal() : randomBytes(SECRET_BYTES).toString("hex"),
    ),
  );
  const empty = added.filter(({ variable }) => values[variable] !== undefined).map(({ variable }) => variable);
  return {
    ...addition(file, lines.length === 0 ? undefined : withLines(withoutEmptyEntries(file, empty), lines)),
    entries: added.map(({ variable }) => variable),
    kept: kept.map(({ variable }) => variable),
    mode: 0o600,
  };
}

/** Keeps secrets and the log out of git; samples that were copied into the project are there to be shared. */
const IGNORED: readonly { readonly lines: readonly string[]; readonly unless: RegExp }[] = [
  { lines: [".env"], unless: /^\/?(\.env\*?|\*\.env)$/ },
  { lines: [".zoho-hooks/*", "!.zoho-hooks/fixtures/"], unless: /^\/?\.zoho-hooks(\/\*{0,2})?$/ },
];

export function ignoreChange(root: string): FileChange {
  const path = join(root, ".gitignore");
  const file = readLineFile(path);
  const there = linesOf(file).map((line) => line.trim());
  const missing = IGNORED.filter(({ unless }) => !there.some((line) => unless.test(line)));
  const entries = missing.flatMap(({ lines }) => lines);
  return { ...addition(file, entries.length === 0 ? undefined : withLines(file, entries)), entries, kept: [] };
}

function addition({ path, bytes }: LineFile, content: Buffer | undefined) {
  const isThere = bytes !== undefined;
  const action = content === undefined ? (isThere ? "unchanged" : "absent") : isThere ? "changed" : "created";
  return { path, content, action, overwrites: false } as const;
}
