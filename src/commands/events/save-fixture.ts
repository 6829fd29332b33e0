import { relative } from "node:path";
import { projectFixturePath } from "../../config/fixture-store.ts";
import { readText } from "../../config/settings-file.ts";
import { writeWholeFile } from "../../config/write-file.ts";
import type { Context } from "../../context.ts";
import { ExitCode, usageError } from "../../core/errors.ts";
import { type EventMatch, findEvent } from "../../core/event-name.ts";
import type { Format, Product } from "../../core/product.ts";
import { products } from "../../products/index.ts";
import type { LogEntry } from "../../store/log.ts";
import { requireEvent, requireFormat, requireProduct } from "../options.ts";
import { sampleText } from "../sample-text.ts";
import { entryName } from "./entry-event.ts";
import { type LogOptions, parseNumber, requireEntry, withLog } from "./open-log.ts";

export interface SaveOptions extends LogOptions {
  readonly redact?: boolean;
  readonly name?: string;
  readonly force?: boolean;
}

/** Makes a delivery that came a sample of the project, for `send` and for tests. Secrets never go along. */
export async function saveFixture(context: Context, which: string, options: SaveOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  return withLog(context, options, async (log, { root }) => {
    const entry = await requireEntry(log, n);
    const { product, format, match } = eventOf(entry, options.name);
    const path = projectFixturePath(root, product, format, match);
    const shownPath = relative(context.cwd, path);
    const text = sampleText(entry, options.redact === true);
    const old = readText(path);
    if (old !== undefined && old !== text && options.force !== true) {
      throw usageError(
        `${shownPath} is there already`,
        "--force overwrites it; --name saves under another event's name",
      );
    }
    writeWholeFile(path, text);
    context.report({
      type: "text",
      text: `${shownPath}\n`,
      json: {
        type: "file",
        action: old === undefined ? "saved" : old === text ? "unchanged" : "overwritten",
        path,
        n: entry.n,
        product: product.id,
        format: format.id,
        event: match.name,
        redacted: options.redact === true,
      },
    });
    context.report({ type: "notice", message: notice(context, product, match, options) });
    return ExitCode.ok;
  });
}

function notice({ invocation }: Context, product: Product, match: EventMatch, { redact }: SaveOptions): string {
  const personal =
    redact === true
      ? "names, e-mails, phones, addresses and ids are replaced; read it before you share it"
      : "it holds real personal data; --redact replaces it";
  return `tokens are masked; ${personal}. Send it: ${invocation} send ${product.id} ${match.name}`;
}

/** What the delivery is a sample of. Only a name that the format knows becomes a file's name. */
function eventOf(entry: LogEntry, name: string | undefined): { product: Product; format: Format; match: EventMatch } {
  if (entry.product === undefined) {
    throw usageError(
      `#${entry.n} (${entryName(entry)}) is of no known product, so it is a sample of nothing`,
      "post it to /webhooks/zoho/<product> to say whose it is",
    );
  }
  const product = requireProduct(products, entry.product);
  const format = requireFormat(product, entry.format ?? product.formats[0]?.id ?? "");
  if (name !== undefined) return { product, format, match: requireEvent(product, format, name) };
  const match = entry.event === undefined ? undefined : findEvent(format, entry.event);
  if (match !== undefined) return { product, format, match };
  throw usageError(
    `#${entry.n} (${entryName(entry)}) is no event that ${product.id} is known to have`,
    `name one that it is a sample of: --name Event; zoho-hooks products ${product.id} lists them`,
  );
}
