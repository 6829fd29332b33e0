import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type Sleep, sleepRealTime } from "../../src/util/timing.ts";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { ownWebhooks, recordProduct } from "../../src/zoho-webhooks/owner.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";
import { startTestTunnel, type TestTunnel } from "../support/test-tunnel.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const SCOPES = [...ALL_SCOPES, ...managedProducts.flatMap(({ loginScopes }) => loginScopes)];
let zoho: ZohoServer;
let tunnel: TestTunnel;
let cwd: string;
let listeners: Listener[] = [];

/** A user who is signed in to an emulator on this machine, with the scopes of all products. */
beforeEach(async () => {
  [tunnel, zoho] = await Promise.all([startTestTunnel(), startZohoServer()]);
  cwd = tempFolder();
});
afterEach(async () => {
  for (const each of listeners) await each.stop();
  listeners = [];
  await Promise.all([zoho.close(), tunnel.close()]);
});

const signedIn = (scopes: readonly string[] = SCOPES): Record<string, string> => ({
  ZOHO_KEYRING: "off",
  ZOHO_CLIENT_ID: zoho.accounts.clientId,
  ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
  ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(scopes),
  ZOHO_ACCOUNTS_URL: zoho.url,
  ZOHO_API_URL: zoho.url,
});

async function listen(argv: readonly string[], options: RunOptions = {}): Promise<Listener> {
  const listener = await startListener(argv, { cwd, env: signedIn(), overrides: tunnel.overrides, ...options });
  listeners.push(listener);
  return listener;
}
const register = (events: string, options: RunOptions = {}) => listen(["--register", events], options);

/** A run that fails at its start, or is interrupted. */
const fails = (events: string, options: RunOptions = {}): Promise<RunResult> =>
  run(["listen", "--port", "0", "--json", "--register", events], { cwd, env: signedIn(), ...options });

const userFolder = () => join(cwd, ".config/zoho-hooks");
/** The name of what `listen` registers for the folder. */
const markOf = (folder = userFolder()): Promise<string> => recordProduct(folder, cwd, "desk");

const desk = () => zoho.desk.hooks.map(({ id, body }) => ({ id, name: body.name, url: body.url }));
const sign = () => zoho.sign.hooks.map(({ id, form }) => ({ id, name: form.purpose, url: form.webhook_url }));
const openTicket = () => {
  const { id: contactId } = zoho.create("desk", "contacts", { lastName: "Boyle" });
  return zoho.create("desk", "tickets", { subject: "Help", departmentId: "1892000000006907", contactId });
};
const sendRequest = () => {
  const recipient = { recipient_email: "r@example.com", action_type: "SIGN" };
  const { id } = zoho.sign.create("requests", { request_name: "NDA", actions: [recipient] });
  zoho.sign.change("requests", id, { action: "submit" });
};
const linesOf = (of: Listener, type: string) => of.lines().filter((line) => line.type === type);
const isDesk =
  (method: string) =>
  (request: ApiRequest): boolean =>
    request.method === method && request.path.startsWith("/api/v1/webhooks");
const isSign =
  (method: string) =>
  (request: ApiRequest): boolean =>
    request.method === method && request.path.startsWith("/api/v1/accounts/webhooks");
/** Desk's probe of the URL is an event as well, the first one. */
async function verified(of: Listener, event: string, id: string): Promise<void> {
  const { signatures } = await of.line("event", { event });
  expect(signatures).toContainEqual(expect.objectContaining({ id, result: "verified" }));
}

describe("listen --register", () => {
  it("shows what it has registered", async () => {
    const interrupt = new AbortController();
    const { out, err } = await run(["listen", "--port", "0", "--register", "desk:Ticket_*,crm:Leads.all"], {
      ...{ cwd, env: signedIn(), signal: interrupt.signal },
      onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
    });
    expect(err).toMatch(
      /^ {2}registered {3}desk Ticket_Add, .* \(webhook \d+\)\n {15}crm Leads\.all \(channel \d+, 6d 23h left\)$/m,
    );
    expect(err).toMatch(
      /deleting webhook \d+ \(if interrupted, run zoho-hooks webhooks delete \d+ --yes --product desk\)/,
    );
    expect(out).not.toContain("created desk");
    expect(out).toMatch(/^deleted desk \d+$/m);
  });

  it("has Desk, Sign and CRM post here, verifies the first delivery of each within two seconds, and ends without a trace", async () => {
    const startedAt = performance.now();
    const of = await register("desk:Ticket_Add,sign:*,crm:Leads.create");
    openTicket();
    sendRequest();
    zoho.create("crm", "Leads", { Last_Name: "Boyle" });
    await verified(of, "Ticket_Add", "desk-token");
    await verified(of, "RequestSubmitted", "sign-signature");
    await verified(of, "Leads.create", "token");
    expect(performance.now() - startedAt).toBeLessThan(2000);

    const mark = await markOf();
    expect(mark).toMatch(/^zoho-hooks [\w.-]{1,30} [0-9a-f]{8}$/);
    expect(desk()).toMatchObject([{ name: mark, url: `${of.url}/webhooks/zoho/desk` }]);
    expect(sign()).toMatchObject([{ name: mark, url: `${of.url}/webhooks/zoho/sign` }]);
    expect(linesOf(of, "ready")[0]?.registered).toMatchObject([
      { kind: "webhook", product: "desk", id: desk()[0]?.id, events: ["Ticket_Add"], expires_at: null },
      {
        kind: "webhook",
        product: "sign",
        events: ["Sent", "Viewed", "Sign", "Completed", "Declined", "Recalled", "Forward", "Expired"],
      },
      { kind: "channel", product: "crm", events: ["Leads.create"] },
    ]);
    const { exitCode, err } = await of.stop();
    expect([exitCode, err]).toEqual([0, ""]);
    expect([desk(), sign(), zoho.watch.rows()]).toEqual([[], [], []]);
    expect(
      linesOf(of, "webhook")
        .map(({ state, product }) => `${state} ${product}`)
        .sort(),
    ).toEqual(["created desk", "created sign", "deleted desk", "deleted sign"]);
  });

  it("takes a channel for each product, whichever of the two flags names it", async () => {
    await listen(["--channel", "Leads.create,bigin:Contacts.all", "--register", "crm:Deals.edit"]);
    const rows = zoho.watch.rows().map(({ notifyUrl, events }) => [notifyUrl.replace(/^.*\//, ""), events]);
    expect(new Set(rows.map(([product]) => product))).toEqual(new Set(["crm", "bigin"]));
    expect(rows.flatMap(([, events]) => events)).toEqual(expect.arrayContaining(["Leads.create", "Deals.edit"]));
  });

  it("is a setting, which an empty flag turns off for a run", async () => {
    writeFileSync(
      join(cwd, "zoho-hooks.config.json"),
      JSON.stringify({ register: ["desk:Ticket_Add", "Ticket_Update"] }),
    );
    const of = await listen([]);
    expect(zoho.desk.hooks.map(({ body }) => Object.keys(Object(body.subscriptions)))).toEqual([
      ["Ticket_Add", "Ticket_Update"],
    ]);
    await of.stop();
    await listen(["--register", ""]);
    expect(desk()).toEqual([]);
  });

  it("verifies what arrives before Zoho has answered the creation", async () => {
    zoho.trouble({ delayMs: 500 }, 1, isSign("POST"));
    const starting = register("sign:Sent");
    await zoho.seen(isSign("POST"));
    await expect.poll(() => sign()).toHaveLength(1);
    sendRequest();
    await verified(await starting, "RequestSubmitted", "sign-signature");
  });

  it("signs with the project's secret if it has one, and stores a new one otherwise", async () => {
    const secrets = () => zoho.sign.hooks.map(({ secret }) => secret);
    const first = await register("sign:Sent", { env: { ...signedIn(), ZOHO_WEBHOOK_SECRET_SIGN: "s3cret-of-mine" } });
    expect(secrets()).toEqual(["s3cret-of-mine"]);
    await first.stop();
    const second = await register("sign:Sent");
    const [created] = secrets();
    expect(created).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(JSON.stringify(second.lines())).not.toContain(created);
    await second.stop();
    await register("sign:Sent");
    expect(secrets()).toEqual([created]);
  });

  it("takes the place of what an earlier run of the folder left, and touches nothing else", async () => {
    const mark = await markOf();
    const others = [
      mark.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      "zoho-hooks",
      `${mark} `,
      mark.toUpperCase(),
    ];
    const hook = (name: string) => ({ name, url: "https://old.example/hook", subscriptions: { Ticket_Add: null } });
    for (const name of [...others, mark, mark]) zoho.desk.subscribe("desk", hook(name));
    const left = desk().filter(({ name }) => name === mark);
    const of = await register("desk:Ticket_Add");
    expect(desk().map(({ name }) => name)).toEqual([...others, mark]);
    expect(desk().at(-1)?.url).toBe(`${of.url}/webhooks/zoho/desk`);
    expect(linesOf(of, "webhook")[0]?.reason).toBe(`in place of webhook ${left.map(({ id }) => id).join(", ")}`);
    await of.stop();
    expect(desk().map(({ name }) => name)).toEqual(others);
  });

  it("keeps two folders of one name apart", async () => {
    const folders = ["a", "b"].map((name) => join(cwd, name, "shop"));
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    const [one, other] = [
      await register("desk:Ticket_Add,sign:Sent", { cwd: folders[0] }),
      await register("desk:Ticket_Add,sign:Sent", { cwd: folders[1] }),
    ];
    expect(desk().map(({ url }) => url)).toEqual([one, other].map(({ url }) => `${url}/webhooks/zoho/desk`));
    expect(new Set(desk().map(({ name }) => name)).size).toBe(2);
    await one.stop();
    expect(desk().map(({ url }) => url)).toEqual([`${other.url}/webhooks/zoho/desk`]);
    expect(sign().map(({ url }) => url)).toEqual([`${other.url}/webhooks/zoho/sign`]);
  });
});

describe("listen --register in one folder by two users", () => {
  const ofUser = () => ({ env: { ...signedIn(), XDG_CONFIG_HOME: tempFolder() } });
  const start = () => listen(["--no-store", "--register", "desk:Ticket_Add"], ofUser());

  it("gives each of them a webhook of a name of its own, which the other one leaves alone", async () => {
    const first = await start();
    const [ofFirst = { id: "", name: "" }] = desk();
    const second = await start();
    expect(desk()[0]).toEqual(ofFirst);
    expect(new Set(desk().map(({ name }) => name)).size).toBe(2);
    expect((await first.stop()).exitCode).toBe(0);
    expect(desk()).toMatchObject([{ url: `${second.url}/webhooks/zoho/desk` }]);
    expect((await second.stop()).exitCode).toBe(0);
    expect(desk()).toEqual([]);
  });

  it("keeps the name, which is in the user's folder and random", async () => {
    const mark = await markOf();
    expect(await markOf()).toBe(mark);
    expect(await markOf(tempFolder())).not.toBe(mark);
  });
});

describe("listen --register whose webhook Zoho removes or disables", () => {
  it.each([
    ["was gone", () => void zoho.desk.unsubscribe("desk", desk()[0]?.id ?? "")],
    ["was disabled", () => void Object.assign(zoho.desk.hooks[0]?.body ?? {}, { isEnabled: false })],
  ])("creates it again when it %s, with one line", async (why, harm) => {
    const of = await register("desk:Ticket_Add");
    const [old = { id: "" }] = desk();
    harm();
    const { id, reason } = await of.line("webhook", { state: "created" }, 2);
    expect(reason).toBe(
      `webhook ${old.id} ${why}${why === "was gone" ? ", deleted elsewhere or by Zoho" : ""}; changes in the meantime are missed`,
    );
    expect(id).not.toBe(old.id);
    expect(desk()).toMatchObject([{ id, url: `${of.url}/webhooks/zoho/desk` }]);
    expect(zoho.desk.hooks[0]?.body.isEnabled).toBe(true);
    expect(linesOf(of, "webhook")).toHaveLength(2);
    openTicket();
    await verified(of, "Ticket_Add", "desk-token");
    expect((await of.stop()).exitCode).toBe(0);
    expect(desk()).toEqual([]);
  });
});

describe("listen --register while the URL changes", () => {
  it("moves each webhook, retries until Zoho accepts, and ends at the newest URL", async () => {
    const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
    const of = await register("desk:Ticket_Add,sign:Sent", { env });
    const urls = () => [desk(), sign()].map((hooks) => hooks.map(({ url }) => url));
    const expected = () => ["desk", "sign"].map((product) => [`${tunnel.url}/webhooks/zoho/${product}`]);
    expect(urls()).toEqual(expected());
    zoho.trouble({ status: 500, body: "" }, 2, isDesk("POST"));
    for (const host of ["localhost", "127.0.0.2", "localhost"]) {
      tunnel.goDown();
      tunnel.comeBack(host);
    }
    await expect.poll(urls, { timeout: 10_000 }).toEqual(expected());
    openTicket();
    await verified(of, "Ticket_Add", "desk-token");
    expect(linesOf(of, "warning")).toMatchObject([
      { message: expect.stringContaining("Zoho Desk does not post to"), hint: "retrying until it does" },
    ]);
    expect((await of.stop()).exitCode).toBe(0);
    expect([desk(), sign()]).toEqual([[], []]);
  });
});

it("follows a URL that changes while the others are being registered", async () => {
  const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
  zoho.trouble({ delayMs: 1000 }, 1, isSign("POST"));
  const starting = register("desk:Ticket_Add,sign:Sent,crm:Leads.create", { env });
  await zoho.seen(isSign("POST"));
  await expect.poll(() => [desk().length, zoho.watch.rows().length]).toEqual([1, 1]);
  tunnel.goDown();
  tunnel.comeBack("localhost");
  await starting;
  const urls = () => [...desk(), ...sign()].map(({ url }) => url).concat(zoho.watch.rows()[0]?.notifyUrl ?? "");
  await expect.poll(urls).toEqual(["desk", "sign", "crm"].map((id) => `${tunnel.url}/webhooks/zoho/${id}`));
});

it("ends a move with 9 if the sign-in no longer works, as waiting does not help", async () => {
  const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
  const of = await register("desk:Ticket_Add", { env });
  zoho.trouble({ status: 403, body: { errorCode: "FORBIDDEN", message: "no" } }, 100, isDesk("GET"));
  tunnel.goDown();
  tunnel.comeBack("localhost");
  const { exitCode, err } = await of.finished;
  expect(exitCode).toBe(9);
  expect(err).toContain("sign in again with that scope");
  expect(linesOf(of, "warning")).toEqual([]);
});

it("ends a move with 9 if the account has become full, as waiting does not help", async () => {
  const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
  const of = await register("sign:Sent", { env });
  const argv = ["webhooks", "delete", sign()[0]?.id ?? "", "--product", "sign", "--yes"];
  expect((await run(argv, { cwd, env })).exitCode).toBe(0);
  const hook = { webhook_url: "https://app.example/hook", webhook_actions: "Sent", environment: "PRODUCTION" };
  for (const purpose of ["one", "two"]) zoho.sign.subscribe("sign", { ...hook, purpose });
  tunnel.goDown();
  tunnel.comeBack("localhost");
  const { exitCode, err } = await of.finished;
  expect(exitCode).toBe(9);
  expect(err).toContain("delete one that is not needed");
  expect(linesOf(of, "warning")).toEqual([]);
  expect(sign().map(({ name }) => name)).toEqual(["one", "two"]);
});

it("deletes the webhook that an unanswered move has created, and reports its id", async () => {
  const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
  const of = await register("desk:Ticket_Add", { env });
  const [old = { id: "" }] = desk();
  // Longer than Ctrl-C waits for the answer.
  zoho.trouble({ delayMs: 10_000 }, 1, isDesk("POST"));
  tunnel.goDown();
  tunnel.comeBack("localhost");
  await expect.poll(() => desk().filter(({ id }) => id !== old.id)).toHaveLength(1);
  const [moved] = desk();
  await of.stop();
  expect(linesOf(of, "webhook").at(-1)).toMatchObject({ state: "deleted", id: moved?.id });
  expect(desk()).toEqual([]);
});

it("does not wait out the pause before the next attempt once there is another URL", async () => {
  const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
  const forever: Sleep = (ms, signal) =>
    new Promise((resolve) => (ms === 0 ? resolve() : signal?.addEventListener("abort", () => resolve())));
  const of = await register("desk:Ticket_Add", { env, sleep: forever });
  zoho.trouble({ status: 500, body: "" }, 1, isDesk("POST"));
  tunnel.goDown();
  tunnel.comeBack("localhost");
  await of.line("warning", { hint: "retrying until it does" });
  expect(desk()).toEqual([]);
  tunnel.goDown();
  tunnel.comeBack("127.0.0.1");
  await expect.poll(() => desk().map(({ url }) => url)).toEqual([`${tunnel.url}/webhooks/zoho/desk`]);
});

describe("listen --register under load", () => {
  it("loses nothing that it answered while the URL changes three times, and all ends at the new one", async () => {
    const app = await startTarget();
    onTestFinished(app.close);
    const env = { ...signedIn(), ZOHO_HOOKS_TUNNEL: "ngrok", NGROK_AUTHTOKEN: "a-token-of-the-test" };
    await listen([String(app.port), "--register", "desk:Ticket_Add,sign:*,crm:Leads.create"], { env });
    const urls = () =>
      [...desk(), ...sign()].map(({ url }) => String(url)).concat(zoho.watch.rows()[0]?.notifyUrl ?? "");
    const isMoved = () => urls().length === 3 && urls().every((url) => url.startsWith(`${tunnel.url}/`));
    const load = setInterval(() => {
      openTicket();
      sendRequest();
      zoho.create("crm", "Leads", { Last_Name: "Boyle" });
    }, 20);
    onTestFinished(() => clearInterval(load));
    for (const host of ["localhost", "127.0.0.1", "localhost"]) {
      tunnel.goDown();
      await sleepRealTime(100);
      tunnel.comeBack(host);
      await expect.poll(isMoved, { timeout: 10_000 }).toBe(true);
      await sleepRealTime(200);
    }
    const { items } = zoho.deliveries.sent;
    const before = items.length;
    await expect.poll(() => items.length).toBeGreaterThan(before + 30);
    clearInterval(load);
    await zoho.deliveries.settled();
    const sent = items.filter(({ delivery }) => delivery.method === "POST" && delivery.body.length > 2);
    const bodies = (all: readonly { readonly body: Buffer }[]) =>
      new Set(all.map(({ body }) => body.toString("base64")));
    const answered = bodies(sent.filter(({ status }) => status === 200).map(({ delivery }) => delivery));
    await expect.poll(() => [...answered].filter((body) => !bodies(app.seen).has(body))).toEqual([]);
    expect(new Set(items.slice(before).map(({ delivery, status }) => `${delivery.url} ${status}`))).toEqual(
      new Set(urls().map((url) => `${url} 200`)),
    );
    expect(answered.size).toBeGreaterThan(100);
    expect(sent.some(({ status }) => status !== 200)).toBe(true);
  });
});

describe("listen --register that cannot start", () => {
  it.each([
    ["an event without a product", "Ticket_Add", "names no product"],
    ["an unknown product", "dsk:Ticket_Add", "did you mean desk? listen registers crm, bigin, recruit, desk, sign"],
    ["a product without an API", "mail:x", "Zoho documents no API for its webhooks"],
    ["Forms", "forms:x", "listen registers crm, bigin, recruit, desk, sign"],
    ["SalesIQ", "salesiq:*", "--register: Zoho SalesIQ: zoho-hooks does not manage its webhooks"],
    ["a Sign action that Zoho would reject", "sign:Sents", "is not a known action of Zoho Sign"],
    ["Books without a module", "books:*", "zoho-hooks webhooks create customer --product books --rule add"],
    ["Books", "books:invoice", "zoho-hooks webhooks create invoice --product books --rule add"],
    ["Inventory", "inventory:item", "listen adds no rules to your organisation"],
    ["no event", "desk:", "--register: no event of Zoho Desk given"],
    ["a pattern that matches nothing", "desk:Tickets_*", "no known event of Zoho Desk matches Tickets_*"],
    ["no event of a channel", "crm:", "--register: no event is given"],
    ["a wrong event of a channel", "crm:Leads.created", "did you mean Leads.create?"],
  ])("is a usage error for %s", async (_, events, text) => {
    const { exitCode, err } = await fails(events);
    expect([exitCode, JSON.parse(err).error]).toEqual([2, expect.anything()]);
    expect(err).toContain(text);
    expect(zoho.requests).toEqual([]);
    expect(existsSync(join(cwd, ".zoho-hooks"))).toBe(false);
  });

  it("suggests the event that was meant, and deletes what it had registered of other products", async () => {
    const { exitCode, out, err } = await fails("crm:Leads.create,desk:Ticket_Adds");
    expect(exitCode).toBe(7);
    expect(out).toContain("did you mean Ticket_Add");
    expect(err).toContain("at /subscriptions/Ticket_Adds (invalid)");
    const { message, hint } = JSON.parse(err).error;
    expect(message).toMatch(/^Zoho Desk: /);
    expect(hint).toBe("check each event of --register desk:…");
    expect([desk(), zoho.watch.rows()]).toEqual([[], []]);
  });

  it("is a usage error without a public URL, which Zoho's own servers need", async () => {
    const { exitCode, err } = await fails("desk:Ticket_Add", { env: { ZOHO_ACCESS_TOKEN: "1000.of-the-test" } });
    expect(exitCode).toBe(2);
    expect(err).toContain("--register needs a public URL");
  });

  it("exits with 6 if nobody is signed in, and names the products to sign in for", async () => {
    const env = { ZOHO_KEYRING: "off", ZOHO_HOOKS_PUBLIC_URL: "https://hooks.example.com" };
    const { exitCode, err } = await fails("desk:Ticket_Add,crm:Leads.all", { env });
    expect(exitCode).toBe(6);
    expect(err).toContain("sign in with zoho-hooks login --product desk --product crm, or set");
  });

  it.each([
    ["desk:Ticket_Add", "Desk.settings.READ and Desk.events.READ, or Desk.webhooks.READ"],
    ["sign:Sent", "ZohoSign.account.ALL"],
  ])("names the scopes that %s needs", async (events, scopes) => {
    const { exitCode, err } = await fails(events, { env: signedIn([...ALL_SCOPES, "Desk.basic.READ"]) });
    expect(exitCode).toBe(6);
    expect(err).toContain(scopes);
    expect([desk(), sign()]).toEqual([[], []]);
  });

  it("says that a Sign account is full, and empties nothing", async () => {
    const hook = { webhook_url: "https://app.example/hook", webhook_actions: "Sent", environment: "PRODUCTION" };
    for (const purpose of ["production", "zoho-hooks"]) zoho.sign.subscribe("sign", { ...hook, purpose });
    const before = sign();
    const { exitCode, err } = await fails("sign:Sent");
    expect(exitCode).toBe(7);
    expect(err).toContain("Zoho Sign allows 2 webhooks, and the account has 2");
    expect(err).toContain("production, https://app.example/hook");
    const deletions = before.map(({ id }) => `zoho-hooks webhooks delete ${id} --product sign`);
    expect(err).toContain(`delete one that is not needed: ${deletions.join(" or ")}`);
    expect(sign()).toEqual(before);
    expect(zoho.requests.some(isSign("POST")) || zoho.requests.some(isSign("DELETE"))).toBe(false);
  });

  it("refuses a second listen of the folder", async () => {
    await listen(["--register", "desk:Ticket_Add", "--no-store"]);
    const before = desk();
    const { exitCode, err } = await run(
      ["listen", "--port", "0", "--json", "--no-store", "--register", "desk:Ticket_Add"],
      { cwd, env: signedIn() },
    );
    expect(exitCode).toBe(2);
    expect(err).toContain("another zoho-hooks listen of this folder has registered its webhook of Zoho Desk");
    expect(desk()).toEqual(before);
  });

  it("creates nothing if the secret cannot be stored", async () => {
    // A file where its folder should be: unlike a read-only folder, it stops root as well.
    writeFileSync(join(cwd, ".zoho-hooks"), "");
    const env = { ...signedIn(), ZOHO_HOOKS_STORE: "false" };
    const { exitCode, err } = await fails("sign:Sent", { env });
    expect(exitCode).toBe(2);
    expect(err).toContain("no webhook was created, because the secret of Zoho Sign webhooks cannot be stored");
    expect(err).toContain("or set ZOHO_WEBHOOK_SECRET_SIGN to a secret of your own");
    expect(sign()).toEqual([]);
  });

  it("deletes a webhook whose creation was not answered", async () => {
    // Longer than Ctrl-C waits for the answer.
    zoho.trouble({ delayMs: 10_000 }, 1, isDesk("POST"));
    const interrupt = new AbortController();
    const running = fails("desk:Ticket_Add", { signal: interrupt.signal });
    await zoho.seen(isDesk("POST"));
    interrupt.abort();
    expect((await running).exitCode).toBe(0);
    expect(desk()).toEqual([]);
    zoho.trouble({ status: 500, body: "" }, 1, isDesk("POST"));
    expect((await fails("desk:Ticket_Add")).exitCode).toBe(7);
    expect(desk()).toEqual([]);
  });
});

describe("listen --register that is interrupted at its start", () => {
  it.each([
    ["looks up the organisation", (request: ApiRequest) => request.path === "/api/v1/organizations"],
    ["lists the webhooks", isDesk("GET")],
  ])("ends in seconds while it %s, and creates nothing", async (_, matches) => {
    for (const trouble of ["silence" as const, { delayMs: 500 }]) {
      zoho.trouble(trouble, 1, matches);
      const interrupt = new AbortController();
      const arrived = zoho.requests.filter(matches).length;
      const running = fails("desk:Ticket_Add", { signal: interrupt.signal });
      await expect.poll(() => zoho.requests.filter(matches).length).toBeGreaterThan(arrived);
      const startedAt = performance.now();
      interrupt.abort();
      expect((await running).exitCode).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(5000);
    }
    expect(zoho.requests.some(isDesk("POST"))).toBe(false);
  });
});

describe("listen --register that ends while Zoho fails", () => {
  it.each([
    ["answers 401", { status: 401, body: { errorCode: "INVALID_OAUTH", message: "no" } }],
    ["answers 429", { status: 429, headers: { "retry-after": "60" }, body: "" }],
    ["answers 500", { status: 500, body: "" }],
    ["says nothing", "silence" as const],
    ["is gone", "cut" as const],
  ])("is over in seconds if it %s, and says what stays behind and the command that deletes it", async (_, fault) => {
    const of = await register("desk:Ticket_Add");
    const [{ id } = { id: "" }] = desk();
    zoho.trouble(fault, 100, isDesk("DELETE"));
    const startedAt = performance.now();
    const { exitCode, err } = await of.stop();
    expect(performance.now() - startedAt).toBeLessThan(8000);
    expect(exitCode).toBe(7);
    expect(linesOf(of, "webhook").at(-1)).toMatchObject({
      state: "not_deleted",
      id,
      reason: expect.any(String),
      hint: `delete it with zoho-hooks webhooks delete ${id} --yes --product desk`,
    });
    expect(err).toBe("");
    zoho.faults.requests.clear();
    await (await register("desk:Ticket_Add")).stop();
    expect(desk()).toEqual([]);
  });

  it("exits with 9 if its webhook was deleted elsewhere", async () => {
    // Without a look at Zoho's list, which would create it again.
    const untilAborted: Sleep = (_, signal) =>
      new Promise((resolve) => signal?.addEventListener("abort", () => resolve()));
    const of = await register("desk:Ticket_Add", { sleep: untilAborted });
    const [{ id } = { id: "" }] = desk();
    const argv = ["webhooks", "delete", id, "--product", "desk", "--yes"];
    expect((await run(argv, { cwd, env: signedIn() })).exitCode).toBe(0);
    expect((await of.stop()).exitCode).toBe(9);
    expect(linesOf(of, "webhook").at(-1)).toMatchObject({ state: "unknown" });
  });
});

describe("listen and what an earlier run has left of other products", () => {
  it("names it with the command, also where it posts to a URL that answers", async () => {
    const hook = {
      webhook_actions: "Sent",
      environment: "PRODUCTION",
      purpose: await recordProduct(userFolder(), cwd, "sign"),
    };
    zoho.sign.subscribe("sign", { ...hook, webhook_url: `${zoho.url}/webhooks/zoho/sign` });
    const of = await register("desk:Ticket_Add");
    const { message, hint } = await of.line("warning");
    const [{ id } = { id: "" }] = sign();
    expect(message).toBe(
      `webhook ${id} of Zoho Sign (${hook.purpose}) posts to ${zoho.url}/webhooks/zoho/sign, but its listen has ended`,
    );
    expect(hint).toBe(`if nobody uses it: zoho-hooks webhooks delete ${id} --product sign`);
    expect((await of.stop()).exitCode).toBe(0);
    expect(sign()).toHaveLength(1);
  });
});

describe("listen without --register", () => {
  it("names the webhooks called zoho-hooks whose URL no longer answers, with the command", async () => {
    const of = await register("desk:Ticket_Add,sign:Sent");
    const refusal = { status: 400, body: { code: 9043, errorCode: "NO", message: "no" } };
    zoho.trouble(refusal, 1, isDesk("DELETE"));
    zoho.trouble(refusal, 1, isSign("DELETE"));
    await of.stop();
    zoho.faults.requests.clear();
    const mark = await markOf();
    const other = await listen([]);
    await other.line("warning", {}, 2);
    for (const [product, hooks] of [["desk", desk()] as const, ["sign", sign()] as const])
      expect(linesOf(other, "warning")).toContainEqual(
        expect.objectContaining({
          message: expect.stringMatching(
            new RegExp(
              `^webhook ${hooks[0]?.id} of .* \\(${mark}\\) posts to .*, which no longer answers: connection refused$`,
            ),
          ),
          hint: `if nobody uses it: zoho-hooks webhooks delete ${hooks[0]?.id} --product ${product}`,
        }),
      );
  });

  it("asks each of many such URLs once", async () => {
    const subscriptions = { Ticket_Add: null };
    await markOf();
    for (let i = 0; i < 20; i++)
      zoho.desk.subscribe("desk", { name: "zoho-hooks", url: `http://127.0.0.1:9/${i}`, subscriptions });
    const of = await listen(["--verbose"]);
    await of.line("warning", {}, 20);
    const asked = of.lines().filter(({ url }) => url === "http://127.0.0.1:9/healthz");
    expect(asked).toHaveLength(20);
  });

  it("says nothing of those that answer, and of others", async () => {
    const used = await register("desk:Ticket_Add");
    zoho.desk.subscribe("desk", { name: "ours", url: "http://127.0.0.1:9/", subscriptions: { Ticket_Add: null } });
    const before = zoho.requests.filter(isDesk("GET")).length;
    const other = await listen(["--no-store"]);
    await expect.poll(() => zoho.requests.filter(isDesk("GET")).length).toBeGreaterThan(before);
    await other.stop();
    await used.stop();
    expect(linesOf(other, "warning")).toEqual([]);
  });

  it("asks only for products with which the folder has created webhooks", async () => {
    const of = await listen(["--channel", "Leads.create"]);
    zoho.create("crm", "Leads", { Last_Name: "Boyle" });
    await of.line("event", { event: "Leads.create" });
    await of.stop();
    expect(zoho.requests.filter(({ path }) => !/^\/(oauth|crm)\//.test(path))).toEqual([]);
    const hook = ["webhooks", "create", "Sent", "--product", "sign", "--url", `${zoho.url}/hook`];
    expect(await run(hook, { cwd, env: signedIn() })).toMatchObject({ exitCode: 0 });
    expect((await ownWebhooks(userFolder(), cwd))?.products).toEqual(["sign"]);
    const asked = () => zoho.requests.filter(isSign("GET")).length;
    const before = asked();
    const next = await listen([]);
    await expect.poll(asked).toBeGreaterThan(before);
    await next.stop();
    expect(zoho.requests.filter(isDesk("GET"))).toEqual([]);
  });

  it("forgets a product that no longer has any", async () => {
    await markOf();
    const of = await listen([]);
    await expect.poll(async () => (await ownWebhooks(userFolder(), cwd))?.products).toEqual([]);
    await of.stop();
  });
});
