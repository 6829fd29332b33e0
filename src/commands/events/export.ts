import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Delivery, type HeaderPair, headerValue, mediaType, splitUrl } from "../../body/delivery.ts";
import { formFields } from "../../body/payload.ts";
import { targetUrl, withQueryOf } from "../../body/target-url.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { isHopByHop } from "../../forward/request.ts";
import { type EventReport, eventLine, type KeptFacts } from "../../reports/event.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { AtomicFile, danglingLinkTarget, isDevice, writeErrorText } from "../../util/files.ts";
import { type JsonLine, jsonLine } from "../../util/text.ts";
import { hasLostReader, stoppedBy } from "../../util/timing.ts";
import { counted } from "../../util/units.ts";
import { curlCommand } from "../helpers/curl-command.ts";
import { projectProducts } from "../helpers/products.ts";
import { DamageReport, entryEvent, type KeptEvent } from "./entry.ts";
import { nothing } from "./list.ts";
import {
  type FilterOptions,
  isFiltered,
  type LogOptions,
  parseNumber,
  readFilter,
  requireEntry,
  withLog,
} from "./options.ts";
import { roomOnStdout } from "./tail.ts";

interface ExportOptions extends FilterOptions, LogOptions {
  readonly format: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly to?: string;
}

/** Writes deliveries, the oldest first, to stdout or into a file of their own. */
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
    throw usageError("a number and filters exclude each other", "leave one of them out");
  const n = which === undefined ? undefined : parseNumber(which);
  const products = await projectProducts(context);
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log, { settings }) => {
    const format = make(settings, to);
    const file = out === undefined ? undefined : createWholeFile(context.cwd, out, force);
    const sink = openSink(context, format, file);
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    let [count, masked] = [0, 0];
    try {
      const entries =
        n === undefined ? log.entries(filter, { order: "oldest", onDamaged }) : [await requireEntry(log, n)];
      for await (const entry of entries) {
        await roomOnStdout(context);
        // As `| head` does, once it has enough.
        if (hasLostReader(context.signal)) return ExitCode.ok;
        if (context.signal.aborted) throw usageError(`${stoppedBy(context.signal)} after ${count} of the deliveries`);
        const event = entryEvent(products, entry, options.showSecrets);
        sink.add(event);
        count++;
        if (event.kept.masked) masked++;
      }
      sink.end();
      file?.finish();
    } finally {
      file?.dispose();
    }
    damage.report();
    tell(context, options, log.path, count, masked);
    return damage.exitCode;
  });
}

interface Sink {
  add(event: KeptEvent): void;
  end(): void;
}

function openSink(context: Context, format: ExportFormat, file: WholeFile | undefined): Sink {
  const { line } = format;
  if (file === undefined && context.json && line !== undefined) {
    return { add: (event) => context.report({ type: "text", text: "", json: line(event) }), end() {} };
  }
  if (file === undefined && context.json) return documentSink(context, format);
  const write = file?.write ?? ((text: string) => context.report({ type: "text", text }));
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

/** One document is one JSON line, so it has to be whole before it is said. */
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

function tell(context: Context, options: ExportOptions, path: string, count: number, masked: number): void {
  const { out, format } = options;
  if (out !== undefined) {
    context.report({
      type: "text",
      text: `${counted(count, "delivery", "deliveries")} written to ${out}\n`,
      json: { type: "exported", format, file: out, count, masked },
    });
  } else if (count === 0) context.report({ type: "notice", message: nothing(options, path) });
  if (masked > 0) {
    context.report({
      type: "notice",
      message: `secrets are masked in ${masked} of them, so they cannot be verified; --show-secrets exports everything as it came`,
    });
  }
}

/** How deliveries are written, one after the other. */
interface ExportFormat {
  readonly start: string;
  readonly between: string;
  readonly end: string;
  item(event: KeptEvent): string;
  /** The JSON line of one; undefined where all of them are one document. */
  line?(event: KeptEvent): JsonLine;
}

type MakeFormat = (settings: Config["settings"], to: string | undefined) => ExportFormat;

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
    (settings, to) => ({
      start: "",
      between: "\n",
      end: "",
      item: (event) => `# ${commentOf(event)}\n${curl(event, settings, to)}\n`,
      line: (event) => ({ type: "curl", n: event.n, command: curl(event, settings, to) }),
    }),
  ],
  ["har", () => ({ ...HAR_FRAME, between: ",\n", item: (event) => JSON.stringify(harEntry(event)) })],
]);

function commentOf({ n, at, receipt, kept }: KeptEvent): string {
  const masked = kept.masked ? ", with secrets masked" : "";
  // A line break in a name would end the comment.
  return `#${n} ${at.toISOString()} ${receipt.product ?? "?"} ${receipt.event ?? ""}${masked}`.replace(/\p{Cc}/gu, " ");
}

/** Without what belongs to the connection it came by, which curl sets for its own. */
function curl(
  { method, path, headers, body, receipt }: KeptEvent,
  settings: Config["settings"],
  to: string | undefined,
): string {
  const product = receipt.product ?? "unknown";
  const url =
    to === undefined ? targetUrl(path, product, settings) : withQueryOf(path, targetUrl(to, product, settings));
  const kept = headers.filter(([name]) => !isHopByHop(name));
  const delivery: Delivery = { method, url, headers: kept, body };
  return curlCommand(delivery, { insecure: false });
}

/** What stands before and behind the entries, which have commas between them. */
const HAR_FRAME = {
  start: '{"log":{"version":"1.2","creator":{"name":"zoho-hooks","version":"1"},"entries":[\n',
  end: "\n]}}\n",
};

/**
 * A received delivery and its answer as an entry of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/). A body
 * that is no text is base64, said in `_encoding`; what became of it stands in `_attempts`. How long the answer took is
 * not in the log, so the times are 0.
 */
function harEntry(event: EventReport & { readonly kept: KeptFacts }): Readonly<Record<string, unknown>> {
  const { headers, method, path, body, status = 0 } = event;
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
      bodySize: body.length,
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
    ...(event.kept.remote === undefined ? {} : { _remoteAddress: event.kept.remote }),
    comment: `#${event.n} ${event.receipt.product ?? "?"} ${event.receipt.event ?? "unrecognised"}: ${event.kept.state}`,
    _attempts: event.kept.attempts.map(({ target, at, status: answer, latencyMs, error }) => ({
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

/** A file that is written piece by piece and is there only once it is whole. */
interface WholeFile {
  write(text: string): void;
  /** Puts it in its place. */
  finish(): void;
  /** Leaves nothing behind, unless it is finished. */
  dispose(): void;
}

/** Replaces another file only with `--force`, and never a folder. */
function createWholeFile(cwd: string, name: string, overwrite: boolean): WholeFile {
  const given = resolve(cwd, name);
  const old = existsSync(given) ? statSync(given) : undefined;
  if (old?.isDirectory()) throw usageError(`${name} is a folder`, "name a file, or write to standard output: --out -");
  const target = danglingLinkTarget(given);
  if (target !== undefined)
    throw usageError(`${name} is a link to ${target}, which is not there`, "make that file, or name another one");
  if (!overwrite && old !== undefined && !isDevice(given))
    throw usageError(`${name} exists already`, "--force overwrites it");
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
