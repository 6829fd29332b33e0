import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRemoteJWKSet, jwtVerify } from "jose";

// A developer's app for Zoho Desk: it takes the public keys from an address, and answers before it checks if told to.
const [address = "", when = "first"] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(address));

const server = createServer(async (request, response) => {
  request.resume();
  if (when === "after") response.end("OK");
  const token = String(request.headers["x-zdesk-jwt"] ?? "");
  const verdict = await jwtVerify(token, keys, { algorithms: ["RS256"] })
    .then(({ payload }) => `passed ${payload.iss} ${payload.aud}`)
    .catch((error: unknown) => `failed ${error instanceof Error ? error.message : error}`);
  process.stdout.write(`${verdict}\n`);
  if (when === "first") response.writeHead(verdict.startsWith("passed") ? 200 : 401).end(verdict);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
