import { existsSync } from "node:fs";
import { join } from "node:path";
import { userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { Secrets } from "../../core/secret.ts";
import { CHANNELS_FILE } from "../../zoho/channels-file.ts";

/** The secrets, and the tokens of the channels that were made here, as `listen` has them. Loaded only where there are any. */
export async function withChannels(context: Context, secrets: Secrets): Promise<Secrets> {
  const folder = userFolder(context);
  if (!existsSync(join(folder, CHANNELS_FILE))) return secrets;
  const { withChannelTokens } = await import("../../zoho/channel-tokens.ts");
  return withChannelTokens(secrets, folder);
}
