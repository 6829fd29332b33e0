import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Context } from "../../context.ts";
import { headerValue } from "../../core/delivery.ts";
import { usageError } from "../../core/errors.ts";
import { lineAndColumn, parseJson, scanJson } from "../../core/json-text.ts";
import { readUserFile } from "../options.ts";
import type { SendPlan } from "./plan.ts";

/** A body given with `--data`. */
export interface OwnBody {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** The bytes as text, where they are valid JSON. */
  readonly json: string | undefined;
}

export async function readOwnBody(context: Context, data: string, headers: SendPlan["headers"]): Promise<OwnBody> {
  const bytes = await readBytes(context, data);
  const text = decode(bytes);
  const json = text !== undefined && parseJson(text).ok ? text : undefined;
  const declared = headerValue({ headers }, "content-type");
  if (json === undefined && declared === undefined) refuseForgottenAt(context, data);
  const guessed =
    json !== undefined
      ? "application/json"
      : text !== undefined
        ? "text/plain; charset=utf-8"
        : "application/octet-stream";
  if (json === undefined && declared === undefined) {
    context.report({
      type: "warning",
      message: `the body is not JSON: it is sent as ${guessed}`,
      hint: 'name its type with -H "content-type: …"',
    });
  }
  return { bytes, contentType: declared ?? guessed, json };
}

async function readBytes(context: Context, data: string): Promise<Buffer> {
  if (data === "-" || data === "@-") return context.stdin.read();
  if (data === "@")
    throw usageError("--data @ names no file", "write it as --data @body.json, or - for standard input");
  return data.startsWith("@") ? readUserFile(context.cwd, data.slice(1)) : Buffer.from(data);
}

function refuseForgottenAt(context: Context, data: string): void {
  const mayBeName = data !== "" && data.length <= 1000 && !/^(?:-$|@)/.test(data);
  if (!mayBeName || !existsSync(resolve(context.cwd, data))) return;
  throw usageError(
    `--data ${JSON.stringify(data)} is not JSON, but there is a file of that name`,
    `read it with --data @${data}`,
  );
}

/**
 * The body as data, to change it. Refuses one with numbers that JavaScript cannot hold, since what it would be
 * written back as is not what it was.
 */
export function asData({ json }: OwnBody, flag: string): unknown {
  if (json === undefined) throw usageError(`${flag} needs a body that is valid JSON`);
  const loss = firstLoss(json);
  if (loss !== undefined) {
    throw usageError(
      `${flag} would write the body anew, and the number at line ${loss.line}, column ${loss.column} has more digits than survive that`,
      "quote it in the file, or make the change there",
    );
  }
  return JSON.parse(json);
}

/** Says what a handler that hashes the parsed and re-serialised body will make of these bytes. */
export function warnOfReserialising(context: Context, { json }: OwnBody, signed: boolean): void {
  if (json === undefined || JSON.stringify(JSON.parse(json)) === json) return;
  const loss = firstLoss(json);
  const lost =
    loss === undefined
      ? ""
      : `; the number at line ${loss.line}, column ${loss.column} loses digits there, as every one past 2^53 does`;
  if (!signed && loss === undefined) return;
  context.report({
    type: "warning",
    message: `parsed and serialised again this body has other bytes${lost}`,
    hint: "an app that hashes JSON.stringify(req.body), as the guide's handler does, will refuse its signature: hash the raw bytes",
  });
}

/** Where the first number stands that is another one after `JSON.parse`. */
function firstLoss(json: string): { line: number; column: number } | undefined {
  const exact = parseJson(json);
  const parsed: unknown = JSON.parse(json);
  if (!exact.ok || JSON.stringify(exact.value) === JSON.stringify(parsed)) return undefined;
  const offset = firstDifference(scanJson(json), exact.value, parsed);
  return offset === undefined ? undefined : lineAndColumn(json, offset);
}

function firstDifference(node: ReturnType<typeof scanJson>, exact: unknown, parsed: unknown): number | undefined {
  if (typeof exact !== "object" || exact === null) return Object.is(exact, parsed) ? undefined : node.start;
  if (typeof parsed !== "object" || parsed === null) return node.start;
  for (const { key, node: child } of node.children) {
    const found = firstDifference(child, Reflect.get(exact, key), Reflect.get(parsed, key));
    if (found !== undefined) return found;
  }
  return undefined;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
