import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "undici";
import { describe, expect, it } from "vitest";
import { fixture, sign } from "../../src/library/index.ts";
import { startChild } from "../support/child.ts";
import { post } from "../support/faults.ts";
import { CRM, lead } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

/** What a container of a gigabyte gets. */
const HEAP = "--max-old-space-size=512";
const MAX_MEGABYTES = 400;
const MAX_HEALTH_MS = 250;
/** Express takes up to half a second for the 1,800 requests that Node reads at once, before any route sees them. */
const MAX_HEALTH_OF_EXPRESS_MS = 1000;

interface Receiver {
  readonly url: string;
  readonly pid: number;
  /** Posts a genuine delivery; resolves to the status. */
  postGenuine(): Promise<number>;
}

const RECEIVERS: Readonly<Record<string, () => Promise<Receiver>>> = {
  async listen() {
    const { url, pid } = await startListenProcess([], { cwd: tempFolder(), env: { NODE_OPTIONS: HEAP } });
    return { url, pid, postGenuine: async () => (await post(url, lead(1))).status };
  },
  async "the adapter for Express"() {
    const app = await startChild("express-app.ts", [], [HEAP]);
    await app.line();
    const url = `http://127.0.0.1:${app.lines[0]}`;
    const { headers, body } = sign("crm", fixture("crm", "Leads.create"), {
      token: "t0ken-of-the-app",
      secret: "s3cret-of-the-app",
    });
    const postGenuine = async () => (await fetch(url + CRM, { method: "POST", headers, body })).status;
    return { url, pid: app.pid, postGenuine };
  },
};

describe.skipIf(lacks("posix")).each(Object.entries(RECEIVERS))("%s", (name, start) => {
  it.each(["singleBytes", "pipelined", "unfinished"])(
    "stays alive, small and quick under a flood: %s",
    async (attack) => {
      const { url, pid, postGenuine } = await start();
      // Nobody floods this one: it shows how busy the machine is.
      const other = await RECEIVERS["the adapter for Express"]?.();
      const ended = new AbortController();
      const watching = await Promise.all([url, other?.url ?? ""].map((each) => watchHealth(each, ended.signal)));
      const flood = await startChild("flood.ts", [attack, new URL(url).port, CRM]);
      await flood.line();
      // Slow bodies give way.
      const startedAt = performance.now();
      while ((await postGenuine()) !== 200) await delay(100);
      const genuineMs = performance.now() - startedAt;
      ended.abort();
      const [slowestMs = 0, otherMs = 0] = await Promise.all(watching.map(({ slowestMs: each }) => each));
      const peak = Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
      process.stdout.write(
        `${name}, ${attack}: slowest health ${slowestMs.toFixed(0)} ms (beside it ${otherMs.toFixed(0)}), ` +
          `genuine after ${genuineMs.toFixed(0)} ms, peak ${peak.toFixed(0)} MB\n`,
      );
      expect(slowestMs).toBeLessThan((name === "listen" ? MAX_HEALTH_MS : MAX_HEALTH_OF_EXPRESS_MS) + otherMs);
      expect(peak).toBeLessThan(MAX_MEGABYTES);
      await flood.kill();
    },
  );
});

/** Resolves once it is connected: a new connection waits its turn among those of the flood. */
async function watchHealth(url: string, signal: AbortSignal): Promise<{ readonly slowestMs: Promise<number> }> {
  const connection = new Client(url);
  const ask = async (): Promise<number> => {
    const startedAt = performance.now();
    const { statusCode, body } = await connection.request({ path: "/healthz", method: "GET" });
    await body.dump();
    expect(statusCode).toBe(200);
    return performance.now() - startedAt;
  };
  await ask();
  const watch = async (): Promise<number> => {
    let slowestMs = 0;
    while (!signal.aborted) {
      slowestMs = Math.max(slowestMs, await ask());
      await delay(20);
    }
    await connection.close();
    return slowestMs;
  };
  return { slowestMs: watch() };
}
