import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Secrets } from "../delivery/secrets.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { CHANNELS_FILE } from "./channels-file.ts";

type TokenContext = Pick<Context, "userFolder" | "knownSecrets">;

/** The configured secrets and, as in `listen`, the tokens of channels created here. Loaded only where there are any. */
export async function withChannels(context: TokenContext, secrets: Secrets): Promise<Secrets> {
  const folder = context.userFolder;
  if (!existsSync(join(folder, CHANNELS_FILE))) return secrets;
  const { withChannelTokens } = await import("./tokens.ts");
  return withChannelTokens(secrets, { folder, known: context.knownSecrets });
}

/** For commands that show what an app has answered, in which it may repeat these tokens. */
export async function rememberChannelTokens(
  context: TokenContext,
  { secrets }: Pick<Config, "secrets">,
): Promise<void> {
  await withChannels(context, secrets);
}
