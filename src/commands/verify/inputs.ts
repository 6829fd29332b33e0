import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import type { VerifiedReport } from "../../core/report.ts";
import type { SecretOptions } from "../options.ts";

interface InputOptions extends SecretOptions {
  readonly logged?: string;
  readonly store?: string;
}

/** Loaded only then: nothing else that checks a payload needs a log. */
export async function readLogged(context: Context, files: readonly string[], { logged, store }: InputOptions) {
  if (logged === undefined && store !== undefined) throw usageError("--store does nothing without --logged");
  if (logged === undefined) return undefined;
  if (files.length > 0) throw usageError("--logged and a file exclude each other", "leave one of them out");
  const { loggedPayload, withoutSecrets } = await import("./logged-payload.ts");
  const { file, payload } = await loggedPayload(context, logged, store);
  return { file, payload, shown: (report: VerifiedReport) => withoutSecrets(report, payload) };
}

/** The files that are named, `-` for standard input. */
export function inputNames(context: Context, files: readonly string[], options: InputOptions): readonly string[] {
  const names = files.length > 0 ? files : ["-"];
  if (!names.includes("-")) return names;
  if (files.length === 0 && context.stdin.isTTY) {
    throw usageError("there is nothing to verify", "name a file, or pipe a payload in: zoho-hooks verify payload.json");
  }
  if (options.secretFile === "-" || options.tokenFile === "-")
    throw usageError("standard input cannot be both the payload and a secret", "put one of them into a file");
  return names;
}
