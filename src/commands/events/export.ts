import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Delivery, type HeaderPair, headerValue, mediaType, splitUrl } from "../../body/delivery.ts";
import { formFields } from "../../body/payload.ts";
import { appUrl, type ListenAddress, withQueryOf } from "../../body/target-url.ts";
import type { Context } from "../../context.ts";
import { isHopByHop } from "../../forward/request.ts";
import { eventLine } from "../../reports/event.ts";
import { cutText } from "../../reports/layout.ts";
import { isBodyCut } from "../../store/retention.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { AtomicFile, danglingLinkTarget, isDevice, writeErrorText } from "../../util/files.ts";
import { type JsonLine, jsonLine, jsonText, plain } from "../../util/text.ts";
import { hasLostReader, stoppedBy } from "../../util/timing.ts";
import { counted } from "../../util/units.ts";
import { curlCommand } from "../helpers/curl-command.ts";
import { projectProducts } from "../helpers/products.ts";
import { roomOnStdout } from "../helpers/room-on-stdout.ts";
import { runningAddress } from "../helpers/running-listener.ts";
import { DamageReport, entryEvent, hiddenSecrets, type LoggedEvent } from "./entry.ts";
import { emptyMessage } from "./list.ts";
import {
  type FilterOptions,
  isFiltered,
  type LogOptions,
  parseNumber,
  readFilter,
  requireEntry,
  requireWholeBody,
  withLog,
} from "./options.ts";

export interface ExportOptions extends FilterOptions, LogOptions {
  readonly format: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly to?: string;
}

/** Writes deliveries to stdout or a file, the oldest first. */
export async function exportEvents(
  context: Context,
  which: string | undefined,
  given: ExportOptions,
): Promise<ExitCode> {
  const { out: named, ...rest } = given;
  const options: ExportOptions = named === undefined || named === "-" ? rest : { ...rest, out: named };
  const { out, force = false, to } = options;
  const make = exportFormats.get(options.format);
  if (make === undefined) {
    const known = [...exportFormats.keys()].join(", ");
    throw usageError(`--format: there is no format ${JSON.stringify(options.format)}`, `formats: ${known}`);
  }
  if (to !== undefined && options.format !== "curl") throw usageError("--to is for --format curl only");
  if (force && out === undefined) throw usageError("--force does nothing without --out");
  if (which !== undefined && isFiltered(options))
    throw usageError("a number and filters cannot be combined", "leave one of them out");
  const n = which === undefined ? undefined : parseNumber(which);
  const products = await projectProducts(context, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log, config) => {
    const running = options.format === "curl" ? await runningAddress(context, config) : undefined;
    const listener = { ...config.settings, ...running };
    const format = make(listener, to);
    const file = out === undefined ? undefined : createWholeFile(context.cwd, out, force);
    const hidden = hiddenSecrets(context, options);
    const sink = openSink(context, format, file && ((text) => file.write(hidden?.mask(text) ?? text)));
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    let [count, masked, cut] = [0, 0, 0];
    try {
      const entries =
        n === undefined ? log.entries(filter, { order: "oldest", onDamaged }) : [await requireEntry(log, n)];
      for await (const entry of entries) {
        await roomOnStdout(context);
        // `| head` closes the pipe once it has enough.
        if (hasLostReader(context.signal)) return ExitCode.ok;
        if (context.signal.aborted)
          throw usageError(`${stoppedBy(context.signal)} after ${counted(count, "delivery", "deliveries")}`);
        if (format.isForWholeBodies && isBodyCut(entry)) {
          if (n !== undefined) requireWholeBody(entry);
          cut++;
          continue;
        }
        const event = entryEvent(products, entry, hidden);
        sink.add(event);
        count++;
        if (event.logged.masked) masked++;
      }
      sink.end();
      file?.finish();
    } finally {
      file?.dispose();
    }
    damage.report();
    reportCounts(context, options, log.path, { count, masked, cut });
    return damage.exitCode;
  });
}

interface Sink {
  add(event: LoggedEvent): void;
  end(): void;
}

/** `writeFile`: undefined for stdout. */
function openSink(context: Context, format: ExportFormat, writeFile: ((text: string) => void) | undefined): Sink {
  const { line } = format;
  if (writeFile === undefined && context.json && line !== undefined) {
    return { add: (event) => context.report({ type: "text", text: "", json: line(event) }), end() {} };
  }
  if (writeFile === undefined && context.json) return documentSink(context, format);
  const write = writeFile ?? ((text: string) => context.report({ type: "text", text }));
  let started = false;
  return {
    add(event) {
      write((started ? format.between : format.start) + format.item(event));
      started = true;
    },
    end() {
      const text = (started ? "" : format.start) + format.end;
      if (text !== "") write(text);
    },
  };
}

/** The whole document is one JSON line. */
function documentSink(context: Context, format: ExportFormat): Sink {
  const items: string[] = [];
  return {
    add: (event) => void items.push(format.item(event)),
    end() {
      const json: unknown = JSON.parse(format.start + items.join(format.between) + format.end);
      context.report({ type: "text", text: "", json: { ...(typeof json === "object" ? json : {}) } });
    },
  };
}

function reportCounts(
  context: Context,
  options: ExportOptions,
  path: string,
  { count, masked, cut }: { readonly count: number; readonly masked: number; readonly cut: number },
): void {
  const { out, format } = options;
  if (out !== undefined) {
    context.report({
      type: "text",
      text: `${counted(count, "delivery", "deliveries")} written to ${out}\n`,
      json: { type: "exported", format, file: out, count, masked },
    });
  } else if (count === 0) context.report({ type: "notice", message: emptyMessage(options, path) });
  if (cut > 0) {
    const which = counted(cut, "delivery was", "deliveries were");
    context.report({ type: "notice", message: `${which} left out: rejected, and only the start of the body was kept` });
  }
  if (masked > 0) {
    context.report({
      type: "notice",
      message: `secrets are masked in ${masked} of them, so they cannot be verified; --show-secrets exports everything as it came`,
    });
  }
}

/** A file format, written delivery by delivery. */
interface ExportFormat {
  readonly start: string;
  readonly between: string;
  readonly end: string;
  /** It is sent again, so a body of which only the start was kept is of no use. */
  readonly isForWholeBodies?: boolean;
  item(event: LoggedEvent): string;
  /** With `--json`; undefined where all deliveries are one document. */
  line?(event: LoggedEvent): JsonLine;
}

type MakeFormat = (listener: ListenAddress, to: string | undefined) => ExportFormat;

const exportFormats: ReadonlyMap<string, MakeFormat> = new Map<string, MakeFormat>([
  [
    "ndjson",
    () => ({
      start: "",
      between: "",
      end: "",
      item: (event) => jsonLine({ v: 1, ...eventLine(event) }),
      line: eventLine,
    }),
  ],
  [
    "curl",
    (listener, to) => ({
      start: "",
      between: "\n",
      end: "",
      isForWholeBodies: true,
      item: (event) => `# ${commentOf(event)}\n${curl(event, listener, to)}\n`,
      line: (event) => ({ type: "curl", n: event.n, command: curl(event, listener, to) }),
    }),
  ],
  ["har", () => ({ ...HAR_FRAME, between: ",\n", item: (event) => jsonText(harEntry(event)) })],
]);

function commentOf({ n, at, receipt, logged }: LoggedEvent): string {
  const masked = logged.masked ? ", with secrets masked" : "";
  // A line break in a name would end the comment.
  return plain(`#${n} ${at.toISOString()} ${receipt.product ?? "?"} ${receipt.event ?? ""}${masked}`);
}

/** Without the headers of the old connection: curl sets its own. */
function curl(
  { method, path, headers, body, receipt }: LoggedEvent,
  listener: ListenAddress,
  to: string | undefined,
): string {
  // A sender may have written another server into the request line.
  const target = to ?? splitUrl(path).path.replace(/^(?!\/)/, "/");
  const url = withQueryOf(path, appUrl(target, receipt.product ?? "unknown", listener));
  const delivery: Delivery = { method, url, headers: headers.filter(([name]) => !isHopByHop(name)), body };
  return curlCommand(delivery, { insecure: false });
}

/** Before and after the entries. */
const HAR_FRAME = {
  start: '{"log":{"version":"1.2","creator":{"name":"zoho-hooks","version":"1"},"entries":[\n',
  end: "\n]}}\n",
};

/**
 * A delivery and its answer as an entry of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/). A binary body is
 * base64, marked by `_encoding`; forwarding is in `_attempts`. The log does not have the time that the answer took, so times
 * are 0.
 */
function harEntry(event: LoggedEvent): Readonly<Record<string, unknown>> {
  const { headers, method, path, body, status = 0 } = event;
  const { cutTo } = event.logged;
  const cut = cutTo === undefined ? "" : `; ${cutText(cutTo, "its body")}`;
  const host = headerValue({ headers }, "host") ?? "localhost";
  return {
    startedDateTime: event.at.toISOString(),
    time: 0,
    request: {
      method,
      url: /^[a-z]+:\/\//i.test(path) ? path : `http://${host}${path}`,
      httpVersion: "HTTP/1.1",
      cookies: [],
      headers: headers.map(nameAndValue),
      queryString: formFields(splitUrl(path).query).map(nameAndValue),
      ...(body.length === 0 ? {} : { postData: postData(headers, body) }),
      headersSize: -1,
      bodySize: cutTo === undefined ? body.length : event.logged.bytes,
    },
    response: {
      status,
      statusText: "",
      httpVersion: "HTTP/1.1",
      cookies: [],
      headers: [],
      content: { size: -1, mimeType: "text/plain", ...(event.refusal === undefined ? {} : { text: event.refusal }) },
      redirectURL: "",
      headersSize: -1,
      bodySize: -1,
    },
    cache: {},
    timings: { send: 0, wait: 0, receive: 0 },
    ...(event.logged.remote === undefined ? {} : { _remoteAddress: event.logged.remote }),
    comment: `#${event.n} ${event.receipt.product ?? "?"} ${event.receipt.event ?? "unrecognised"}: ${event.logged.state}${cut}`,
    _attempts: event.logged.attempts.map(({ target, at, status: answer, latencyMs, error }) => ({
      target,
      startedDateTime: at.toISOString(),
      time: latencyMs,
      status: answer ?? 0,
      ...(error === undefined ? {} : { error }),
    })),
  };
}

function nameAndValue([name, value]: HeaderPair): { name: string; value: string } {
  return { name, value };
}

function postData(headers: readonly HeaderPair[], body: Buffer): Readonly<Record<string, unknown>> {
  const mimeType = headerValue({ headers }, "content-type") ?? "application/octet-stream";
  const text = body.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(body)) {
    return { mimeType, params: [], text: body.toString("base64"), _encoding: "base64" };
  }
  const isForm = mediaType({ method: "", url: "", headers, body }) === "application/x-www-form-urlencoded";
  return { mimeType, params: isForm ? formFields(text).map(nameAndValue) : [], text };
}

/** A file that is written in pieces and appears only when it is complete. */
interface WholeFile {
  write(text: string): void;
  /** Moves it into place. */
  finish(): void;
  /** Removes what is unfinished. */
  dispose(): void;
}

/**
 * Readable by its owner only, since deliveries hold personal data. Overwrites a file only with `--force`, never a folder;
 * writes through a device or a pipe. A link stays a link.
 */
function createWholeFile(cwd: string, name: string, overwrite: boolean): WholeFile {
  const given = resolve(cwd, name);
  const old = existsSync(given) ? statSync(given) : undefined;
  if (old?.isDirectory()) throw usageError(`${name} is a folder`, "name a file, or write to standard output: --out -");
  const target = danglingLinkTarget(given);
  if (target !== undefined)
    throw usageError(`${name} is a link to ${target}, which does not exist`, "create that file, or name another one");
  if (!overwrite && old !== undefined && !isDevice(given))
    throw usageError(`${name} already exists`, "--force overwrites it");
  const orExplain = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!existsSync(dirname(given)))
        throw usageError(
          `${name} cannot be written: there is no folder ${dirname(given)}`,
          "create it, or choose another file",
        );
      throw usageError(`${name} cannot be written: ${writeErrorText(error)}`, "choose another file with --out");
    }
  };
  // Deliveries hold data of people: only the owner may read them.
  const file = orExplain(() => new AtomicFile(given, { mode: 0o600, keepMode: false }));
  return {
    write: (text) => orExplain(() => file.write(text)),
    finish: () => orExplain(() => file.commit()),
    dispose: () => file.discard(),
  };
}
