import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { projectProducts } from "../custom/project-products.ts";
import { curlCommand } from "../delivery/curl-command.ts";
import { type Delivery, splitUrl } from "../delivery/delivery.ts";
import { appUrl, type ListenAddress, withQueryOf } from "../delivery/target-url.ts";
import { isHopByHop } from "../forward/request.ts";
import { isBodyCut } from "../log/retention.ts";
import { waitForDrain } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { eventLine } from "../receiver/event-report.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { AtomicFile, danglingLinkTarget, isDevice, writeErrorText } from "../util/files.ts";
import { type JsonLine, jsonLine, plain } from "../util/text.ts";
import { isStdoutClosed, stoppedBy } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import { emptyMessage } from "./empty-message.ts";
import { DamageReport, entryEvent, hiddenSecrets, type LoggedEvent } from "./entry.ts";
import { type FilterOptions, isFiltered, readFilter } from "./filter.ts";
import { type LogOptions, parseNumber, requireEntry, requireWholeBody, withLog } from "./open-log.ts";
import { runningAddress } from "./running-listener.ts";

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
    let [count, masked, cut] = [0, 0, 0];
    const write = (event: LoggedEvent): void => {
      if (file === undefined && context.json) {
        context.report({ type: "text", text: "", json: format.line(event) });
      } else {
        const text = (count === 0 ? "" : format.between) + format.item(event);
        if (file === undefined) context.report({ type: "text", text });
        else file.write(hidden?.mask(text) ?? text);
      }
    };
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    try {
      const entries =
        n === undefined ? log.entries(filter, { order: "oldest", onDamaged }) : [await requireEntry(log, n)];
      for await (const entry of entries) {
        await waitForDrain(context);
        // `| head` closes the pipe once it has enough.
        if (isStdoutClosed(context.signal)) return ExitCode.ok;
        if (context.signal.aborted)
          throw usageError(`${stoppedBy(context.signal)} after ${counted(count, "delivery", "deliveries")}`);
        if (format.isForWholeBodies && isBodyCut(entry)) {
          if (n !== undefined) requireWholeBody(entry);
          cut++;
          continue;
        }
        const event = entryEvent(products, entry, hidden);
        write(event);
        count++;
        if (event.logged.masked) masked++;
      }
      file?.finish();
    } finally {
      file?.dispose();
    }
    damage.report();
    reportCounts(context, options, log.path, { count, masked, cut });
    return damage.exitCode;
  });
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

interface ExportFormat {
  /** Written between two deliveries. */
  readonly between: string;
  /** It is sent again, so a body of which only the start was kept is of no use. */
  readonly isForWholeBodies: boolean;
  item(event: LoggedEvent): string;
  /** With `--json`. */
  line(event: LoggedEvent): JsonLine;
}

type MakeFormat = (listener: ListenAddress, to: string | undefined) => ExportFormat;

const exportFormats: ReadonlyMap<string, MakeFormat> = new Map<string, MakeFormat>([
  [
    "ndjson",
    () => ({
      between: "",
      isForWholeBodies: false,
      item: (event) => jsonLine({ v: 1, ...eventLine(event) }),
      line: eventLine,
    }),
  ],
  [
    "curl",
    (listener, to) => ({
      between: "\n",
      isForWholeBodies: true,
      item: (event) => `# ${commentOf(event)}\n${curl(event, listener, to)}\n`,
      line: (event) => ({ type: "curl", n: event.n, command: curl(event, listener, to) }),
    }),
  ],
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
