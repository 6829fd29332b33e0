import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { freePort } from "./target.ts";
import { tempFolder } from "./temp-log.ts";

export interface RedisServer {
  readonly port: number;
  start(): Promise<void>;
  /** Ends it; what it has is on its disk. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP: it accepts connections and is silent. */
  pause(): void;
  resume(): void;
}

/** A Redis of its own on a free port, once it accepts connections; ended after the test. */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  const folder = tempFolder();
  const own = options.includes("--tls-port") ? ["--port", "0", "--tls-port", String(port)] : ["--port", String(port)];
  const given = options.filter((each) => each !== "--tls-port");
  // Its folder in its command line is how the end of the run finds it (temp-root.ts).
  const disk = ["--dir", folder, "--save", "", "--appendonly", "yes", "--set-proc-title", "no"];
  let child: ChildProcess | undefined;
  const server = {
    port,
    async start() {
      const started = spawn("redis-server", [...own, "--bind", "127.0.0.1", ...disk, ...given], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      child = started;
      for await (const line of createInterface(started.stdout)) {
        if (line.includes("Ready to accept connections")) break;
      }
      started.stdout.resume();
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`);
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    async stop(signal: NodeJS.Signals = "SIGTERM") {
      const stopped = child;
      if (stopped === undefined || stopped.exitCode !== null || stopped.signalCode !== null) return;
      const ended = once(stopped, "exit");
      stopped.kill(signal);
      await ended;
    },
  };
  onTestFinished(() => server.stop("SIGKILL"));
  await server.start();
  return server;
}

/** A queue on it as a target. */
export function addressOf({ port }: RedisServer, query = "", user = "", scheme = "bullmq"): string {
  return `${scheme}://${user}127.0.0.1:${port}/zoho-webhooks${query}`;
}

/** The jobs that wait, or are done. */
export async function jobsOf(
  { port }: RedisServer,
  options: { readonly password?: string; readonly db?: number } = {},
  prefix = "bull",
) {
  const connection = new Redis({ port, ...options });
  const queue = new Queue("zoho-webhooks", { connection, prefix });
  try {
    return await queue.getJobs();
  } finally {
    await queue.close();
    connection.disconnect();
  }
}
