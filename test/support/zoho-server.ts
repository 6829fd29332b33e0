import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { parseJson } from "../../src/util/json.ts";
import { Accounts } from "./zoho-server/accounts.ts";
import { type Answer, bareFault, type SeenRequest } from "./zoho-server/answer.ts";
import { crmData } from "./zoho-server/crm-data.ts";
import { DeskWebhooks } from "./zoho-server/desk-webhooks.ts";
import { FailureLists } from "./zoho-server/failure-lists.ts";
import { FinanceWebhooks } from "./zoho-server/finance-webhooks.ts";
import { SignWebhooks } from "./zoho-server/sign-webhooks.ts";
import { Watch } from "./zoho-server/watch.ts";

/** A failure instead of an answer: `cut` drops the connection, `silent` never answers. */
type Trouble = "cut" | "silent" | Answer;

export interface ZohoServer {
  readonly url: string;
  readonly accounts: Accounts;
  readonly watch: Watch;
  readonly desk: DeskWebhooks;
  readonly finance: FinanceWebhooks;
  readonly sign: SignWebhooks;
  readonly failures: FailureLists;
  readonly requests: readonly SeenRequest[];
  /** The requests to the token endpoint. */
  tokenRequests(): readonly SeenRequest[];
  /** Makes the next matching requests fail; later calls queue up. */
  trouble(trouble: Trouble, times?: number, matches?: (request: SeenRequest) => boolean): void;
  /** Waits for a matching request. */
  seen(matches: (request: SeenRequest) => boolean): Promise<SeenRequest>;
  /** Posts to every channel that watches an event, as Zoho does when a record changes. Resolves to the statuses. */
  notify(event: string, ids: readonly string[], changedAt?: number): Promise<readonly number[]>;
  /** Leaves `Date` out of its answers from now on. */
  hideClock(): void;
  close(): Promise<void>;
}

/**
 * Accounts server and API of one organisation on loopback, as strict as the real ones.
 * The caller provides its clock.
 */
export async function startZohoServer(now: () => Date = () => new Date()): Promise<ZohoServer> {
  const clock = (): number => now().getTime();
  const accounts = new Accounts(clock);
  const watch = new Watch(clock);
  const desk = new DeskWebhooks();
  const finance = new FinanceWebhooks(clock);
  const sign = new SignWebhooks();
  const failures = new FailureLists(clock);
  const requests: SeenRequest[] = [];
  const troubles: { trouble: Trouble; times: number; matches: (request: SeenRequest) => boolean }[] = [];
  const waiting: { matches: (request: SeenRequest) => boolean; resolve: (request: SeenRequest) => void }[] = [];
  const sockets = new Set<Socket>();
  let showsClock = true;
  const date = (): string | undefined => (showsClock ? now().toUTCString() : undefined);

  const answerTo = async (request: SeenRequest, origin: string): Promise<Answer> => {
    const scopes = accounts.scopesOf(tokenOf(request) ?? "");
    const ofProduct = async (): Promise<Answer | undefined> =>
      scopes === undefined
        ? undefined
        : ((await desk.answer(request, scopes)) ??
          finance.answer(request, scopes) ??
          sign.answer(request, scopes) ??
          failures.answer(request, scopes));
    return accounts.answer(request, origin) ?? (await ofProduct()) ?? apiAnswer(request, accounts, watch);
  };

  const server = createServer(async (incoming, response) => {
    const request = await readRequest(incoming, clock());
    requests.push(request);
    for (const each of waiting.filter(({ matches }) => matches(request))) each.resolve(request);
    const next = troubles.find((each) => each.times > 0 && each.matches(request));
    if (next === undefined) return send(response, await answerTo(request, url), date());
    next.times--;
    if (next.trouble === "cut") return void incoming.socket.destroy();
    if (next.trouble !== "silent") return send(response, next.trouble, date());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The server has no port.");
  const url = `http://127.0.0.1:${address.port}`;

  return {
    url,
    accounts,
    watch,
    desk,
    finance,
    sign,
    failures,
    requests,
    tokenRequests: () => requests.filter((each) => each.path === "/oauth/v2/token"),
    trouble: (trouble, times = 1, matches = () => true) => void troubles.push({ trouble, times, matches }),
    seen: (matches) => {
      const past = requests.find(matches);
      return past ? Promise.resolve(past) : new Promise((resolve) => waiting.push({ matches, resolve }));
    },
    notify: async (event, ids, changedAt = clock()) => {
      const [module = "", verb = ""] = event.split(".");
      const rows = watch.rows().filter((row) => row.module === module && row.events.includes(event));
      return Promise.all(
        rows.map(async (row) => {
          const body = {
            server_time: changedAt,
            query_params: Object.fromEntries(new URL(row.notifyUrl).searchParams),
            module,
            resource_uri: `https://www.zohoapis.com/${URI_APIS[row.product]}/${module}`,
            ids,
            affected_fields: [],
            operation: { create: "insert", edit: "update", delete: "delete" }[verb],
            channel_id: row.channelId,
            token: row.token,
          };
          const headers = { "content-type": "application/json" };
          return (await fetch(row.notifyUrl, { method: "POST", headers, body: JSON.stringify(body) })).status;
        }),
      );
    },
    hideClock: () => {
      showsClock = false;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

/** The API in the URIs of a notification. */
const URI_APIS: Readonly<Record<string, string>> = { crm: "crm/v2", bigin: "bigin/v1", recruit: "recruit/v2" };

function apiAnswer(request: SeenRequest, accounts: Accounts, watch: Watch): Answer {
  const token = tokenOf(request);
  if (token === undefined) return bareFault(401, "AUTHENTICATION_FAILURE", "Authentication failed");
  const scopes = accounts.scopesOf(token);
  if (scopes === undefined) return bareFault(401, "INVALID_TOKEN", "invalid oauth token");
  const [, product] = /^\/(crm|bigin|recruit)\/v[28]\/actions\/watch$/.exec(request.path) ?? [];
  if (product === undefined) return crmData(request, scopes);
  const prefix = { crm: "ZohoCRM", bigin: "ZohoBigin", recruit: "ZohoRecruit" }[product] ?? "";
  const needed = { GET: ["READ"], POST: ["WRITE", "CREATE"], DELETE: ["DELETE"] }[request.method] ?? [
    "WRITE",
    "UPDATE",
  ];
  const allowed = ["ALL", ...needed].some((each) => scopes.includes(`${prefix}.notifications.${each}`));
  if (!allowed) return bareFault(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL");
  return watch.answer(request, product);
}

function tokenOf({ headers }: SeenRequest): string | undefined {
  return /^Zoho-oauthtoken (\S+)$/.exec(String(headers.authorization ?? ""))?.[1];
}

async function readRequest(incoming: IncomingMessage, at: number): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const url = new URL(incoming.url ?? "/", "http://localhost");
  const type = incoming.headers["content-type"] ?? "";
  const parsed = text === "" ? undefined : parseJson(text);
  return {
    method: incoming.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    text,
    form: type.startsWith("multipart/") ? multipart(text) : text === "" ? url.searchParams : new URLSearchParams(text),
    json: parsed?.ok ? parsed.value : undefined,
    at,
  };
}

/** Zoho's own clients send their token requests as multipart. */
function multipart(text: string): URLSearchParams {
  const parts = text.matchAll(/name="([^"]+)"(?:\r\n[^\r]*)*?\r\n\r\n([\s\S]*?)\r\n--/g);
  return new URLSearchParams([...parts].map(([, name = "", value = ""]): [string, string] => [name, value]));
}

function send(response: ServerResponse, answer: Answer, date: string | undefined): void {
  const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
  const headers = { "content-type": "application/json;charset=UTF-8", ...(date === undefined ? {} : { date }) };
  response.sendDate = false;
  response.writeHead(answer.status, { ...headers, ...answer.headers });
  response.end(answer.status === 204 ? undefined : text);
}
