import type { Context } from "../../context.ts";
import { ExitCode, usageError } from "../../core/errors.ts";
import { hasLostReader, stoppedBy } from "../../core/stopped-by.ts";
import { counted } from "../../core/units.ts";
import { projectProducts } from "../configured-products.ts";
import { DamageTeller } from "./damage-teller.ts";
import { entryEvent, type KeptEvent } from "./entry-event.ts";
import { type ExportFormat, exportFormats } from "./export-formats.ts";
import { type FilterOptions, isFiltered, readFilter } from "./filter-flags.ts";
import { nothing } from "./list.ts";
import { type LogOptions, parseNumber, requireEntry, withLog } from "./open-log.ts";
import { roomOnStdout } from "./room-on-stdout.ts";
import { createWholeFile, type WholeFile } from "./whole-file.ts";

export interface ExportOptions extends FilterOptions, LogOptions {
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
    const damage = new DamageTeller(context);
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
    damage.tell();
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
