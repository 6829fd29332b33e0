import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { dataCentres } from "../../src/zoho-api/data-centres.ts";
import { makeCertificates } from "./ngrok-edge/make-certificates.ts";
import { tempFolder } from "./run.ts";

export interface DataCentreWorld {
  /** What a child process needs so that Zoho's hosts are the servers of the test, by a proxy and an authority of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** The hosts that were asked, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/**
 * Zoho's own accounts hosts, and that of a data centre that only Zoho's list has (`sg`), each led to a server of the test by its
 * id; those of no server are not to be reached.
 */
export async function startDataCentres(servers: Readonly<Record<string, string>>): Promise<DataCentreWorld> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const known = dataCentres.map(({ id, accountsUrl }) => ({ id, host: new URL(accountsUrl).host }));
  const hosts = [...known, { id: "sg", host: "accounts.zoho.sg" }];
  const { caPem, keyPem: key, certPem: cert } = await makeCertificates(hosts.map(({ host }) => host));
  const front = createTlsServer({ key, cert }, async (request, response) => {
    const host = request.headers.host ?? "";
    asked.push(host);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = `${servers[hosts.find((each) => each.host === host)?.id ?? ""]}${request.url}`;
    const headers = { "content-type": request.headers["content-type"] ?? "" };
    const { method = "POST" } = request;
    const reply = await fetch(url, { method, headers, ...(method === "POST" ? { body: Buffer.concat(chunks) } : {}) });
    response.writeHead(reply.status, { "content-type": "application/json" }).end(await reply.text());
  });
  const frontPort = await listen(front);
  const proxy = createHttpServer();
  proxy.on("connect", ({ url = "" }, socket: Socket) => {
    const id = hosts.find(({ host }) => url === `${host}:443`)?.id ?? "";
    if (servers[id] === undefined) return void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    const onward = connect(frontPort, "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on("error", () => undefined);
    }
    socket.pipe(onward).pipe(socket);
  });
  const caFile = join(tempFolder(), "ca.pem");
  writeFileSync(caFile, caPem);
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${await listen(proxy)}`, NODE_EXTRA_CA_CERTS: caFile },
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      proxy.closeAllConnections();
      front.closeAllConnections();
      await Promise.all([proxy, front].map((server) => new Promise((closed) => server.close(closed))));
    },
  };
}

async function listen(server: ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port.");
  return address.port;
}
