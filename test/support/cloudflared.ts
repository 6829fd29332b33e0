import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { tempFolder } from "./run.ts";
import { freePort } from "./target.ts";

interface Start {
  readonly n: number;
  readonly pid: number;
  readonly args: readonly string[];
  /** The content of its `--config`. */
  readonly config: string;
  /** The names of its variables. */
  readonly env: readonly string[];
}

type Outcome = "connected" | "unreachable" | "limited" | "fault";

export interface StandIn {
  /** For CLOUDFLARED_PATH. */
  readonly path: string;
  /** The "edge", which leads to the receiver while the program is connected: `http://127.0.0.1:<port>`. */
  readonly edge: string;
  starts(): readonly Start[];
  /** Kills the one that runs, as a crash does. */
  crash(): void;
  /** Takes the connection to the edge away, or gives it back. */
  toggleConnection(): void;
}

const PROGRAM = fileURLToPath(new URL("children/cloudflared.mjs", import.meta.url));

/** The URL that the n-th start gets. The name leads nowhere. */
export const urlOfStart = (n: number): string => `https://made-up-words-${n}.trycloudflare.invalid`;

/** A `cloudflared` that needs no network. `outcomes`: of its starts; those after them connect. */
export async function standInCloudflared({
  outcomes = [],
  connectMs = 50,
}: {
  readonly outcomes?: readonly Outcome[];
  readonly connectMs?: number;
} = {}): Promise<StandIn> {
  const folder = tempFolder();
  const path = join(folder, "cloudflared");
  const edgePort = await freePort();
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ edgePort, outcomes, connectMs }));
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "${folder}" "$@"\n`);
  chmodSync(path, 0o755);
  const starts = (): readonly Start[] => {
    const file = join(folder, "starts.jsonl");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Start]));
  };
  const signalLast = (signal: NodeJS.Signals): void => {
    const last = starts().at(-1);
    if (last !== undefined && isRunning(last.pid)) process.kill(last.pid, signal);
  };
  onTestFinished(() => signalLast("SIGKILL"));
  return {
    path,
    edge: `http://127.0.0.1:${edgePort}`,
    starts,
    crash: () => signalLast("SIGKILL"),
    toggleConnection: () => signalLast("SIGUSR2"),
  };
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
