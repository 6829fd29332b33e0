import { connect } from "node:net";
import { UserError } from "../core/errors.ts";

/**
 * Opens a TCP connection and closes it again. The agent itself reports every failure to connect in the same words and
 * has no time-out; this tells a missing network from a wrong name and a refusal, in bounded time.
 */
export function dial(serverAddr: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(`tcp://${serverAddr}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443) });
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const onAbort = (): void => settle(new Error("given up", { cause: signal.reason }));
    const timer = setTimeout(() => settle(unreachable(serverAddr, `no answer in ${timeoutMs / 1000} s`)), timeoutMs);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", () => settle(undefined));
    socket.once("error", (error: NodeJS.ErrnoException) => settle(unreachable(serverAddr, reasonOf(error))));
    if (signal.aborted) onAbort();
  });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") return `its name cannot be resolved (${error.code})`;
  if (error.code === "ECONNREFUSED") return "the connection was refused (ECONNREFUSED)";
  return error.code ?? error.message;
}

function unreachable(serverAddr: string, reason: string): UserError {
  return new UserError(
    "connectionLost",
    `ngrok cannot be reached at ${serverAddr}: ${reason}`,
    "check the network and its firewall: the agent connects directly, not through HTTPS_PROXY; " +
      "or use --tunnel none to work without a tunnel, or --public-url URL to use your own",
    "ngrokUnreachable",
  );
}
