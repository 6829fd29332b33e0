import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { projectProducts } from "../custom/project-products.ts";
import { curlCommand } from "../delivery/curl-command.ts";
import { splitUrl } from "../delivery/delivery.ts";
import { appPaths, findAppPath } from "../delivery/paths.ts";
import { appUrl, type ListenAddress, targetFor } from "../delivery/target.ts";
import { isHopByHop } from "../forward/request.ts";
import { isBodyCut } from "../log/retention.ts";
import { waitForDrain } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { eventLine } from "../receiver/event-report.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { AtomicFile, danglingLinkTarget, isDevice, writeErrorText } from "../util/files.ts";
import { type JsonLine, jsonLine, plain } from "../util/text.ts";
import { isStdoutClosed, stoppedBy } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import { DamageReport, entryEvent, hiddenSecrets, type LoggedEvent } from "./entry.ts";
import { emptyMessage, type FilterOptions, isFiltered, readFilter } from "./filter.ts";
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
  options: ExportOptions,
): Promise<ExitCode> {
  const { force = false, to } = options;
  const out = options.out === "-" ? undefined : options.out;
  const format = FORMATS.get(options.format);
  if (format === undefined) {
    const known = [...FORMATS.keys()].join(", ");
    throw usageError(`--format: there is no format ${JSON.stringify(options.format)}`, `formats: ${known}`);
  }
  if (to !== undefined && options.format !== "curl") throw usageError("--to is for --format curl only");
  if (force && out === undefined) throw usageError("--force does nothing without --out");
  if (which !== undefined && isFiltered(options))
    throw usageError("a number and filters cannot be combined", "leave one of them out");
  const n = which === undefined ? undefined : parseNumber(which);
  const config = loadConfig(context, { flags: { store: options.store } });
  const products = await projectProducts(config, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  return withLog(context, config, async (log) => {
    const running = options.format === "curl" ? await runningAddress(context, config) : undefined;
    const target = { listener: { ...config.settings, ...running }, to };
    const file = out === undefined ? undefined : createWholeFile(context.cwd, out, force);
    const hidden = hiddenSecrets(context, options);
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    const counts = { count: 0, masked: 0, cut: 0 };
    try {
      const entries =
        n === undefined ? log.entries(filter, { order: "oldest", onDamaged }) : [await requireEntry(log, n)];
      for await (const entry of entries) {
        await waitForDrain(context);
        // `| head` closes the pipe once it has enough.
        if (isStdoutClosed(context.signal)) return ExitCode.ok;
        if (context.signal.aborted)
          throw usageError(`${stoppedBy(context.signal)} after ${counted(counts.count, "delivery", "deliveries")}`);
        if (format.isForWholeBodies && isBodyCut(entry)) {
          if (n !== undefined) requireWholeBody(entry);
          counts.cut++;
          continue;
        }
        const event = entryEvent(products, entry, hidden);
        if (file === undefined && context.json) {
          context.report({ type: "text", text: "", json: format.line(event, target) });
        } else {
          const text = (counts.count === 0 ? "" : format.between) + format.item(event, target);
          if (file === undefined) context.report({ type: "text", text });
          else file.write(hidden?.mask(text) ?? text);
        }
        counts.count++;
        if (event.logged.masked) counts.masked++;
      }
      file?.finish();
    } finally {
      file?.dispose();
    }
    damage.report();
    reportCounts(context, { ...options, out }, emptyMessage(options, filter, log.path), counts);
    return damage.exitCode;
  });
}

function reportCounts(
  context: Context,
  options: ExportOptions,
  empty: string,
  { count, masked, cut }: { readonly count: number; readonly masked: number; readonly cut: number },
): void {
  const { out: file, format } = options;
  const notice = (message: string): void => context.report({ type: "notice", message });
  if (file !== undefined) {
    const text = `${counted(count, "delivery", "deliveries")} written to ${file}\n`;
    context.report({ type: "text", text, prose: true, json: { type: "exported", format, file, count, masked } });
  } else if (count === 0) notice(empty);
  const left = counted(cut, "delivery was", "deliveries were");
  if (cut > 0) notice(`${left} left out: rejected, and only the start of the body was kept`);
  if (masked > 0)
    notice(
      `secrets are masked in ${masked} of them, so they cannot be verified; --show-secrets exports everything as it came`,
    );
}

interface CurlTarget {
  readonly listener: ListenAddress;
  readonly to: string | undefined;
}

interface ExportFormat {
  /** Written between two deliveries. */
  readonly between: string;
  /** It is sent again, so a body of which only the start was kept is of no use. */
  readonly isForWholeBodies: boolean;
  item(event: LoggedEvent, target: CurlTarget): string;
  /** With `--json`. */
  line(event: LoggedEvent, target: CurlTarget): JsonLine;
}

const NDJSON: ExportFormat = {
  between: "",
  isForWholeBodies: false,
  item: (event) => jsonLine({ v: 1, ...eventLine(event) }),
  line: eventLine,
};

const CURL: ExportFormat = {
  between: "\n",
  isForWholeBodies: true,
  item: (event, target) => `# ${commentOf(event)}\n${curl(event, target)}\n`,
  line: (event, target) => ({ type: "curl", n: event.n, command: curl(event, target) }),
};

const FORMATS = new Map([
  ["ndjson", NDJSON],
  ["curl", CURL],
]);

function commentOf({ n, at, receipt, logged }: LoggedEvent): string {
  const masked = logged.masked ? ", with secrets masked" : "";
  // A line break in a name would end the comment.
  return plain(`#${n} ${at.toISOString()} ${receipt.product ?? "?"} ${receipt.event ?? ""}${masked}`);
}

/** Without the headers of the old connection: curl sets its own. */
function curl({ method, path, headers, body, receipt }: LoggedEvent, { listener, to }: CurlTarget): string {
  // A sender may have written another server into the request line.
  const target = to ?? splitUrl(path).path.replace(/^(?!\/)/, "/");
  const appPath = findAppPath(appPaths(listener.paths ?? []), path)?.path;
  const url = targetFor(path, appUrl(target, receipt.product ?? "unknown", listener, "--to", appPath));
  const own = headers.filter(([name]) => !isHopByHop(name));
  return curlCommand({ method, url, headers: own, body }, { insecure: false });
}

/**
 * A file that is written in pieces and appears only when it is finished. Readable by its owner only, since deliveries hold
 * personal data. Overwrites a file only with `--force`, never a folder; writes through a device or a pipe. A link stays a link.
 */
function createWholeFile(cwd: string, name: string, overwrite: boolean) {
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
  const file = orExplain(() => new AtomicFile(given, { mode: 0o600, keepMode: false }));
  return {
    write: (text: string) => orExplain(() => file.write(text)),
    finish: () => orExplain(() => file.commit()),
    /** Removes what is unfinished. */
    dispose: () => file.discard(),
  };
}
