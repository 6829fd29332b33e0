import { refuseForeignLog } from "../config/event-log.ts";
import type { Config } from "../config/load.ts";
import type { Context } from "../context.ts";
import { holderAt } from "../store/open-log.ts";

/** How the listener that runs in this project is reached: the one that holds its event log writes it there. */
export async function runningListener(context: Context, config: Config): Promise<string | undefined> {
  refuseForeignLog(context, config);
  const { root } = config;
  const { store } = config.settings;
  const url = store === false ? undefined : (await holderAt({ root, store }))?.url;
  // A receiver on every address is reached on loopback.
  return url?.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}
