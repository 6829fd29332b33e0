import { relative, resolve } from "node:path";
import { observeLog } from "../history/drift.ts";
import { eventTypeFile, FIRST_LINE, typedEvents } from "../history/event-types.ts";
import { withLog } from "../history/open-log.ts";
import type { Traffic } from "../history/traffic.ts";
import type { Log } from "../log/log.ts";
import { requireProduct } from "../model/named.ts";
import { projectProducts } from "../own-products/project-products.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import type { FileLine } from "../samples/fixtures.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isDevice, readText, writeFileAtomically } from "../util/files.ts";
import type { Define } from "./command.ts";

interface TypesOptions {
  readonly out?: string;
  readonly observed?: boolean;
  readonly force?: boolean;
}

export const define: Define = (command, act) => {
  command
    .argument("[product]", "only this product")
    .option("-o, --out <file>", "write to this file, such as zoho-events.d.ts (default: -, standard output)")
    .option("--observed", "include what was received: your own fields, and types that differ from the schema")
    .option("--force", "overwrite a file that this command did not write")
    .addHelpText(
      "before",
      examples("zoho-hooks types crm --out zoho-events.d.ts", "zoho-hooks types --observed --out src/zoho-events.d.ts"),
    )
    .addHelpText("after", HELP)
    .action(act(types));
};

const HELP = `
Each event's payload gets a type, which is also a member of ZohoEvents: ZohoEvents["crm"]["guide"]["Leads.create"].
A field that was received but is not in the schema is optional.`;

async function types(context: Context, id: string | undefined, options: TypesOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const all = await projectProducts(config, { schemasOf: id });
  const products = id === undefined ? all : [requireProduct(all, id)];
  const observe = async (log: Log) => {
    const filter = { product: id === undefined ? undefined : products[0]?.id };
    const traffic = await context.waiting("reading the log", () => observeLog(log, products, { filter }));
    warnOfLimits(context, traffic);
    return traffic.events();
  };
  const events = typedEvents(products, options.observed ? await withLog(context, config, observe) : []);
  const text = eventTypeFile(events);
  if (options.out === undefined || options.out === "-") context.report({ type: "text", text });
  else writeTypes(context, options.out, text, { force: options.force === true, events: events.length });
  return ExitCode.ok;
}

/** Memory is bounded, so of very many fields or events some are not observed. */
function warnOfLimits(context: Context, traffic: Traffic): void {
  for (const { product, name, observer } of traffic.events()) {
    if (!observer.isPartial()) continue;
    context.report({ type: "warning", message: `${product.id} ${name} has too many fields: its type is incomplete` });
  }
  const overlooked = traffic.overlooked();
  if (overlooked === 0) return;
  const message = `too many events: ${overlooked} deliveries were not compared, so their types come from the schemas`;
  context.report({ type: "warning", message, hint: "name one product to compare only its events" });
}

function writeTypes(
  context: Context,
  out: string,
  text: string,
  { force, events }: { force: boolean; events: number },
): void {
  const path = resolve(context.cwd, out);
  const old = isDevice(path) ? undefined : readText(path);
  if (old !== undefined && !force && !old.startsWith(FIRST_LINE)) {
    throw usageError(`${out} already exists and was not written by this command`, "--force overwrites it");
  }
  writeFileAtomically(path, text);
  const json: FileLine = { type: "file", action: "written", path, events };
  context.report({ type: "text", text: `${relative(context.cwd, path)}\n`, json });
}
