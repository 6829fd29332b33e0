import { curlCommand } from "../delivery/curl-command.ts";
import { splitUrl } from "../delivery/delivery.ts";
import { appUrl, withQuery } from "../delivery/target.ts";
import { isHopByHop } from "../forward/request.ts";
import type { TextReport } from "../process/messages.ts";
import type { LoggedEvent } from "../receiver/event-report.ts";
import { plain } from "../util/text.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { CurlLine } from "./lines.ts";
import { runningAddress } from "./running-listener.ts";

/** The curl command that posts a delivery to the local receiver again. */
export async function curlOf(workspace: Workspace, event: LoggedEvent): Promise<TextReport> {
  const listener = { ...workspace.config.settings, ...(await runningAddress(workspace)) };
  const { n, method, path, headers, body, receipt } = event;
  // A sender may have written another server into the request line.
  const { path: sentTo, query } = splitUrl(path);
  const ownPath = sentTo.replace(/^(?!\/)/, "/");
  const url = withQuery(appUrl(ownPath, receipt.product ?? "unknown", listener), query);
  // Without the headers of the old connection: curl sets its own.
  const sent = headers.filter(([name]) => !isHopByHop(name));
  const command = curlCommand({ method, url, headers: sent, body }, { insecure: false });
  const json: CurlLine = { type: "curl", n, command };
  return { type: "text", text: `# ${commentOf(event)}\n${command}\n`, json };
}

function commentOf({ n, at, receipt, logged }: LoggedEvent): string {
  const masked = logged.masked ? ", with secrets masked" : "";
  // A line break in a name would end the comment.
  return plain(`#${n} ${at.toISOString()} ${receipt.product ?? "?"} ${receipt.event ?? ""}${masked}`);
}
