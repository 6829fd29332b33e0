import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errorText, orUndefined, UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { onAbort, setLongTimeout, withTimeout } from "../util/timing.ts";
import type { StartProgram } from "./cloudflared-program.ts";
import { type Reaches, type Tunnel, type TunnelOptions, untilUnreachable } from "./tunnel.ts";

/** From the start to a connection with Cloudflare; the program itself gives up on a new name after 15 s. */
const CONNECT_TIMEOUT_MS = 40_000;
const CONNECT_POLL_MS = 250;
/**
 * The name enters DNS only with the connection, 2 to 6 s after it is known. A look-up before that, also by the sender, is cached as
 * a missing name for half an hour.
 */
const SETTLE_MS = 10_000;
const POLL_MS = 3_000;
const POLL_TIMEOUT_MS = 2_000;
/** It reconnects by itself after a moment, so one failed look is no alarm. */
const LOOKS_UNTIL_DOWN = 2;
/** Before the next start, by how many in a row have failed or lasted less than `STABLE_MS`. */
const BACKOFF_MS = [0, 1_000, 3_000, 10_000, 30_000, 60_000] as const;
const STABLE_MS = 60_000;
/** Cloudflare limits new names by address, and does not publish the numbers. */
const RATE_LIMIT_PAUSE_MS = 2 * 60_000;
const FIRST_START_RETRIES = 2;
const END_TIMEOUT_MS = 2_000;
/** The timeout counts in turns of this length, so that a laptop that was asleep for an hour has not tried for an hour. */
const TURN_MS = 250;
const MAX_LINES = 50;

/** A running `cloudflared`, which is connected under its URL. */
interface Session {
  readonly url: string;
  /** Aborts when the program has ended. */
  readonly ended: AbortSignal;
  /** Why it has ended, in words. */
  endReason(): string;
  /** Whether it is connected to Cloudflare. */
  isConnected(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * A quick tunnel of Cloudflare's own program: without an account, under a name that is new at each start. The program reconnects by
 * itself under the same name; when it ends, it is started again, under another one.
 */
export async function openCloudflared(start: StartProgram, options: TunnelOptions): Promise<Tunnel> {
  const { timeoutMs, onStatus, now } = options;
  const closing = new AbortController();
  let session = await startFirst(start, options);
  let startedAt = performance.now();
  let shortLived = 0;
  onStatus({ type: "up", at: now(), url: session.url });
  const watching = watch().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });
  return {
    kind: "cloudflared",
    get url() {
      return session.url;
    },
    async close() {
      closing.abort();
      await session.close();
      await watching;
    },
  };

  async function watch(): Promise<void> {
    for (;;) {
      const { reason, mayRecover } = await untilDown(session, options, closing.signal);
      const downSince = performance.now();
      const downMs = (): number => Math.round(performance.now() - downSince);
      onStatus({ type: "down", at: now(), reason });
      const deadline = new AbortController();
      const cancelDeadline = setLongTimeout(timeoutMs, () => deadline.abort(), TURN_MS);
      const signal = AbortSignal.any([closing.signal, deadline.signal]);
      const previousUrl = session.url;
      let lastError: unknown;
      try {
        if (!mayRecover || !(await recovers(session, signal)))
          await restart(signal, (error) => {
            lastError = error;
          });
      } catch (error) {
        closing.signal.throwIfAborted();
        if (!deadline.signal.aborted) throw error;
        await session.close();
        return onStatus({ type: "lost", at: now(), downMs: downMs(), error: lostError(downMs(), lastError) });
      } finally {
        cancelDeadline();
      }
      const { url } = session;
      const moved = url === previousUrl ? undefined : previousUrl;
      onStatus({ type: "reconnected", at: now(), downMs: downMs(), url, previousUrl: moved });
    }
  }

  /** Starts the program until it is connected. Throws only when the signal aborts. */
  async function restart(signal: AbortSignal, onFailure: (error: unknown) => void): Promise<void> {
    await session.close();
    shortLived = performance.now() - startedAt < STABLE_MS ? shortLived + 1 : 0;
    let pauseMs = pauseAfter(shortLived);
    for (;;) {
      await delay(pauseMs, undefined, { signal });
      try {
        const next = await startSession(start, options, signal);
        startedAt = performance.now();
        session = next;
        // It may have been closed meanwhile, together with the one before.
        if (closing.signal.aborted) await next.close();
        return;
      } catch (error) {
        signal.throwIfAborted();
        onFailure(error);
        shortLived++;
        pauseMs = isRateLimited(error) ? RATE_LIMIT_PAUSE_MS : pauseAfter(shortLived);
      }
    }
  }
}

function pauseAfter(failures: number): number {
  return BACKOFF_MS[failures] ?? BACKOFF_MS.at(-1) ?? 0;
}

/** Cloudflare's service fails now and then, and works a few seconds later. */
async function startFirst(start: StartProgram, options: TunnelOptions): Promise<Session> {
  for (let failures = 0; ; failures++) {
    try {
      return await startSession(start, options, options.signal);
    } catch (error) {
      options.signal.throwIfAborted();
      const isTransient = error instanceof UserError && error.code === SERVICE_FAULT;
      if (!isTransient || failures === FIRST_START_RETRIES) throw error;
      await delay(pauseAfter(failures + 1), undefined, { signal: options.signal });
    }
  }
}

/** Resolves to a session that senders can look up by now. */
async function startSession(
  start: StartProgram,
  { addr, settleMs = SETTLE_MS }: TunnelOptions,
  signal: AbortSignal,
): Promise<Session> {
  // Without a file of ours, the user's own is read, and its rules win over --url.
  const folder = await mkdtemp(join(tmpdir(), "zoho-hooks-cloudflared-"));
  const config = join(folder, "config.yml");
  await writeFile(config, "{}\n");
  const metrics = await freePort();
  const lines: string[] = [];
  const ended = new AbortController();
  let exit = "";
  const program = start(
    [
      "tunnel",
      ...["--config", config],
      // Through pipes it would replace itself, and exit.
      "--no-autoupdate",
      // It takes QUIC by default, and has no fallback where UDP is blocked.
      ...["--protocol", "http2"],
      ...["--metrics", `127.0.0.1:${metrics}`],
      ...["--url", `http://${addr.host}:${addr.port}`],
    ],
    (line) => {
      lines.push(line);
      if (lines.length > MAX_LINES) lines.shift();
    },
  );
  const end = program.ended
    .then(
      (code) => {
        exit = `exit code ${code}`;
      },
      (error: unknown) => {
        exit = errorText(error);
      },
    )
    .finally(() => ended.abort());
  const close = async (): Promise<void> => {
    program.end(false);
    const kill = setTimeout(() => program.end(true), END_TIMEOUT_MS);
    await end;
    clearTimeout(kill);
    await rm(folder, { recursive: true, force: true });
  };
  const isConnected = async (): Promise<boolean> => (await ask(metrics, "/ready"))?.status === 200;
  const limit = AbortSignal.any([signal, ended.signal]);
  try {
    const until = performance.now() + CONNECT_TIMEOUT_MS;
    while (!(await isConnected())) {
      await delay(CONNECT_POLL_MS, undefined, { signal: limit });
      if (performance.now() > until) throw notConnected(lines);
    }
    const url = publicUrl(await ask(metrics, "/quicktunnel"));
    await delay(settleMs, undefined, { signal: limit });
    return { url, ended: ended.signal, endReason: () => endReason(lines, exit), isConnected, close };
  } catch (error) {
    const hasEnded = ended.signal.aborted;
    await close();
    signal.throwIfAborted();
    throw hasEnded ? endError(lines, exit) : error;
  }
}

/** Whether it is connected again; false when it has ended. Throws when the signal aborts. */
async function recovers(session: Session, signal: AbortSignal): Promise<boolean> {
  while (!session.ended.aborted) {
    if (await session.isConnected()) return true;
    await pauseOrEnd(session, signal);
  }
  return false;
}

/** Resolves when no deliveries arrive; `mayRecover`: the program is reconnecting. Throws only when the signal aborts. */
async function untilDown(
  session: Session,
  { reaches, ...options }: TunnelOptions,
  signal: AbortSignal,
): Promise<{ readonly reason: string; readonly mayRecover: boolean }> {
  const over = new AbortController();
  const limit = AbortSignal.any([signal, over.signal]);
  // A machine that cannot look up the name itself learns nothing from its own requests.
  let hasReached = false;
  const learn: Reaches = async (url, stop) => {
    const isReached = await reaches(url, stop);
    hasReached ||= isReached;
    return isReached || !hasReached;
  };
  const unreachable = untilUnreachable(() => session.url, { ...options, reaches: learn }, limit).then(() => ({
    reason: "requests to the public URL no longer arrive here",
    mayRecover: false,
  }));
  try {
    return await Promise.race([unreachable, untilDisconnected(session, limit)]);
  } finally {
    over.abort();
    unreachable.catch(() => {});
  }
}

async function untilDisconnected(session: Session, signal: AbortSignal) {
  let missed = 0;
  while (missed < LOOKS_UNTIL_DOWN) {
    await pauseOrEnd(session, signal);
    if (session.ended.aborted) return { reason: `cloudflared has ended (${session.endReason()})`, mayRecover: false };
    missed = (await session.isConnected()) ? 0 : missed + 1;
  }
  return { reason: "cloudflared has lost the connection to Cloudflare", mayRecover: true };
}

/** Throws when the signal aborts. */
async function pauseOrEnd({ ended }: Session, signal: AbortSignal): Promise<void> {
  // Not by AbortSignal.any, whose signals pile up over the days of a run.
  await withTimeout(POLL_MS, [signal, ended], (limit) => new Promise<void>((resolve) => onAbort(limit, resolve)));
  signal.throwIfAborted();
}

/** A port for the metrics, which tell the name and whether it is connected. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

const MAX_ANSWER_LENGTH = 10_000;

/** Asks the metrics server of the program; undefined without an answer. It starts once the name is known. */
function ask(port: number, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false, timeout: POLL_TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text = (text + part).slice(0, MAX_ANSWER_LENGTH);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}

/** Not from the log, where the address of the service that failed looks like a tunnel's. */
function publicUrl(answer: Answer | undefined): string {
  const parsed = orUndefined(() => JSON.parse(answer?.text ?? "") as { readonly hostname?: unknown });
  const hostname = String(parsed?.hostname ?? "");
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?$/i.test(hostname)) return `https://${hostname}`;
  throw new UserError(
    "connectionLost",
    "cloudflared does not say which name it has",
    "update it: cloudflared update, or with the package manager that it was installed with",
    "cloudflaredFailed",
  );
}

const RATE_LIMITED = "cloudflaredRateLimited";
const SERVICE_FAULT = "cloudflaredServiceFault";

function isRateLimited(error: unknown): boolean {
  return error instanceof UserError && error.code === RATE_LIMITED;
}

const ALTERNATIVES = "or use --tunnel ngrok, --public-url URL or --tunnel none";

/** Turns the log of a program that has ended into an error that says what to do. */
function endError(lines: readonly string[], exit: string): UserError {
  const log = lines.join("\n");
  const error = (message: string, hint: string, code: string) => new UserError("connectionLost", message, hint, code);
  if (/\b429 Too Many Requests\b|error code: 1015\b/.test(log))
    return error(
      "Cloudflare opens no further tunnel for this address now (429 Too Many Requests)",
      `try again in some minutes, ${ALTERNATIVES}`,
      RATE_LIMITED,
    );
  if (/failed to (?:unmarshal quick Tunnel|parse quick Tunnel ID)/.test(log))
    return error(
      `Cloudflare's service for tunnels has failed: ${endReason(lines, exit)}`,
      `try again in some minutes, ${ALTERNATIVES}`,
      SERVICE_FAULT,
    );
  if (/failed to request quick Tunnel/.test(log))
    return error(
      `cloudflared cannot reach Cloudflare: ${endReason(lines, exit)}`,
      `check the network, ${ALTERNATIVES}`,
      "cloudflaredUnreachable",
    );
  return error(`cloudflared has ended: ${endReason(lines, exit)}`, `try again, ${ALTERNATIVES}`, "cloudflaredFailed");
}

/** The reason is the last line: one without a time, or an error, whose field `error` says more. Others are no reason. */
function endReason(lines: readonly string[], exit: string): string {
  const last = lines.findLast((line) => line.trim() !== "") ?? "";
  const [, level, rest = ""] = /^(?:\d{4}-\d\d-\d\dT\S+ ([A-Z]{3}) )?(.*)$/.exec(last) ?? [];
  const [, field] = / error="((?:[^"\\]|\\.)*)"/.exec(rest) ?? [];
  const text = level === undefined || level === "ERR" ? oneLine((field ?? rest).trim()) : "";
  return text === "" ? exit : text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function notConnected(lines: readonly string[]): UserError {
  const last = lines.findLast((line) => / ERR /.test(line));
  const reason = last === undefined ? "it says nothing about it" : endReason([last], "");
  return new UserError(
    "connectionLost",
    `cloudflared could not connect to Cloudflare within ${CONNECT_TIMEOUT_MS / 1000} s: ${reason}`,
    `let it connect to TCP port 7844 in the firewall, ${ALTERNATIVES}`,
    "cloudflaredUnreachable",
  );
}

function lostError(downMs: number, cause: unknown): UserError {
  if (isRateLimited(cause)) return cause as UserError;
  return new UserError(
    "connectionLost",
    `the tunnel of cloudflared has been down for ${Math.round(downMs / 1000)} s${cause === undefined ? "" : `: ${errorText(cause)}`}`,
    "start again when the network is back; to wait longer, set ZOHO_HOOKS_TUNNEL_TIMEOUT",
    "tunnelLost",
  );
}
