import { rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";
import { type Edit, edited, edits, hostileText } from "./edits.ts";
import { checkEnd, fuzz } from "./fuzz.ts";

/** A command whose answers from Zoho have changes. */
interface Case {
  readonly command: string;
  /** The first answer that is changed; those after it are, too, if `all`. */
  readonly from: number;
  readonly all: boolean;
  readonly status?: number | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly edits: readonly Edit[];
  readonly body: "as it is" | "html" | "huge" | "empty";
  readonly end: "whole" | "cut" | "reset";
}

const URL_OF_CHANNEL = "https://abc.example/webhooks/zoho/crm";
const COMMANDS = [
  ...[
    "list",
    "list --json",
    "show 1000",
    "renew",
    "create Leads.edit --id 1000 --expires 1h",
    "delete --all --yes",
    "delete --dead --yes",
  ],
  `create Leads.create --url ${URL_OF_CHANNEL}`,
  `create Leads.all Contacts.edit --url ${URL_OF_CHANNEL} --json -v`,
].map((each) => `channels ${each}`);
const WEBHOOKS = ["desk", "books", "sign", "inventory"].flatMap((product) => [
  `webhooks list --product ${product}`,
  `webhooks create invoice --product ${product} --url https://abc.example/webhooks/zoho/${product}`,
]);
const header = fc.tuple(
  fc.constantFrom(
    "retry-after",
    "date",
    "content-type",
    "location",
    "content-encoding",
    "set-cookie",
    "x-ratelimit-remaining",
  ),
  fc.oneof(
    fc.constantFrom(
      "0",
      "-1",
      "99999999999",
      "gzip",
      "http://127.0.0.1:1/",
      "text/html",
      "Thu, 01 Jan 1970 00:00:00 GMT",
    ),
    hostileText,
  ),
);
const cases: fc.Arbitrary<Case> = fc.record({
  command: fc.constantFrom(...COMMANDS, ...WEBHOOKS, "login --code CODE --client-id ID", "whoami", "logout"),
  from: fc.nat(3),
  all: fc.boolean(),
  status: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    fc.constantFrom(
      200,
      201,
      202,
      204,
      207,
      301,
      302,
      304,
      400,
      401,
      403,
      404,
      405,
      409,
      413,
      429,
      500,
      502,
      503,
      504,
      599,
    ),
  ),
  headers: fc.array(header, { maxLength: 2 }),
  edits,
  body: fc.oneof({ weight: 6, arbitrary: fc.constant("as it is" as const) }, fc.constantFrom("html", "huge", "empty")),
  end: fc.oneof({ weight: 6, arbitrary: fc.constant("whole" as const) }, fc.constantFrom("cut", "reset")),
});

const HTML = "<!doctype html><html><head><title>\u001b[31mGateway</title></head><body><p>Bad &lt;gateway&gt;";
const HUGE = Buffer.from(`[${"1,".repeat(500_000)}1]`);
const SCOPES = [...ALL_SCOPES, ...managedProducts.flatMap(({ loginScopes }) => loginScopes)];
const ACCESS_TOKEN = /"access_token":"([^"]{20,})"/g;

/** Passes requests on to a strict Zoho, and changes its answers. Collects the access tokens in them. */
async function startChangingProxy(zoho: ZohoServer, each: Case | undefined, tokens: Set<string>): Promise<Server> {
  let count = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { host: _, connection: __, "content-length": ___, "transfer-encoding": ____, ...headers } = request.headers;
    const answer = await fetch(zoho.url + request.url, {
      method: request.method ?? "GET",
      headers: headers as Record<string, string>,
      redirect: "manual",
      ...(body.length === 0 ? {} : { body }),
    });
    const text = await answer.text();
    for (const [, token = ""] of text.matchAll(ACCESS_TOKEN)) tokens.add(token);
    const n = count++;
    const isChanged = each !== undefined && (each.all ? n >= each.from : n === each.from);
    const unchanged = {
      status: answer.status,
      type: answer.headers.get("content-type") ?? "",
      date: answer.headers.get("date") ?? "",
    };
    send(response, { ...unchanged, body: Buffer.from(text) }, isChanged ? each : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function send(
  response: ServerResponse,
  answer: { readonly status: number; readonly type: string; readonly date: string; readonly body: Buffer },
  each: Case | undefined,
): void {
  const bodies = { "as it is": answer.body, html: Buffer.from(HTML), empty: Buffer.alloc(0) };
  const changed = (from: Case): Buffer => (from.body === "huge" ? HUGE : edited(bodies[from.body], from.edits));
  const body = each === undefined ? answer.body : changed(each);
  response.statusCode = each?.status ?? answer.status;
  response.setHeader("content-type", answer.type);
  response.setHeader("date", answer.date);
  for (const [name, value] of each?.headers ?? [])
    response.setHeader(name, value.replace(/[^\t\x20-\x7e\x80-\xff]/g, ""));
  if (each?.end === "reset") return void response.socket?.resetAndDestroy();
  if (each?.end === "cut") {
    response.setHeader("content-length", body.length + 10);
    return void response.write(body, () => response.socket?.destroy());
  }
  response.end([204, 304].includes(response.statusCode) ? undefined : body);
}

fuzz<Case>({
  name: "zoho-answers",
  share: 0.02,
  cases,
  lanes: 2,
  async check(each) {
    const clock = new TestClock();
    const zoho = await startZohoServer(clock.now);
    const tokens = new Set<string>();
    const refreshToken = zoho.accounts.makeRefreshToken(SCOPES);
    const code = zoho.accounts.makeCode(SCOPES);
    const cwd = tempFolder();
    const call = async (line: string, change: Case | undefined) => {
      const proxy = await startChangingProxy(zoho, change, tokens);
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      zoho.accounts.apiDomain = url;
      const signIn = { ZOHO_CLIENT_ID: zoho.accounts.clientId, ZOHO_REFRESH_TOKEN: refreshToken };
      const env = {
        ZOHO_ACCOUNTS_URL: url,
        ZOHO_API_URL: url,
        ZOHO_KEYRING: "off",
        ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
        ...(line.startsWith("login") ? {} : signIn),
      };
      const argv = line.replace("CODE", code).replace("ID", zoho.accounts.clientId).split(" ");
      const ended = await run(argv, {
        cwd,
        env,
        now: clock.now,
        sleep: clock.sleep,
      });
      proxy.close();
      proxy.closeAllConnections();
      return ended;
    };
    if (/^channels (?!create)/.test(each.command))
      await call(`channels create Leads.create --id 1000 --url ${URL_OF_CHANNEL}`, undefined);
    const ended = await call(each.command, each);
    await zoho.close();
    rmSync(cwd, { recursive: true, force: true });
    checkEnd(ended, [zoho.accounts.clientSecret, refreshToken, ...tokens]);
  },
});
