import { connect } from "node:net";
import { isLocalhost } from "../core/loopback.ts";

const PATIENCE_MS = 2000;

/** Whether something accepts connections where a URL points to. Sends nothing. */
export async function isListening(target: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(target);
  const host = hostname.replace(/^\[|\]$/g, "");
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  const hosts = isLocalhost(host) ? ["127.0.0.1", "::1"] : [host];
  const answers = await Promise.all(hosts.map((each) => accepts(each, number)));
  return answers.includes(true);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PATIENCE_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
