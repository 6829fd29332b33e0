import { curlCommand } from "../delivery/curl-command.ts";
import { splitUrl } from "../delivery/delivery.ts";
import { appUrl, withQuery } from "../delivery/target.ts";
import { isHopByHop } from "../forward/request.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { plain } from "../util/text.ts";
import type { LoggedEvent } from "./entry.ts";
import { runningAddress } from "./running-listener.ts";

/** Reports the curl command that posts a delivery to the local receiver again. */
export async function reportCurl(context: Context, config: Config, event: LoggedEvent): Promise<void> {
  const listener = { ...config.settings, ...(await runningAddress(context, config)) };
  const { n, method, path, headers, body, receipt, logged } = event;
  // A sender may have written another server into the request line.
  const { path: sentTo, query } = splitUrl(path);
  const ownPath = sentTo.replace(/^(?!\/)/, "/");
  const url = withQuery(appUrl(ownPath, receipt.product ?? "unknown", listener), query);
  // Without the headers of the old connection: curl sets its own.
  const sent = headers.filter(([name]) => !isHopByHop(name));
  const command = curlCommand({ method, url, headers: sent, body }, { insecure: false });
  context.report({
    type: "text",
    text: `# ${commentOf(event)}\n${command}\n`,
    json: { type: "curl", n, command },
  });
  if (logged.masked)
    context.report({
      type: "notice",
      message: "secrets are masked, so the receiver cannot verify it; --show-secrets prints it as it came",
    });
}

function commentOf({ n, at, receipt, logged }: LoggedEvent): string {
  const masked = logged.masked ? ", with secrets masked" : "";
  // A line break in a name would end the comment.
  return plain(`#${n} ${at.toISOString()} ${receipt.product ?? "?"} ${receipt.event ?? ""}${masked}`);
}
