import { request } from "node:http";
import { startTarget, type Target } from "./target.ts";

/** Stands between sender and receiver and changes one bit of each body, at another place each time. */
export async function startFlipProxy(port: number): Promise<Target> {
  return startTarget((response, { method, path, headers, body }, n) => {
    const changed = Buffer.from(body);
    const at = (n * 37) % changed.length;
    changed[at] = (changed[at] ?? 0) ^ 1;
    const outgoing = request(
      { host: "127.0.0.1", port, method, path, headers: Object.fromEntries(headers) },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on("error", () => response.destroy());
    outgoing.end(changed);
  });
}
