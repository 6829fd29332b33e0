import { lookup } from "node:dns/promises";
import { headerValue } from "../../delivery/delivery.ts";
import { openDispatchers } from "../../forward/dispatchers.ts";
import { openPoster } from "../../forward/post.ts";
import { chooseRunTunnel } from "../../listener/tunnel.ts";
import { loadNgrok, NGROK_SERVER_ADDR, tryNgrok } from "../../tunnel/ngrok-session.ts";
import type { TunnelChoice } from "../../tunnel/open-tunnel.ts";
import { probe } from "../../tunnel/probe.ts";
import { errorText, UserError } from "../../util/errors.ts";
import { reachableHost } from "../../util/hosts.ts";
import { PROBE_ANSWER_HEADER, PROBE_HEADER } from "../../util/probe-key.ts";
import { withTimeout } from "../../util/timing.ts";
import { formatDuration } from "../../util/units.ts";
import {
  type CheckedProject,
  type Finding,
  failed,
  fromError,
  isOffline,
  passed,
  silentContext,
  skipped,
} from "./finding.ts";

/** Whether ngrok can be reached, and accepts the authtoken. Opens no tunnel. */
export async function ngrokFindings(project: CheckedProject, signal: AbortSignal): Promise<readonly Finding[]> {
  const { context, config, listener } = project;
  let choice: TunnelChoice;
  try {
    choice = await chooseRunTunnel(silentContext(context), config);
  } catch (error) {
    return [fromError("ngrok.token", error)];
  }
  if (choice.kind === "public-url") return [skipped("ngrok.token", "not needed: publicUrl is set")];
  if (choice.kind === "none") {
    if (choice.wanted) return [skipped("ngrok.token", "not needed: tunnel is none")];
    if (listener?.publicUrl !== undefined) return [skipped("ngrok.token", "none, and listen has another public URL")];
    const remedy = "for a public URL: set NGROK_AUTHTOKEN, or listen --public-url https://…";
    return [skipped("ngrok.token", "none: Zoho cannot reach this machine", remedy)];
  }
  const { authtoken, serverAddr = NGROK_SERVER_ADDR } = choice.settings;
  const isVariable = authtoken.origin === "NGROK_AUTHTOKEN" && context.env.NGROK_AUTHTOKEN === undefined;
  const from = `from ${isVariable ? config.variableOrigin("NGROK_AUTHTOKEN") : authtoken.origin}`;
  if (listener?.publicUrl !== undefined) return [passed("ngrok.token", `${from}; listen has a tunnel open`)];
  try {
    const { hostname } = new URL(`tcp://${serverAddr}`);
    await lookup(hostname.replace(/^\[|\]$/g, ""));
  } catch (error) {
    return [notTried(from), skipped("ngrok.reach", `not asked: ${errorText(error)}`)];
  }
  const startedAt = performance.now();
  try {
    const { settings } = choice;
    const sdk = await loadNgrok();
    await withTimeout(NGROK_TIMEOUT_MS, [signal], (limit) => tryNgrok(sdk, settings, limit));
    const took = formatDuration(performance.now() - startedAt);
    return [passed("ngrok.token", `${from}: accepted`), passed("ngrok.reach", `${serverAddr} in ${took}`)];
  } catch (error) {
    signal.throwIfAborted();
    // Its name was found, so there is a network.
    if (isOffline(error) && !(error instanceof UserError))
      return [
        notTried(from),
        failed("ngrok.reach", `${serverAddr} does not answer`, "allow it in the firewall, or use --public-url"),
      ];
    if (!(error instanceof UserError)) throw error;
    if (/^ngrok/.test(error.code)) return [notTried(from), fromError("ngrok.reach", error)];
    // Only ngrok itself has such codes, so it was reached. 108: another agent runs, perhaps this user's.
    const outcome = error.code === "ERR_NGROK_108" ? "warning" : "failed";
    return [fromError("ngrok.token", error, outcome), passed("ngrok.reach", serverAddr)];
  }
}

const NGROK_TIMEOUT_MS = 4_000;

function notTried(from: string): Finding {
  return skipped("ngrok.token", `${from}: not tried`);
}

/** Whether requests to the public URL of the running `listen` arrive there. */
export async function publicUrlFindings(project: CheckedProject, signal: AbortSignal): Promise<readonly Finding[]> {
  const { config, listener } = project;
  if (listener === undefined) {
    return [skipped("public-url", "not asked: no listen runs in this project")];
  }
  const { pid, port, publicUrl: url } = listener;
  if (url === undefined) return [skipped("public-url", "none: listen runs without a tunnel")];
  if (port === undefined)
    return [skipped("public-url", `${url}: not asked, since the port of listen (process ${pid}) is not known`)];
  const local = `http://${inUrl(reachableHost(config.settings.host))}:${port}`;
  const dispatchers = await openDispatchers({ connections: 1, insecure: false, env: config.env });
  try {
    const target = new URL(url);
    const through = dispatchers.isDirect(target) ? {} : { dispatcher: dispatchers.for(target) };
    const key = { answer: (nonce: string) => answerOf(local, nonce, signal) };
    const result = await probe({
      publicUrl: url,
      key,
      signal,
      pausesMs: [0, 500],
      timeoutMs: PROBE_TIMEOUT_MS,
      ...through,
    });
    if (result.ok) return [passed("public-url", `${url} arrives here in ${formatDuration(result.latencyMs)}`)];
    if (isOffline(new Error(result.reason))) return [skipped("public-url", `${url}: not asked: ${result.reason}`)];
    const remedy = "start listen again, or point your tunnel to its port";
    return [failed("public-url", `a request to ${url} did not arrive here: ${result.reason}`, remedy)];
  } finally {
    await dispatchers.close();
  }
}

const PROBE_TIMEOUT_MS = 2_000;

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** What the receiver at a local address answers to a nonce: only it has the key. */
async function answerOf(local: string, nonce: string, signal: AbortSignal): Promise<string | undefined> {
  const poster = await openPoster({ connections: 1, insecure: false, env: {}, timeoutMs: PROBE_TIMEOUT_MS });
  try {
    const request = {
      method: "GET",
      url: `${local}/readyz`,
      headers: [[PROBE_HEADER, nonce]],
      body: Buffer.alloc(0),
    } as const;
    return headerValue(await poster.post(request, { signal }), PROBE_ANSWER_HEADER);
  } finally {
    await poster.close();
  }
}
