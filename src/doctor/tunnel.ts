import { type Found, failed, passed, skipped } from "../checks/finding.ts";
import { headerValue } from "../delivery/delivery.ts";
import { noSecrets } from "../delivery/secrets.ts";
import { openDispatchers } from "../forward/dispatchers.ts";
import { arrivalFault, chooseRunTunnel, runProbeKey } from "../listener/tunnel-part.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import type { Config } from "../project/load.ts";
import { startReceiver } from "../receiver/receiver.ts";
import { memoryRecorder } from "../receiver/recorder.ts";
import { loadNgrok, NGROK_SERVER_ADDR, tryNgrok } from "../tunnel/ngrok-session.ts";
import { type ProbeOptions, type ProbeResult, probe } from "../tunnel/probe.ts";
import { parsePublicUrl } from "../tunnel/public-url.ts";
import { errorCode, errorText, orUndefined, UserError } from "../util/errors.ts";
import { PROBE_ANSWER_HEADER, PROBE_HEADER } from "../util/probe-key.ts";
import { withTimeout } from "../util/timing.ts";
import { formatDuration } from "../util/units.ts";
import { usesLocalZoho } from "../zoho-api/session.ts";
import { getReady } from "./listener.ts";
import { type CheckedProject, fromError, silentContext } from "./project.ts";

/** Whether ngrok can be reached, and accepts the authtoken. Opens no tunnel. */
export async function checkNgrok(
  { context, config, listener }: CheckedProject,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const isZohoLocal = await usesLocalZoho(context, config);
  const choice = await chooseRunTunnel(silentContext(context), config, isZohoLocal);
  if (choice.kind === "public-url") return [skipped("not needed: publicUrl is set")];
  if (choice.kind === "cloudflared") return [skipped("not needed: tunnel is cloudflared, which is installed")];
  if (choice.kind === "none") {
    if (choice.wanted) return [skipped("not needed: tunnel is none")];
    if (isZohoLocal) return [skipped("not needed: Zoho is on this machine")];
    if (listener?.publicUrl !== undefined) return [skipped("none, and listen has another public URL")];
    const remedy =
      "for a public URL: listen --tunnel cloudflared, set NGROK_AUTHTOKEN, or listen --public-url https://…";
    return [skipped("none: Zoho cannot reach this machine", remedy)];
  }
  const { settings } = choice;
  const { authtoken, serverAddr = NGROK_SERVER_ADDR } = settings;
  const { origin } = authtoken;
  const isInFile = origin.startsWith("NGROK_AUTHTOKEN") && context.env[origin] === undefined;
  const from = `from ${isInFile ? config.variableOrigin(origin) : origin}`;
  if (listener?.publicUrl !== undefined) return [passed(`${from}; listen has a tunnel open`)];
  const reach = (found: Found): Found => ({ ...found, id: "ngrok.reach" });
  const startedAt = performance.now();
  try {
    const sdk = await loadNgrok();
    await withTimeout(NGROK_TIMEOUT_MS, [signal], (limit) => tryNgrok(sdk, settings, limit));
    const took = formatDuration(performance.now() - startedAt);
    return [passed(`${from}: accepted`), reach(passed(`${serverAddr} in ${took}`))];
  } catch (error) {
    signal.throwIfAborted();
    // Only ngrok itself has such codes, so it was reached.
    if (errorCode(error)?.startsWith("ERR_NGROK")) return [fromError(error), reach(passed(serverAddr))];
    const isKnown = error instanceof UserError;
    const remedy = "allow it in the firewall, or use --public-url";
    const fault = isKnown ? fromError(error) : failed(`${serverAddr} does not answer: ${errorText(error)}`, remedy);
    return [skipped(`${from}: not tried`), reach(fault)];
  }
}

const NGROK_TIMEOUT_MS = 4_000;

/** Whether requests to the public URL arrive: at the running `listen`, or else at a receiver on its port, for a moment. */
export async function checkPublicUrl(project: CheckedProject, signal: AbortSignal): Promise<Found> {
  const { config, listener } = project;
  if (listener === undefined) return checkOwnTunnel(project, signal);
  const { pid, publicUrl: url, receiver } = listener;
  if (url === undefined) return skipped("none: listen runs without a tunnel");
  if (receiver === undefined)
    return skipped(`${url}: not checked, because the port of listen (process ${pid}) is not known`);
  // Only that process has the key.
  const answer = async (nonce: string): Promise<string | undefined> =>
    headerValue(await getReady(receiver.url, signal, [[PROBE_HEADER, nonce]]), PROBE_ANSWER_HEADER);
  const result = await probeUrl(config, url, { answer }, signal);
  if (result.ok) return passed(`${url} arrives here in ${formatDuration(result.latencyMs)}`);
  const remedy = "start listen again, or point your tunnel to its port";
  return failed(`a request to ${url} did not arrive here: ${result.reason}`, remedy);
}

/** Whether `listen` would be reached through a tunnel that the user runs, without which it does not start. */
async function checkOwnTunnel({ context, config }: CheckedProject, signal: AbortSignal): Promise<Found> {
  const { host, port, publicUrl, store, maxBody } = config.settings;
  // For a wrong URL listen does not start, which has a line of its own.
  const url = publicUrl === undefined ? undefined : orUndefined(() => parsePublicUrl(publicUrl));
  if (url === undefined) return skipped("not checked: no listen runs in this project");
  const probeKey = runProbeKey(config);
  // It knows no product: what a sender posts meanwhile is answered with 404, since nothing records it.
  const receiver = await startReceiver({
    host,
    port,
    products: [],
    secrets: noSecrets,
    policy: { schema: "off", onInvalid: "reject" },
    limits: {},
    allowed: undefined,
    maxBody,
    recorder: memoryRecorder(),
    pid: context.pid,
    probeKey,
    publicHost: new URL(url).host,
    now: context.now,
    onEvent: () => {},
    onTrouble: () => {},
  }).catch(() => undefined);
  if (receiver === undefined) return skipped(`${url}: not checked, because its port cannot be opened`);
  try {
    const result = await probeUrl(config, url, probeKey, signal);
    const fault = arrivalFault(config, { kind: "public-url", url }, result);
    if (fault === undefined) return passed(`${url} arrives at ${receiver.url}`);
    // Receivers on one log may start before the proxy in front of them asks them.
    return fromError(fault, !result.ok && isDatabaseAddress(String(store)) ? "warning" : "failed");
  } finally {
    await receiver.close(0);
  }
}

const PROBE_TIMEOUT_MS = 2_000;

/** Sends a request to a public URL, and a second one if that fails, as `listen` would. */
async function probeUrl(
  { env, settings }: Pick<Config, "env" | "settings">,
  publicUrl: string,
  key: ProbeOptions["key"],
  signal: AbortSignal,
): Promise<ProbeResult> {
  const dispatchers = await openDispatchers({ connections: 1, insecure: false, env });
  try {
    const target = new URL(publicUrl);
    const dispatcher = dispatchers.isDirect(target) ? undefined : dispatchers.for(target);
    return await probe({
      publicUrl,
      key,
      signal,
      forgesAddress: settings.allowIp.length > 0,
      pausesMs: [0, 500],
      timeoutMs: PROBE_TIMEOUT_MS,
      dispatcher,
    });
  } finally {
    await dispatchers.close();
  }
}
