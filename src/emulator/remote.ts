import { openPoster } from "../forward/post.ts";
import type { Context } from "../project/context.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { isHttpUrl } from "../util/hosts.ts";
import { isRecord, parseJson } from "../util/json.ts";
import { parseInteger } from "../util/units.ts";
import { CONTROL_PATH } from "./control.ts";
import { DELIVERY_FAULTS } from "./faults.ts";

export interface RemoteOptions {
  readonly url: string;
}

export interface FailOptions extends RemoteOptions {
  readonly times: string;
  readonly retryAfter?: string;
}

const TIMEOUT_MS = 10_000;

/** Makes a running emulator fail. `what`: a status, `silence`, `cut`, or a fault of deliveries. */
export async function fail(context: Context, what: string, options: FailOptions): Promise<ExitCode> {
  const { retryAfter } = options;
  const times = parseInteger(options.times, "--times", 1, 1_000_000);
  const isDelivery = DELIVERY_FAULTS.some((each) => each === what);
  const fault = /^\d+$/.test(what) ? Number(what) : what;
  const plan = { [isDelivery ? "delivery" : "answer"]: fault, times, retryAfter };
  await call(context, options, "fail", plan);
  const [one, several] = isDelivery ? ["delivery", "deliveries"] : ["answer", "answers"];
  return done(context, `the next ${times === 1 ? one : `${times} ${several}`}: ${what}`);
}

/** Ages what a running emulator holds. */
export async function advance(context: Context, by: string, options: RemoteOptions): Promise<ExitCode> {
  await call(context, options, "advance", { by });
  return done(context, `all that the emulator holds is ${by} older`);
}

/** Empties a running emulator. */
export async function reset(context: Context, options: RemoteOptions): Promise<ExitCode> {
  await call(context, options, "reset", {});
  return done(context, "the emulator is empty");
}

function done(context: Context, message: string): ExitCode {
  context.report({ type: "notice", message });
  return ExitCode.ok;
}

async function call(context: Context, { url }: RemoteOptions, name: string, body: object): Promise<void> {
  if (!isHttpUrl(url)) throw usageError(`--url: ${JSON.stringify(url)} is not a URL`, "such as http://127.0.0.1:4480");
  const { origin } = new URL(url);
  const { env, signal } = context;
  const poster = await openPoster({ connections: 1, insecure: false, env, timeoutMs: TIMEOUT_MS });
  try {
    const delivery = { url: origin + CONTROL_PATH + name, body: Buffer.from(JSON.stringify(body)) };
    const result = await poster.post({ ...delivery, method: "POST", headers: [] }, { signal, wholeReply: true });
    signal.throwIfAborted();
    if (result.error !== undefined) throw noEmulator(origin, result.error.message);
    const answer = parseJson(result.reply?.toString() ?? "");
    const { error, hint } = answer.ok && isRecord(answer.value) ? answer.value : {};
    if (result.status === 200 && answer.ok) return;
    if (typeof error !== "string") throw noEmulator(origin, `it answered with HTTP ${result.status}`);
    throw usageError(error, typeof hint === "string" ? hint : undefined);
  } finally {
    await poster.close();
  }
}

function noEmulator(origin: string, reason: string): UserError {
  return new UserError(
    "targetFailed",
    `no emulator answers at ${origin}: ${reason}`,
    "start one with zoho-hooks emulate, or name its address with --url",
  );
}
