import { type Stats, unwatchFile, watchFile } from "node:fs";
import { join } from "node:path";
import { ENV_FILE } from "../project/environment.ts";
import { CONFIG_FILE } from "../project/settings.ts";
import type { ListenContext } from "./lines.ts";
import type { Part } from "./part.ts";

const POLL_INTERVAL_MS = 1000;

/** Names a file of the project's settings that changes while `listen` runs: it was read at the start. Each once. */
export function startConfigWatch(context: ListenContext, root: string): Part {
  const watched = [CONFIG_FILE, ENV_FILE].map((name) => {
    const file = join(root, name);
    const onStat = (now: Stats, before: Stats): void => {
      // Reading it is a change, too.
      if (now.mtimeMs === before.mtimeMs && now.size === before.size) return;
      unwatchFile(file, onStat);
      context.report({ type: "notice", message: `${name} has changed: restart to use it` });
    };
    watchFile(file, { interval: POLL_INTERVAL_MS, persistent: false }, onStat);
    return () => unwatchFile(file, onStat);
  });
  return {
    name: "the watch of the configuration",
    async stop() {
      for (const unwatch of watched) unwatch();
    },
  };
}
