import { checkProjectSettings } from "../../config/clone-rule.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { lockOwnerAt } from "../../store/open-log.ts";

/** The URL of this project's running `listen`, which writes it into the event log that it has locked. */
export async function runningListener(context: Context, config: Config): Promise<string | undefined> {
  await checkProjectSettings(context, config, ["store"]);
  const { root } = config;
  const { store } = config.settings;
  const url = store === false ? undefined : (await lockOwnerAt({ root, store }))?.url;
  // A receiver on every address is reached on loopback.
  return url?.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}
