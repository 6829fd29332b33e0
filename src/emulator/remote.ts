import { openPoster } from "../forward/post.ts";
import type { Context } from "../project/context.ts";
import { projectFolder } from "../project/folder.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { isHttpUrl, isLocalUrl } from "../util/hosts.ts";
import { isRecord, parseJson } from "../util/json.ts";
import { oneLine } from "../util/text.ts";
import { parseInteger } from "../util/units.ts";
import { CONTROL_PATH } from "./control.ts";
import { DELIVERY_FAULTS } from "./faults.ts";
import { EMULATOR_URL, emulatorAt, emulatorName, ownEmulator } from "./own.ts";

export interface RemoteOptions {
  /** Default: that of `ZOHO_API_URL` if it is on this machine, else this folder's emulator. */
  readonly url?: string;
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
  const { name } = await call(context, options, "fail", plan);
  const [one, several] = isDelivery ? ["delivery", "deliveries"] : ["answer", "answers"];
  return done(context, `the next ${times === 1 ? one : `${times} ${several}`} of ${name}: ${what}`);
}

/** Ages what a running emulator holds. */
export async function advance(context: Context, by: string, options: RemoteOptions): Promise<ExitCode> {
  const { name } = await call(context, options, "advance", { by });
  return done(context, `all that ${name} holds is ${by} older`);
}

/** Puts a running emulator back to its start. */
export async function reset(context: Context, options: RemoteOptions): Promise<ExitCode> {
  const { name, answer } = await call(context, options, "reset", {});
  return done(context, `${name} is ${answer.seeded === true ? "back at its seed" : "empty"}`);
}

function done(context: Context, message: string): ExitCode {
  context.report({ type: "notice", message });
  return ExitCode.ok;
}

/** Makes a control call. Resolves to its answer, and to what the emulator is called. */
async function call(context: Context, options: RemoteOptions, name: string, body: object) {
  const { origin, where = origin } = await addressOf(context, options);
  const found = await emulatorAt(origin);
  const { env, signal } = context;
  const poster = await openPoster({ connections: 1, insecure: false, env, timeoutMs: TIMEOUT_MS });
  try {
    const delivery = { url: origin + CONTROL_PATH + name, body: Buffer.from(JSON.stringify(body)) };
    const result = await poster.post({ ...delivery, method: "POST", headers: [] }, { signal, wholeReply: true });
    signal.throwIfAborted();
    if (result.error !== undefined) throw noEmulator(where, result.error.message);
    const answer = parseJson(result.reply?.toString() ?? "");
    const { error, hint } = answer.ok && isRecord(answer.value) ? answer.value : {};
    if (result.status === 200 && answer.ok) return { name: emulatorName(origin, found), answer: Object(answer.value) };
    if (typeof error !== "string") throw noEmulator(where, `it answered with HTTP ${result.status}`);
    throw usageError(error, typeof hint === "string" ? hint : undefined);
  } finally {
    await poster.close();
  }
}

/** `where`: the origin, with what has named it. */
async function addressOf(
  context: Context,
  { url }: RemoteOptions,
): Promise<{ readonly origin: string; readonly where?: string }> {
  if (url !== undefined) {
    if (isHttpUrl(url)) return { origin: new URL(url).origin };
    throw usageError(`--url: ${JSON.stringify(url)} is not a URL`, `such as ${EMULATOR_URL}`);
  }
  const exported = context.env.ZOHO_API_URL ?? "";
  if (isLocalUrl(exported)) {
    const { origin } = new URL(exported);
    return { origin, where: `${origin} (ZOHO_API_URL)` };
  }
  const own = await ownEmulator(context);
  if (own !== undefined) return { origin: own };
  const message = `no emulator runs in ${oneLine(projectFolder(context))}`;
  const other = await emulatorAt(EMULATOR_URL);
  if (other === undefined) throw new UserError("targetFailed", message, START_HINT);
  const whose = other.folder === undefined ? "another one" : emulatorName(EMULATOR_URL, other);
  throw new UserError(
    "targetFailed",
    `${message}; ${EMULATOR_URL} is ${whose}`,
    `start one with zoho-hooks emulate, or use that one with --url ${EMULATOR_URL}`,
  );
}

const START_HINT = "start one with zoho-hooks emulate, or name its address with --url";

function noEmulator(where: string, reason: string): UserError {
  return new UserError("targetFailed", `no emulator answers at ${where}: ${reason}`, START_HINT);
}
