import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { postgresFolder } from "./needs.ts";

export interface Server {
  /** Of the log in a schema of its own. */
  address(schema: string): string;
  start(): Promise<void>;
  /** As a crash does, or as its administrator does. */
  stop(signal?: "SIGQUIT" | "SIGINT"): Promise<void>;
}

/** A server with a folder of its own, in which only its socket is. `settings` as in postgresql.conf. */
export async function createServer(folder: string, settings: Readonly<Record<string, string>> = {}): Promise<Server> {
  const data = join(folder, "data");
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  run("initdb", "--pgdata", data, "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C");
  const options = { listen_addresses: "", unix_socket_directories: folder, max_connections: "300", ...settings };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  let child: ChildProcess | undefined;
  return {
    address: (schema) => `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}&schema=${schema}`,
    async start() {
      const [command, args] = asUser("postgres", "-D", data, ...flags);
      child = spawn(command, args, { stdio: "ignore", detached: true });
      child.unref();
      await untilReady(folder);
    },
    async stop(signal = "SIGINT") {
      const [pid] = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
      const ended = child && child.exitCode === null ? once(child, "exit") : undefined;
      process.kill(Number(pid), signal);
      await ended;
    },
  };
}

async function untilReady(folder: string): Promise<void> {
  for (let left = 300; ; left--) {
    const client = new pg.Client({ host: folder, user: "postgres", database: "postgres" });
    client.on("error", () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      if (left === 0) throw error;
      await delay(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

function run(...command: readonly string[]): void {
  const [program, args] = asUser(...command);
  execFileSync(program, args, { stdio: "ignore", cwd: "/" });
}

function asUser(name = "", ...args: readonly string[]): [string, string[]] {
  const program = join(postgresFolder, name);
  if (process.getuid?.() !== 0) return [program, [...args]];
  return ["setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", program, ...args]];
}

let shared: Promise<string> | undefined;

/** The address of a log on the server that all tests of a run share. The name stands for the same log each time. */
export async function sharedAddress(name: string): Promise<string> {
  shared ??= startShared();
  const folder = await shared;
  const schema = `t_${createHash("sha256").update(name).digest("hex").slice(0, 24)}`;
  return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}&schema=${schema}`;
}

/** The first worker of the run starts it, in the run's temporary folder; the end of the run stops it (temp-root.ts). */
async function startShared(): Promise<string> {
  const folder = join(tmpdir(), "postgres");
  const ready = join(folder, "ready");
  try {
    mkdirSync(folder);
  } catch {
    while (!existsSync(ready)) await delay(50);
    return folder;
  }
  // Its data need not outlive the run.
  const server = await createServer(folder, { fsync: "off", full_page_writes: "off", autovacuum: "off" });
  await server.start();
  writeFileSync(ready, "");
  return folder;
}

/** Runs SQL beside the log of an address. */
export async function runSql(address: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(address);
  await client.connect();
  try {
    await client.query(`SET search_path = ${/schema=(\w+)/.exec(address)?.[1]}`);
    const { rows } = await client.query(sql);
    return rows;
  } finally {
    await client.end();
  }
}

/** A folder that the server's user may reach. */
export function serverFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "pg-"));
  chmodSync(folder, 0o777);
  return folder;
}
