import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../config/load.ts";

/** How the listener that runs in this project is reached: the one that holds its event log writes it there. */
export async function runningListener({
  root,
  settings,
}: Pick<Config, "root" | "settings">): Promise<string | undefined> {
  const path = settings.store === false ? undefined : resolve(root, settings.store);
  if (path === undefined || !existsSync(path)) return undefined;
  const { peekHolder } = await import("../store/peek-holder.ts");
  const url = (await peekHolder(path))?.url;
  // A receiver on every address is reached on loopback.
  return url?.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}
