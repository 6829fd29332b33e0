import { relative, resolve } from "node:path";
import type { Context } from "../context.ts";
import { eventTypeFile, FIRST_LINE, type TypedEvent, withObserved } from "../core/event-types.ts";
import type { Product } from "../core/product.ts";
import { schemaShape } from "../core/schema.ts";
import type { ObservedEvent, Traffic } from "../core/traffic.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isThrough, readText, writeWholeFile } from "../util/files.ts";
import type { Define } from "./command.ts";
import { withLog } from "./events/options.ts";
import { observeLog } from "./helpers/learn.ts";
import { requireProduct } from "./helpers/options.ts";
import { configuredProducts, projectProducts } from "./helpers/products.ts";

interface TypesOptions {
  readonly out?: string;
  readonly observed?: boolean;
  readonly store?: string;
  readonly force?: boolean;
}

export const define: Define = (command, act) => {
  command
    .argument("[product]", "only this product")
    .option("-o, --out <file>", "write to this file, such as zoho-events.d.ts (default: -, standard output)")
    .option("--observed", "include what was received: your own fields, and types that differ")
    .option("--store <path>", "file of the event log (default: .zoho-hooks/events.db in the project)")
    .option("--force", "overwrite a file that this command did not write")
    .addHelpText("after", HELP)
    .action(act(types));
};

const HELP = `
Each event's payload gets a type, which is also a member of ZohoEvents: ZohoEvents["crm"]["guide"]["Leads.create"].
A field that was received but is not in the schema is optional.

Examples:
  $ zoho-hooks types crm --out zoho-events.d.ts
  $ zoho-hooks types --observed --out src/zoho-events.d.ts
`;

async function types(context: Context, id: string | undefined, options: TypesOptions): Promise<ExitCode> {
  if (options.store !== undefined && options.observed !== true) {
    throw usageError("--store names a log, which only --observed reads", "add --observed, or leave --store out");
  }
  const chosen = (all: readonly Product[]): readonly Product[] => (id === undefined ? all : [requireProduct(all, id)]);
  const typed =
    options.observed === true
      ? await withLog(context, options, async (log, config) => {
          const products = chosen(await configuredProducts(config));
          const filter = id === undefined ? {} : { product: products[0]?.id };
          const read = () => observeLog(log, products, filter);
          const traffic = await context.waiting("reading the log", read);
          warnOfRest(context, traffic);
          return typedEvents(products, traffic.events());
        })
      : typedEvents(chosen(await projectProducts(context)), []);
  const text = eventTypeFile(typed);
  if (options.out === undefined || options.out === "-") context.report({ type: "text", text });
  else writeTypes(context, options.out, text, options.force === true, typed.length);
  return ExitCode.ok;
}

function warnOfRest(context: Context, traffic: Traffic): void {
  const partial = traffic.events().filter((each) => each.partial);
  for (const { product, name } of partial) {
    const message = `${product} ${name} has more fields than are held: its type lacks some`;
    context.report({ type: "warning", message });
  }
  const overlooked = traffic.overlooked();
  if (overlooked > 0) {
    const message = `${overlooked} deliveries were of more events than are held: their types are those of the schemas`;
    context.report({ type: "warning", message, hint: "name one product to hold its events only" });
  }
}

/** The declared events, and beside them the members of families that have come, under their own names. */
function typedEvents(products: readonly Product[], observed: readonly ObservedEvent[]): readonly TypedEvent[] {
  return products.flatMap((product) =>
    product.formats.flatMap((format) => {
      const seen = observed.filter((each) => each.product === product.id && each.format === format.id);
      const declared = format.events.map((event) => ({ event, name: event.name }));
      const members = seen.filter(({ name }) => format.events.every((event) => event.name !== name));
      return [...declared, ...members].map(({ event, name }): TypedEvent => {
        const own = seen.find((each) => each.name === name);
        const shape = schemaShape(event.schema);
        return {
          product: product.id,
          format: format.id,
          name,
          summary: event.summary,
          shape: own === undefined ? shape : withObserved(shape, own.observation),
          deliveries: own?.deliveries ?? 0,
        };
      });
    }),
  );
}

function writeTypes(context: Context, out: string, text: string, force: boolean, events: number): void {
  const path = resolve(context.cwd, out);
  const old = isThrough(path) ? undefined : readText(path);
  if (old !== undefined && !force && !old.startsWith(FIRST_LINE)) {
    throw usageError(`${out} exists already, and was not written by this command`, "--force overwrites it");
  }
  writeWholeFile(path, text);
  context.report({
    type: "text",
    text: `${relative(context.cwd, path)}\n`,
    json: { type: "file", action: "written", path, events },
  });
}
