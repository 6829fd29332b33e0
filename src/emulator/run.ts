import { resolve } from "node:path";
import { maskUrl } from "../delivery/mask.ts";
import { boundOutput } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { ExitCode } from "../util/errors.ts";
import { isLoopback, reachableOrigin } from "../util/hosts.ts";
import { firstOf } from "../util/timing.ts";
import { parseInteger } from "../util/units.ts";
import { variablesOf } from "./accounts.ts";
import type { NumberedDelivery } from "./deliveries.ts";
import { openEmulator } from "./emulator.ts";
import { seed } from "./seed.ts";
import { emptyState } from "./state.ts";
import { openStateFile } from "./state-file.ts";
import type { NumberedRequest } from "./view.ts";

export interface EmulateOptions {
  readonly port: string;
  readonly host: string;
  readonly state?: string;
  readonly seed?: string;
  readonly env?: boolean;
}

export const EMULATOR_PORT = "4480";

/** Serves an emulated organisation until Ctrl-C. With `env` it only prints the variables for one. */
export async function emulate(context: Context, options: EmulateOptions): Promise<ExitCode> {
  const { host } = options;
  const port = parseInteger(options.port, "--port", 0, 65_535);
  if (options.env === true) return printVariables(context, reachableOrigin(host, port));
  const file =
    options.state === undefined ? undefined : await openStateFile(context, resolve(context.cwd, options.state));
  const state = file?.state ?? emptyState();
  const { report } = boundOutput(context, {
    elsewhere: "the emulator's page shows the newest requests and deliveries",
  });
  context.neverWaitForTerminal();
  const { secrets } = loadConfig(context, { needsSecrets: true, onFault: () => undefined });
  let hasDropped = false;
  const noteDropped = (dropped: number): void => {
    if (dropped === 0 || hasDropped) return;
    hasDropped = true;
    const message =
      "only the newest 10,000 requests and deliveries are kept, at most 64 MB of each: older ones are dropped";
    report({ type: "warning", message });
  };
  try {
    const emulator = await openEmulator({
      ...{ host, port, state, secrets, env: context.env, packageRoot: context.packageRoot, now: context.now },
      onRequest(request) {
        report(requestReport(request));
        noteDropped(emulator.requests.dropped);
      },
      onDelivery(delivery) {
        report(deliveryReport(delivery));
        noteDropped(emulator.deliveries.sent.dropped);
      },
      mask: (json) => context.knownSecrets.maskJson(json),
      onTrouble: (message) => report({ type: "warning", message: `the emulator: ${message}` }),
      onChange: () => file?.changed(),
    });
    try {
      if (options.seed !== undefined) {
        if (file?.isEmpty === false)
          report({ type: "warning", message: `${options.seed} was not read: ${options.state} is not empty` });
        else seed(emulator, resolve(context.cwd, options.seed));
      }
      reportReady(context, emulator.url, options);
      await firstOf([context.signal]);
    } finally {
      await emulator.close();
    }
  } finally {
    await file?.close();
  }
  return ExitCode.ok;
}

function printVariables(context: Context, url: string): ExitCode {
  const env = variablesOf(url);
  const text = Object.entries(env)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
  context.report({ type: "text", text, json: { type: "emulator", url, env } });
  return ExitCode.ok;
}

function reportReady(context: Context, url: string, { host }: EmulateOptions): void {
  const { port } = new URL(url);
  const { invocation } = context;
  const at = port === EMULATOR_PORT ? "" : ` --port ${port}`;
  const elsewhere = port === EMULATOR_PORT ? "" : ` --url ${url}`;
  context.report({
    type: "emulator",
    url,
    env: variablesOf(url),
    tries: [
      ["page", `${url}/`],
      ["variables", `export $(${invocation} emulate --env${at})`],
      ["try it", `${invocation} listen 3000 --channel Leads.create`],
      ["faults", `${invocation} emulate fail 429${elsewhere}`],
    ],
  });
  if (isLoopback(host) || host === "::1") return;
  const message = `anyone who can reach ${host} can use this emulator: its client and refresh token are published`;
  context.report({ type: "warning", message });
}

function requestReport({ at, query, headers: _headers, body: _body, ...seen }: NumberedRequest) {
  const path = maskUrl(query === "" ? seen.path : `${seen.path}?${query}`);
  return { type: "emulated-request", ...seen, at: new Date(at), path } as const;
}

function deliveryReport({ at, delivery, ...sent }: NumberedDelivery) {
  return { type: "emulated-delivery", ...sent, at: new Date(at), url: maskUrl(delivery.url) } as const;
}
