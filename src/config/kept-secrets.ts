import { statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { atMostEvery } from "../core/at-most-every.ts";
import { usageError } from "../core/errors.ts";
import type { OfferedSecret } from "../core/product.ts";
import { type Secret, secret } from "../core/secret.ts";
import { readText } from "./json-file.ts";
import { refuseLinks, writeOwnFile } from "./own-file.ts";
import { writeWholeFile } from "./write-file.ts";

/** Keys and secrets that the tool itself has to keep, below a project's root. It is never part of a commit. */
export const KEYS_FOLDER = join(".zoho-hooks", "keys");
/** The file that they lie in, by which they are called. */
export const KEPT_IN = join(KEYS_FOLDER, "hook-secrets.json");

/** Nothing is made and used in less; thousands of deliveries a second are not held up. */
const LOOK_EVERY_MS = 2;

/** By product, then by credential. */
function keptFile() {
  return z.record(z.string(), z.record(z.string(), z.string().min(1)));
}

/** Secrets that senders have handed over when their webhooks were set up, or that Zoho was given to sign with. */
export interface KeptSecrets {
  find(product: string, credential: string): Secret | undefined;
  all(): readonly Secret[];
  /** Writes it down at once and returns the file's name. Throws a usage error when it cannot. */
  keep(product: string, offered: OfferedSecret): string;
}

export function readKeptSecrets(root: string): KeptSecrets {
  const path = join(root, KEPT_IN);
  // Asked before the reading: a change in between is then seen.
  let changedMs = changeOf(path);
  let kept = read(path);
  // Another process may keep one meanwhile: `webhooks create` while `listen` runs.
  const look = (): void => {
    const nowChangedMs = changeOf(path);
    if (nowChangedMs !== changedMs) kept = readOr(path, kept);
    changedMs = nowChangedMs;
  };
  const lookNowAndThen = atMostEvery(LOOK_EVERY_MS, Date.now, look);
  const current = (): typeof kept => {
    lookNowAndThen();
    return kept;
  };
  const asSecret = (value: string): Secret => secret(value, KEPT_IN);
  return {
    find(product, credential) {
      const value = current()[product]?.[credential];
      return value === undefined ? undefined : asSecret(value);
    },
    all: () => Object.values(current()).flatMap((each) => Object.values(each).map(asSecret)),
    keep(product, { credential, value }) {
      look();
      const all = { ...kept, [product]: { ...kept[product], [credential]: value } };
      ignoreKeys(root);
      writeOwnFile(root, path, `${JSON.stringify(all, undefined, 2)}\n`);
      kept = all;
      changedMs = undefined;
      return KEPT_IN;
    },
  };
}

/** Keeps git away from the folder of keys, whatever the project's own rules say. */
export function ignoreKeys(root: string): void {
  const path = join(root, KEYS_FOLDER, ".gitignore");
  refuseLinks(root, path);
  const isIgnored = readText(path)?.split(/\r?\n/).includes("*") === true;
  if (!isIgnored) writeWholeFile(path, "*\n");
}

function changeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    // A file where its folder should be: reading it says so, where that matters.
    return undefined;
  }
}

/** A file that was damaged after it was read takes nothing away from a run. */
function readOr(path: string, before: z.infer<ReturnType<typeof keptFile>>): typeof before {
  try {
    return read(path);
  } catch {
    return before;
  }
}

function read(path: string): z.infer<ReturnType<typeof keptFile>> {
  const text = readText(path);
  if (text === undefined) return {};
  try {
    return keptFile().parse(JSON.parse(text));
  } catch {
    throw usageError(`${path} is damaged`, "restore it; or delete it, and set the webhooks up again");
  }
}
