/** Processes of a bench, in a temporary folder that goes with them. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const here = fileURLToPath(new URL(".", import.meta.url));
export const bin = process.env.ZOHO_HOOKS_BIN || join(here, "../../bin/zoho-hooks.js");
export const work = mkdtempSync(join(tmpdir(), "zoho-hooks-bench-"));
export const env = {
  ...process.env,
  ZOHO_WEBHOOK_SECRET: "bench-secret",
  ZOHO_WEBHOOK_TOKEN: "bench-token",
  ZOHO_HOOKS_TUNNEL: "none",
  // Its folders are trusted, and not remembered in the user's list.
  ZOHO_HOOKS_TRUST: "1",
  XDG_CONFIG_HOME: work,
};
const children = new Set();

export function start(command, args, options = {}) {
  const child = spawn(command, args, { cwd: work, env, stdio: ["ignore", "ignore", "pipe"], ...options });
  children.add(child);
  let err = "";
  child.stderr.on("data", (bytes) => {
    err = (err + bytes).slice(-2000);
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  return {
    err: () => err,
    pid: child.pid,
    async stop() {
      child.kill("SIGINT");
      const timer = setTimeout(() => child.kill("SIGKILL"), 8000);
      await ended;
      clearTimeout(timer);
      children.delete(child);
    },
  };
}

/** Ends what is left and removes the folder. */
export function cleanUp() {
  for (const child of children) child.kill("SIGKILL");
  rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until a request is answered, with a given status if there is one. */
export async function answering(url, server, status, options) {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(url, options).catch(() => undefined);
    await response?.text();
    if (response !== undefined && (status === undefined || response.status === status)) return;
    await delay(100);
  }
  throw new Error(`${url} does not answer: ${server.err()}`);
}

export const node = (file, ...args) => start(process.execPath, [join(here, "servers", file), ...args.map(String)]);

export async function startListen(...flags) {
  const port = await freePort();
  const folder = mkdtempSync(join(work, "project-"));
  const server = start(process.execPath, [bin, "listen", "--port", String(port), "--quiet", ...flags], { cwd: folder });
  await answering(`http://127.0.0.1:${port}/readyz`, server, 200);
  return { ...server, folder, url: `http://127.0.0.1:${port}/webhooks/zoho/crm` };
}

/** User and system time of a process so far, which a busy machine changes less than wall time. NaN without /proc. */
export function cpuMs(pid) {
  try {
    const [, , user, system] = /\) \S (?:\S+ ){10}((\d+) (\d+))/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return (Number(user) + Number(system)) * 10;
  } catch {
    return Number.NaN;
  }
}
