import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../config/load.ts";
import type { Context } from "../context.ts";

/** How the listener that runs in this project is reached: the one that holds its event log writes it there. */
export async function runningListener(
  { now }: Context,
  { root, settings }: Pick<Config, "root" | "settings">,
): Promise<string | undefined> {
  const path = settings.store === false ? undefined : resolve(root, settings.store);
  if (path === undefined || !existsSync(path)) return undefined;
  const { openLog } = await import("../store/sqlite-log.ts");
  const log = await openLog({ path, now, create: false });
  try {
    return (await log.holder())?.url;
  } finally {
    await log.close();
  }
}
