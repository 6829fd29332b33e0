import type { Config } from "../../config/load.ts";
import { curlCommand } from "../../core/curl-command.ts";
import type { Delivery } from "../../core/delivery.ts";
import { eventLine } from "../../core/event-line.ts";
import { HAR_FRAME, harEntry } from "../../core/har.ts";
import { type JsonLine, jsonLine } from "../../core/json-line.ts";
import { targetUrl, withQueryOf } from "../../core/target-url.ts";
import { isOfTheConnection } from "../../delivery/end-to-end.ts";
import type { KeptEvent } from "./entry-event.ts";

/** How deliveries are written, one after the other. */
export interface ExportFormat {
  readonly start: string;
  readonly between: string;
  readonly end: string;
  item(event: KeptEvent): string;
  /** The JSON line of one; undefined where all of them are one document. */
  line?(event: KeptEvent): JsonLine;
}

type MakeFormat = (settings: Config["settings"], to: string | undefined) => ExportFormat;

export const exportFormats: ReadonlyMap<string, MakeFormat> = new Map<string, MakeFormat>([
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
  const kept = headers.filter(([name]) => !isOfTheConnection(name));
  const delivery: Delivery = { method, url, headers: kept, body };
  return curlCommand(delivery, { insecure: false });
}
