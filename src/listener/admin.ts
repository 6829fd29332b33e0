import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../log/log.ts";
import { plainReply, type Reply } from "../model/product.ts";
import { openServer, sendReply } from "../receiver/http-server.ts";
import { jsonReply, readyReply } from "../receiver/routes.ts";
import { errorText, usageError } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { parseInteger } from "../util/units.ts";
import type { ListenContext } from "./lines.ts";
import type { LogPart } from "./log-part.ts";
import type { Part } from "./part.ts";

/** Serves counts, and whether the run is ready: no bodies, so it needs no token. */
export interface AdminPart extends Part {
  readonly metricsUrl: string;
  /** The log, with its writes counted. */
  watch(log: Log): Log;
  /** From now on `/readyz` answers 200 while deliveries can be recorded, until `signal` aborts. */
  ready(signal: AbortSignal, log: LogPart | undefined): void;
}

export async function startAdmin(context: ListenContext, address: string): Promise<AdminPart> {
  const { host, port } = parseAddress(address);
  const { createMetrics } = await import("./metrics.ts");
  const metrics = createMetrics(context.now);
  let ready = (): Promise<Reply> => readyReply("starting");

  async function answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method !== "GET" && method !== "HEAD") return sendReply(response, plainReply(405, "only GET"));
    switch (url?.replace(/\?.*$/s, "")) {
      case "/healthz":
        return sendReply(response, jsonReply(200, { status: "ok" }));
      case "/readyz":
        return sendReply(response, await ready());
      case "/metrics":
        return sendReply(response, {
          status: 200,
          contentType: metrics.contentType,
          body: context.knownSecrets.mask(await metrics.text()),
        });
      default:
        return sendReply(response, plainReply(404, "there are /metrics, /healthz and /readyz"));
    }
  }

  const server = await openServer({ host, port }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      context.report({ type: "warning", message: `--admin: ${errorText(error)}` });
      if (!response.headersSent) sendReply(response, plainReply(500, "internal error of zoho-hooks"));
    });
  }).catch((error: unknown) => {
    throw usageError(`--admin: ${errorText(error)}`, "choose another address, such as --admin 9464");
  });
  const shown = `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`;
  if (!isLoopback(host) && host !== "::1") {
    const message = `anyone who can reach ${shown} sees how many deliveries come and where they go`;
    context.report({ type: "warning", message, hint: "use --admin with a port alone for this machine only" });
  }
  return {
    name: "the admin server",
    metricsUrl: `${shown}/metrics`,
    notes: [`Metrics at ${shown}/metrics.`],
    watch: metrics.watch,
    ready(signal, log) {
      ready = () => readyReply(signal.aborted ? "stopping" : "ready", log?.whyNotReady);
    },
    onEvent: metrics.onEvent,
    stop: () => server.close(0),
  };
}

/** `9464`, `127.0.0.1:9464`, `[::1]:9464` */
function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[(?<v6>[0-9a-f:.]+)\]:|(?<name>[^\s:[\]/]+):)?(?<port>\d+)$/i.exec(text);
  const { v6, name, port } = match?.groups ?? {};
  if (port === undefined)
    throw usageError(`--admin ${JSON.stringify(text)} is not host:port`, "write it as 9464 or 127.0.0.1:9464");
  return { host: v6 ?? name ?? "127.0.0.1", port: parseInteger(port, "--admin", 0, 65_535) };
}
