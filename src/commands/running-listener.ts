import type { Config } from "../config/load.ts";
import { holderAt } from "../store/open-log.ts";

/** How the listener that runs in this project is reached: the one that holds its event log writes it there. */
export async function runningListener({
  root,
  settings,
}: Pick<Config, "root" | "settings">): Promise<string | undefined> {
  const { store } = settings;
  const url = store === false ? undefined : (await holderAt({ root, store }))?.url;
  // A receiver on every address is reached on loopback.
  return url?.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}
