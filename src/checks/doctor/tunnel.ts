import { lookup } from "node:dns/promises";
import { headerValue } from "../../delivery/delivery.ts";
import { openDispatchers } from "../../forward/dispatchers.ts";
import { openPoster } from "../../forward/post.ts";
import { chooseRunTunnel } from "../../listener/tunnel-part.ts";
import { loadNgrok, NGROK_SERVER_ADDR, tryNgrok } from "../../tunnel/ngrok-session.ts";
import { probe } from "../../tunnel/probe.ts";
import { errorText, UserError } from "../../util/errors.ts";
import { reachableHost } from "../../util/hosts.ts";
import { PROBE_ANSWER_HEADER, PROBE_HEADER } from "../../util/probe-key.ts";
import { withTimeout } from "../../util/timing.ts";
import { formatDuration } from "../../util/units.ts";
import { usesLocalZoho } from "../../zoho-api/session.ts";
import { type Found, failed, passed, skipped } from "../finding.ts";
import { type CheckedProject, fromError, isOffline, silentContext } from "./project.ts";

/** Whether ngrok can be reached, and accepts the authtoken. Opens no tunnel. */
export async function checkNgrok(
  { context, config, listener }: CheckedProject,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const isZohoLocal = await usesLocalZoho(context, config);
  const choice = await chooseRunTunnel(silentContext(context), config, isZohoLocal);
  if (choice.kind === "public-url") return [skipped("not needed: publicUrl is set")];
  if (choice.kind === "none") {
    if (choice.wanted) return [skipped("not needed: tunnel is none")];
    if (isZohoLocal) return [skipped("not needed: Zoho is on this machine")];
    if (listener?.publicUrl !== undefined) return [skipped("none, and listen has another public URL")];
    const remedy = "for a public URL: set NGROK_AUTHTOKEN, or listen --public-url https://…";
    return [skipped("none: Zoho cannot reach this machine", remedy)];
  }
  const { settings } = choice;
  const { authtoken, serverAddr = NGROK_SERVER_ADDR } = settings;
  const isVariable = authtoken.origin === "NGROK_AUTHTOKEN" && context.env.NGROK_AUTHTOKEN === undefined;
  const from = `from ${isVariable ? config.variableOrigin("NGROK_AUTHTOKEN") : authtoken.origin}`;
  if (listener?.publicUrl !== undefined) return [passed(`${from}; listen has a tunnel open`)];
  const reach = (found: Found): Found => ({ ...found, id: "ngrok.reach" });
  const notTried = skipped(`${from}: not tried`);
  try {
    const { hostname } = new URL(`tcp://${serverAddr}`);
    await lookup(hostname.replace(/^\[|\]$/g, ""));
  } catch (error) {
    return [notTried, reach(skipped(`not checked: ${errorText(error)}`))];
  }
  const startedAt = performance.now();
  try {
    const sdk = await loadNgrok();
    await withTimeout(NGROK_TIMEOUT_MS, [signal], (limit) => tryNgrok(sdk, settings, limit));
    const took = formatDuration(performance.now() - startedAt);
    return [passed(`${from}: accepted`), reach(passed(`${serverAddr} in ${took}`))];
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof UserError)) {
      if (!isOffline(error)) throw error;
      // Its name was found, so there is a network.
      const remedy = "allow it in the firewall, or use --public-url";
      return [notTried, reach(failed(`${serverAddr} does not answer`, remedy))];
    }
    if (/^ngrok/.test(error.code)) return [notTried, reach(fromError(error))];
    // Only ngrok itself has such codes, so it was reached. 108: another agent runs, perhaps this user's.
    return [fromError(error, error.code === "ERR_NGROK_108" ? "warning" : "failed"), reach(passed(serverAddr))];
  }
}

const NGROK_TIMEOUT_MS = 4_000;

/** Whether requests to the public URL of the running `listen` arrive there. */
export async function checkPublicUrl({ config, listener }: CheckedProject, signal: AbortSignal): Promise<Found> {
  if (listener === undefined) return skipped("not checked: no listen runs in this project");
  const { pid, port, publicUrl: url } = listener;
  if (url === undefined) return skipped("none: listen runs without a tunnel");
  if (port === undefined)
    return skipped(`${url}: not checked, because the port of listen (process ${pid}) is not known`);
  const host = reachableHost(config.settings.host);
  const local = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const dispatchers = await openDispatchers({ connections: 1, insecure: false, env: config.env });
  try {
    const target = new URL(url);
    const result = await probe({
      publicUrl: url,
      key: { answer: (nonce: string) => answerOf(local, nonce, signal) },
      signal,
      pausesMs: [0, 500],
      timeoutMs: PROBE_TIMEOUT_MS,
      dispatcher: dispatchers.isDirect(target) ? undefined : dispatchers.for(target),
    });
    if (result.ok) return passed(`${url} arrives here in ${formatDuration(result.latencyMs)}`);
    if (isOffline(new Error(result.reason))) return skipped(`${url}: not checked: ${result.reason}`);
    const remedy = "start listen again, or point your tunnel to its port";
    return failed(`a request to ${url} did not arrive here: ${result.reason}`, remedy);
  } finally {
    await dispatchers.close();
  }
}

const PROBE_TIMEOUT_MS = 2_000;

/** Answer of the receiver at a local address to a nonce: only it has the key. */
async function answerOf(local: string, nonce: string, signal: AbortSignal): Promise<string | undefined> {
  const poster = await openPoster({ connections: 1, insecure: false, env: {}, timeoutMs: PROBE_TIMEOUT_MS });
  const headers = [[PROBE_HEADER, nonce]] as const;
  try {
    const request = { method: "GET", url: `${local}/readyz`, headers, body: Buffer.alloc(0) };
    return headerValue(await poster.post(request, { signal }), PROBE_ANSWER_HEADER);
  } finally {
    await poster.close();
  }
}
