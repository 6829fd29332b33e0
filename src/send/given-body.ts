import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { headerValue } from "../delivery/delivery.ts";
import { usageError } from "../util/errors.ts";
import { readUserFile } from "../util/files.ts";
import {
  type JsonNode,
  lineAndColumn,
  losesDigits,
  parseJson,
  readExact,
  scanJson,
  type TextPosition,
} from "../util/json.ts";
import type { ReportingWorkspace, Workspace } from "../workspace/workspace.ts";
import type { SendPlan } from "./plan.ts";

/** A body given with `--data`. */
export interface GivenBody {
  readonly bytes: Buffer;
  readonly contentType: string;
  /** The bytes as text, where they are valid JSON. */
  readonly json: string | undefined;
  /** Why they are not, for a message: ` (line 1, column 5: …)`. */
  readonly flaw: string;
}

export async function readGivenBody(
  workspace: ReportingWorkspace,
  data: string,
  { headers, readInput }: SendPlan,
): Promise<GivenBody> {
  const bytes = await readBytes(workspace, data, readInput);
  const text = isUtf8(bytes) ? bytes.toString("utf8") : undefined;
  const parsed = text === undefined ? undefined : parseJson(text);
  const declared = headerValue({ headers }, "content-type");
  if (parsed?.ok) return { bytes, contentType: declared ?? "application/json", json: text, flaw: "" };
  const flaw = text === undefined ? "" : flawOf(text, parsed);
  const guessed = text === undefined ? "application/octet-stream" : "text/plain; charset=utf-8";
  if (declared === undefined) {
    refuseForgottenAt(workspace, data);
    workspace.report({
      type: "warning",
      message: `the body is not JSON${flaw}: it is sent as ${guessed}`,
      hint: 'to change that, use -H "content-type: …"',
    });
  }
  return { bytes, contentType: declared ?? guessed, json: undefined, flaw };
}

function flawOf(text: string, parsed: ReturnType<typeof parseJson> | undefined): string {
  if (text.startsWith("\uFEFF")) return " (it starts with a byte order mark)";
  if (parsed === undefined || parsed.ok || !/^\s*[{[]/.test(text)) return "";
  const { reason, position } = parsed;
  return ` (${position === undefined ? "" : `line ${position.line}, column ${position.column}: `}${reason})`;
}

async function readBytes({ cwd }: Workspace, data: string, readInput: SendPlan["readInput"]): Promise<Buffer> {
  if (readInput !== undefined && (data === "-" || data === "@-")) return readInput();
  if (data === "@")
    throw usageError("--data @ names no file", "write it as --data @body.json, or - for standard input");
  return data.startsWith("@") ? readUserFile(cwd, data.slice(1)) : Buffer.from(data);
}

function refuseForgottenAt(workspace: ReportingWorkspace, data: string): void {
  const mayBeName = data !== "" && data.length <= 1000 && !/^(?:-$|@)/.test(data);
  if (!mayBeName || !existsSync(resolve(workspace.cwd, data))) return;
  throw usageError(
    `--data ${JSON.stringify(data)} is not JSON, but there is a file of that name`,
    `read it with --data @${data}`,
  );
}

/** The body as data, with all digits, to be changed. */
export function asData({ json, flaw }: GivenBody, flag: string): unknown {
  if (json === undefined) throw usageError(`${flag} needs a body that is valid JSON${flaw}`);
  return readExact(json);
}

/** Warns where a handler that hashes the parsed and re-serialised body will reject these bytes. */
export function warnOfReserialising(workspace: ReportingWorkspace, { json }: GivenBody, signed: boolean): void {
  if (json === undefined || JSON.stringify(JSON.parse(json)) === json) return;
  const loss = firstLoss(json);
  const lost =
    loss === undefined
      ? ""
      : `; the number at line ${loss.line}, column ${loss.column} loses digits, since it is beyond 2^53`;
  if (!signed && loss === undefined) return;
  workspace.report({
    type: "warning",
    message: `parsing and serialising this body again changes its bytes${lost}`,
    hint: "an app that hashes JSON.stringify(req.body), as the guide's handler does, will reject its signature: hash the raw bytes",
  });
}

/** The place of the first number that `JSON.parse` changes. */
function firstLoss(json: string): TextPosition | undefined {
  const find = ({ kind, start, end, children }: JsonNode): number | undefined => {
    if (kind === "number") return losesDigits(json.slice(start, end)) ? start : undefined;
    for (const { node } of children) {
      const found = find(node);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const offset = find(scanJson(json));
  return offset === undefined ? undefined : lineAndColumn(json, offset);
}
