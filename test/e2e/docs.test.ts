import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, blocksOf, DocsPage } from "../support/docs-page.ts";
import { lacks } from "../support/needs.ts";
import { sharedAddress } from "../support/postgres.ts";
import { FAILURE_SCOPES } from "../support/salesiq.ts";
import { freePort } from "../support/target.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Generated, and checked by tests of their own. */
const GENERATED = ["commands.md", "events.md"];
const DOCS = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" });
const pages = [
  "README.md",
  "skills/zoho-hooks/SKILL.md",
  ...DOCS.filter((name) => name.endsWith(".md") && !GENERATED.includes(name)).map((name) => join("docs", name)),
];

const isFile = ({ words }: Block) => words.some((word) => word.startsWith("file="));
const isServer = (block: Block) => isFile(block) && /\.listen\(/.test(block.text);
const pagesWithServer = pages.filter((name) => blocksOf(readPage(name)).some(isServer));

let zoho: ZohoServer;
beforeAll(async () => {
  zoho = await startZohoServer();
  const { failures, salesIq } = zoho;
  salesIq.url = "https://a.example/siq";
  failures.crm = [
    { id: "4876876000016474075", at: new Date(Date.now() - 60_000).toISOString(), reason: "page_notfound" },
  ];
  const failed = { id: "0db0d4d5-f4ae-4cb2-9ee4-990c171cddab", at: Date.now(), status: 502, retries: 3 };
  salesIq.executions["19367000000120011"] = [failed];
});
afterAll(() => zoho.close());

function readPage(name: string): string {
  return readFileSync(join(ROOT, name), "utf8").replaceAll("\r\n", "\n");
}

/** What a page calls https://hooks.example.com: a tunnel to the port of its `listen`, over http as the test's Zoho allows. */
async function startTunnel(port: number): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const passedOn = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passedOn.on("error", () => response.writeHead(502).end());
    incoming.pipe(passedOn);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

/** What the pages show for Zoho's own servers, and what is shown for the one of the tests, which needs no tunnel. */
const WITH_LOCAL_ZOHO = [
  ["  public URL   none: press t for one, set NGROK_AUTHTOKEN, or use --public-url\n  keys", "  keys"],
  [
    "none: Zoho cannot reach this machine\n    → for a public URL: listen --tunnel cloudflared, set NGROK_AUTHTOKEN, or listen --public-url https://…",
    "not needed: Zoho is on this machine",
  ],
] as const;

/** What a page calls its database, as it is typed and as it is shown. */
async function databaseAddresses(name: string): Promise<readonly (readonly [string, string])[]> {
  const [page, run] = ["postgres://hooks@db.example.com/hooks", await sharedAddress(name)];
  const masked = (address: string) => address.replace(/[^/]*@/, "[masked]@");
  return [
    [page, run],
    [masked(page), masked(run)],
  ];
}

describe.skipIf(lacks("script of util-linux"))("the examples of", { timeout: 120_000 }, () => {
  it.each(pages)("%s do what the page shows", async (name) => {
    const text = readPage(name);
    const [port, appPort, zohoPort] = [await freePort(), await freePort(), await freePort()];
    const tunnel = await startTunnel(port);
    const closers = [() => tunnel.close()];
    const page = new DocsPage({
      env: {
        ZOHO_HOOKS_PORT: String(port),
        ZOHO_ACCOUNTS_URL: zoho.url,
        ZOHO_API_URL: zoho.url,
        ZOHO_CLIENT_ID: zoho.accounts.clientId,
        ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
        // A page that signs in has no other sign-in before.
        ...(text.includes("$ zoho-hooks login")
          ? {}
          : { ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken([...ALL_SCOPES, ...FAILURE_SCOPES]) }),
      },
      replaced: [
        ["https://hooks.example.com", tunnel.url],
        ["4460", String(port)],
        ["4480", String(zohoPort)],
        ["$ zoho-hooks emulate\n", `$ zoho-hooks emulate --port ${zohoPort}\n`],
        ["emulate --env", `emulate --env --port ${zohoPort}`],
        ...["fail 429", "fail twice", "advance 6d", "reset"].map(
          (call) => [`emulate ${call}`, `emulate ${call} --url http://127.0.0.1:${zohoPort}`] as const,
        ),
        ["3000", String(appPort)],
        ...WITH_LOCAL_ZOHO,
        ...(lacks("postgresql") ? [] : await databaseAddresses(name)),
        ["1000.the-code", zoho.accounts.makeCode(ALL_SCOPES)],
      ],
      // By fetch, which takes the page's own certificate: the emulator's deliveries take only those of known authorities.
      notify(event, ids) {
        const [module = "", verb = ""] = event.split(".");
        const posts = zoho.watch.notificationsOf({ product: "crm", module, verb: verb as "create", ids });
        const headers = { "content-type": "application/json" };
        return Promise.all(
          posts.map(({ url, body }) => fetch(url, { method: "POST", headers, body: JSON.stringify(body) })),
        );
      },
      startApp: async () => {
        const app = createServer((_, response) => response.end("OK"));
        closers.push(() => void app.close());
        await once(app.listen(appPort, "127.0.0.1"), "listening");
      },
    });
    try {
      for (const block of blocksOf(text)) {
        // Renewed in the second of its creation, a channel has no later expiry.
        if (block.text.includes("$ zoho-hooks channels renew")) zoho.advance(5_000);
        await expect(page.run(block), `${name}:${block.line}`).resolves.toBeUndefined();
      }
    } finally {
      page.close();
      for (const close of closers) close();
    }
  });

  it.each(pagesWithServer)("%s say that their port is taken, and fail", async (name) => {
    const occupant = createServer();
    await once(occupant.listen(0), "listening");
    const { address, port } = occupant.address() as AddressInfo;
    const page = new DocsPage({
      env: {
        PORT: String(port),
        ZOHO_WEBHOOK_SECRET: "s3cretOfMyApp",
        ZOHO_WEBHOOK_TOKEN: "t0ken",
        ZOHO_WEBHOOK_PUBLIC_KEY: "/dev/null",
        DESK_JWKS: 'data:application/json,{"keys":[]}',
        DESK_AUDIENCE: "app",
      },
      replaced: [["3000", String(port)]],
      notify: async () => {},
      startApp: async () => {},
    });
    const message = `Error: listen EADDRINUSE: address already in use ${address}:${port}`;
    const start = { language: "console", words: [], text: `$ node app.mjs    # exits with 1\n…\n${message}\n…\n` };
    try {
      for (const block of blocksOf(readPage(name)).filter(isFile)) {
        await page.run(block);
        if (isServer(block)) await page.run({ ...start, line: block.line });
      }
    } finally {
      page.close();
      occupant.close();
    }
  });
});
