import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import type { Prompts } from "../../src/process/prompts.ts";
import { findDataCentre } from "../../src/zoho-api/data-centres.ts";
import { signInFromEnv } from "../../src/zoho-api/env-sign-in.ts";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { newPerson } from "../support/person.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const URL = "https://abc.example/webhooks/zoho/books";
const SCOPES = managedProducts.flatMap(({ loginScopes }) => loginScopes);
/** A sign-in at Zoho's own servers, to which nothing is sent. */
const AT_ZOHO = { ZOHO_ACCESS_TOKEN: "1000.of-the-test" };
let server: ZohoServer;
let clock: TestClock;
let env: Record<string, string>;
let cwd: string;
let listener: Listener | undefined;

beforeEach(async () => {
  clock = new TestClock();
  server = await startZohoServer(clock.now);
  cwd = tempFolder();
  env = signedIn(SCOPES);
});
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  await server.close();
});

function signedIn(scopes: readonly string[]): Record<string, string> {
  return {
    ZOHO_CLIENT_ID: server.accounts.clientId,
    ZOHO_CLIENT_SECRET: server.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(scopes),
    ZOHO_ACCOUNTS_URL: server.url,
    ZOHO_API_URL: server.url,
  };
}

/** A second after the previous call: Books rejects earlier ones. */
async function webhooks(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  await clock.sleep(1000);
  return run(["webhooks", ...argv, "--json"], { env, cwd, now: clock.now, sleep: clock.sleep, ...options });
}
const create = (product: string, ...argv: string[]): Promise<RunResult> =>
  webhooks(["create", "--product", product, ...argv]);
const list = (product: string, ...argv: string[]): Promise<RunResult> =>
  webhooks(["list", "--product", product, ...argv]);
const apiRequests = () => server.requests.filter(({ path }) => !path.startsWith("/oauth/"));
const ofType = (result: RunResult, type: string) => result.lines().filter((line) => line.type === type);
const post = (app: Listener, path: string, body: string, header: string, value: string) =>
  app.post(path, body, { "content-type": "application/json", [header]: value });

/** An overloaded server that allows an immediate retry. */
const BUSY = { status: 503, headers: { "retry-after": "0" }, body: "<html>" };
const isListing = ({ method, path }: ApiRequest): boolean => method === "GET" && path.endsWith("/settings/webhooks");

describe("webhooks create for Desk", () => {
  it("creates a webhook for a URL that answers", async () => {
    listener = await startListener([], { cwd, env: {} });
    const url = `${listener.url}/webhooks/zoho/desk`;
    const result = await create("desk", "ticket_add", "Ticket_Update", "--url", url);
    expect(result.exitCode, result.out + result.err).toBe(0);
    expect(ofType(result, "webhook")).toEqual([
      {
        v: 1,
        type: "webhook",
        state: "created",
        product: "desk",
        id: "1892000000004203471",
        name: "zoho-hooks",
        url,
        events: ["Ticket_Add", "Ticket_Update"],
        enabled: true,
        rules: null,
        secret: null,
      },
    ]);
    expect(server.desk.hooks[0]?.body).toMatchObject({ subscriptions: { Ticket_Add: null, Ticket_Update: null } });
    const text = await run(["webhooks", "list", "--product", "desk"], { env, cwd, now: clock.now });
    expect(text.out).toMatch(/webhook +name +events +enabled +URL\n1892000000004203471 +zoho-hooks +Ticket_Add/);
  });

  it("explains what to do when nothing answers the probe", async () => {
    const { exitCode, err } = await create("desk", "Ticket_Add", "--url", "http://127.0.0.1:9/none");
    expect(exitCode).toBe(7);
    expect(err).toContain("did not get status 200");
    expect(err).toContain("UNPROCESSABLE_ENTITY");
    expect(err).toContain("zoho-hooks listen");
  });

  it("prints the audience that listen can require", async () => {
    listener = await startListener([], { cwd, env: {} });
    const url = `${listener.url}/webhooks/zoho/desk`;
    const argv = ["webhooks", "create", "Ticket_Add", "--product", "desk", "--url", url];
    const { err } = await run(argv, { env: { ...env, ZOHO_DC: "eu" }, cwd, now: clock.now });
    expect(err).toContain(`ZOHO_WEBHOOK_JWKS=${server.url}/.well-known/jwks.json;`);
    expect(err).toContain('"audience": "webhookId:1892000000004203471"');
  });

  it("prints the data centre of Zoho's own servers, whose keys listen knows", async () => {
    const signIn = signInFromEnv({ ...env, ZOHO_API_URL: "" }, findDataCentre("eu"));
    const desk = managedProducts.find(({ id }) => id === "desk");
    const config = { name: "n", url: URL, events: [], secret: undefined };
    expect(desk?.note?.(config, "1", signIn)).toContain("ZOHO_WEBHOOK_JWKS=eu;");
  });

  it("asks Zoho for the organisation unless --org names it", async () => {
    const answerOrganisations = (...data: object[]) =>
      server.trouble({ status: 200, body: { data } }, 1, ({ path }) => path === "/api/v1/organizations");
    answerOrganisations({ id: "60017843", companyName: "Acme" }, { id: "60017844", companyName: "Other" });
    const several = await list("desk");
    expect(several.exitCode).toBe(2);
    expect(several.err).toContain("60017843 (Acme), 60017844 (Other)");
    const none = await list("desk", "--org", "60017843", "--json");
    expect([none.exitCode, none.out]).toEqual([0, ""]);
    expect(apiRequests().filter(({ path }) => path === "/api/v1/organizations")).toHaveLength(1);
    expect((await list("desk", "--org", "60017844")).exitCode).toBe(6);
    expect((await list("desk", "--org", "acme")).exitCode).toBe(2);
    answerOrganisations();
    expect((await list("desk")).err).toContain("has access to no");
  });

  it.each([[["Ticket_Add", "--rule", "add"], "needs no workflow rules"]])(
    "rejects %j before anything is sent",
    async (argv, message) => {
      const { exitCode, err } = await create("desk", ...argv, "--url", URL);
      expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
      expect(apiRequests()).toEqual([]);
    },
  );

  it("sends an unknown event with a warning, and shows Zoho's rejection in full", async () => {
    listener = await startListener([], { cwd, env: {} });
    const result = await create("desk", "Ticket_Merge", "--url", `${listener.url}/webhooks/zoho/desk`);
    expect(ofType(result, "warning")).toMatchObject([{ message: expect.stringContaining('"Ticket_Merge"') }]);
    expect(result.exitCode).toBe(7);
    expect(result.err).toContain("INVALID_DATA");
    expect(result.err).toContain("at /subscriptions/Ticket_Merge (invalid)");
  });
});

describe("webhooks for Books and Inventory", () => {
  it("signs with a new secret that a running listen uses at once", async () => {
    listener = await startListener([], { cwd, env: {} });
    const result = await create("books", "invoice", "--rule", "add_edit", "--url", URL);
    expect(result.exitCode, result.out + result.err).toBe(0);
    const [hook] = server.finance.hooks;
    const secret = String(hook?.body.secret);
    expect(secret).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(ofType(result, "webhook")).toMatchObject([
      {
        state: "created",
        id: "460000000026049",
        events: ["invoice"],
        rules: hook?.rules.map(({ id }) => id),
        secret: "[masked]",
      },
    ]);
    expect(result.out + result.err).not.toContain(secret);
    const body = '{"invoice":{"invoice_id":"460000000049123","status":"sent","total":120.5}}';
    const hex = (text: string): string => createHmac("sha256", secret).update(text).digest("hex");
    const header = "x-zoho-webhook-signature";
    expect((await post(listener, "/webhooks/zoho/books", body, header, hex(body))).status).toBe(200);
    expect((await post(listener, "/webhooks/zoho/books", `${body} `, header, hex(body))).status).toBe(401);
    expect((await listener.event(1)).signatures).toMatchObject([{ id: "finance-signature", result: "verified" }]);
  });

  it("warns where Git tracks the file that the secret is stored in", async () => {
    const file = ".zoho-hooks/keys/hook-secrets.json";
    mkdirSync(join(cwd, ".zoho-hooks/keys"), { recursive: true, mode: 0o700 });
    writeFileSync(join(cwd, file), "{}", { mode: 0o600 });
    for (const argv of [
      ["init", "--quiet"],
      ["add", "--force", file],
    ])
      execFileSync("git", argv, { cwd });
    env = { ...env, PATH: process.env.PATH ?? "" };
    const result = await create("books", "invoice", "--url", URL);
    expect(ofType(result, "warning")).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining(`Git tracks ${file}, so your next commit`) }),
    );
  });

  it("makes the keys that it creates the user's, once there are some", async () => {
    const person = newPerson();
    env = { ...env, ...person.env };
    const isCreation = ({ method, path }: ApiRequest): boolean => method === "POST" && path.endsWith("/webhooks");
    server.trouble({ status: 400, body: '{"code":15,"message":"no"}' }, 1, isCreation);
    expect((await create("books", "invoice", "--url", URL)).exitCode).not.toBe(0);
    expect(person.trusted()).toEqual({});
    expect((await create("books", "invoice", "--url", URL)).exitCode).toBe(0);
    expect(person.trusted()).toEqual({ [cwd]: ["existing keys .zoho-hooks/keys"] });
    expect((await create("books", "item", "--url", URL)).exitCode).toBe(0);
  });

  it("shares the secret of the project", async () => {
    await create("books", "invoice", "--url", URL);
    await create("books", "item", "--url", URL);
    const [first, second] = server.finance.hooks;
    expect(second?.body.secret).toBe(first?.body.secret);
    await create("inventory", "item", "--url", URL);
    expect(server.finance.hooks[2]).toMatchObject({ root: "/inventory/v1" });
    expect(server.finance.hooks[2]?.body.secret).not.toBe(first?.body.secret);
    env = { ...env, ZOHO_WEBHOOK_SECRET: "AnotherSecret2026" };
    const shown = await create("books", "customer", "--url", URL);
    expect(server.finance.hooks[3]?.body.secret).toBe("AnotherSecret2026");
    expect(ofType(shown, "webhook")[0]?.secret).toBe("[masked]");
  });

  it("rejects a secret that Zoho would refuse", async () => {
    env = { ...env, ZOHO_WEBHOOK_SECRET: "with-dashes-in-it" };
    const { exitCode, err } = await create("books", "invoice", "--url", URL);
    expect(exitCode).toBe(2);
    expect(err).toContain("12 to 50 letters and digits");
    expect(err).toContain("ZOHO_WEBHOOK_SECRET_BOOKS");
    expect(err).not.toContain("with-dashes-in-it");
    expect(apiRequests()).toEqual([]);
  });

  it("signs with the secret of a file, and creates none while that cannot be read", async () => {
    env = { ...env, ZOHO_WEBHOOK_SECRET_BOOKS_FILE: "secret.txt" };
    const { exitCode, err } = await create("books", "invoice", "--url", URL);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringContaining("ZOHO_WEBHOOK_SECRET_BOOKS_FILE: the file cannot be read"),
    ]);
    expect(apiRequests()).toEqual([]);
    writeFileSync(join(cwd, "secret.txt"), "GivenSecret2026\n");
    await create("books", "invoice", "--url", URL);
    expect(server.finance.hooks[0]?.body.secret).toBe("GivenSecret2026");
  });

  it("lists webhooks without a rule, also with --unused", async () => {
    const alone = await create("books", "contact", "--url", URL, "--name", "lonely");
    expect(server.finance.hooks[0]?.body.entity).toBe("customer");
    expect(ofType(alone, "warning")).toMatchObject([{ message: expect.stringContaining("460000000026049 (lonely)") }]);
    await create("books", "invoice", "--url", URL, "--rule", "add");
    const all = await list("books");
    expect(all.exitCode).toBe(0);
    expect(ofType(all, "webhook").map(({ rules }) => rules)).toEqual([[], [expect.stringMatching(/^\d+$/)]]);
    expect(ofType(all, "warning")).toMatchObject([{ message: expect.stringContaining("never fires") }]);
    const unused = await list("books", "--unused");
    expect([unused.exitCode, ofType(unused, "webhook").map(({ id }) => id)]).toEqual([8, ["460000000026049"]]);
    expect((await list("desk", "--unused")).exitCode).toBe(2);
  });

  it("explains what to do when the rule could not be created", async () => {
    const refusal = { status: 400, body: { code: 15, message: "no more rules" } };
    server.trouble(refusal, 1, ({ path }) => path.endsWith("/settings/workflows"));
    const result = await create("books", "invoice", "--url", URL, "--rule", "add");
    expect(result.exitCode).toBe(7);
    expect(ofType(result, "webhook")).toMatchObject([{ state: "created", rules: [] }]);
    expect(result.err).toContain("15: no more rules");
    expect(result.err).toContain("webhooks delete 460000000026049 --product books");
  });

  it("lists every page, without the other product's webhooks", async () => {
    for (let i = 0; i < 3; i++) await create("books", "invoice", "--url", URL);
    await create("inventory", "item", "--url", URL);
    server.finance.pageSize = 2;
    expect(ofType(await list("books"), "webhook")).toHaveLength(3);
    expect(ofType(await list("inventory"), "webhook")).toHaveLength(1);
  });

  it("defaults to the URL of the project's running listen", async () => {
    const missing = await webhooks(["create", "--product", "books", "invoice"], { env: AT_ZOHO });
    expect(missing.exitCode).toBe(2);
    expect(missing.err).toContain("--url https://");
    const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: clock.now });
    const hold = await log.lock({ pid: 4711, url: "https://first.example", since: clock.now() });
    if (!hold.held) throw new Error("nobody else can hold a new log");
    const prompts = { confirm: async () => true } as unknown as Prompts;
    const argv = ["webhooks", "create", "item", "--product", "inventory"];
    expect((await run(argv, { env, cwd, now: clock.now, sleep: clock.sleep, prompts })).exitCode).toBe(0);
    expect(server.finance.hooks[0]?.body.url).toBe("https://first.example/webhooks/zoho/inventory");
    await hold.release();
    await log.close();
  });

  it("points out that bodies name no event, unless the URL does", async () => {
    const created = async (url: string): Promise<string> => {
      await clock.sleep(1000);
      const argv = ["webhooks", "create", "invoice", "--product", "books", "--url", url];
      return (await run(argv, { env, cwd, now: clock.now, sleep: clock.sleep })).err;
    };
    expect(await created(URL)).toContain("?event=invoice.created");
    expect(await created(`${URL}?action=add`)).not.toContain("?event=");
  });

  it("warns of a webhook that may exist after a lost answer, but not after a rejection", async () => {
    const isCreation = (each: { readonly method: string; readonly path: string }): boolean =>
      each.method === "POST" && each.path.endsWith("/settings/webhooks");
    server.trouble("cut", 1, isCreation);
    const cut = await create("books", "invoice", "--url", URL);
    expect(cut.exitCode).toBe(7);
    expect(ofType(cut, "warning")).toMatchObject([{ hint: expect.stringContaining("webhooks list --product books") }]);
    expect(server.requests.filter(isCreation)).toHaveLength(1);
    server.trouble({ status: 400, body: { code: 15, message: "no" } }, 1, isCreation);
    const refused = await create("books", "invoice", "--url", URL);
    expect([refused.exitCode, ofType(refused, "warning")]).toEqual([7, []]);
    server.trouble({ status: 200, body: "<html>" }, 1, isCreation);
    const page = await create("books", "invoice", "--url", URL);
    expect([page.exitCode, ofType(page, "warning")]).toEqual([7, [expect.anything()]]);
  });

  it("explains how to delete a webhook that cannot be read back", async () => {
    server.trouble(BUSY, 4, isListing);
    const { exitCode, out, err } = await create("books", "invoice", "--url", URL);
    expect([exitCode, err]).toEqual([7, expect.stringContaining("the failure is on Zoho's side")]);
    expect(out).toContain("webhook 460000000026049 was created but could not be read back");
    expect(out).toContain("to delete it: zoho-hooks webhooks delete 460000000026049 --product books");
  });

  it("warns of a rule that may exist after a lost answer", async () => {
    server.trouble("cut", 1, ({ path }) => path.endsWith("/settings/workflows"));
    const { err } = await create("books", "invoice", "--url", URL, "--rule", "add");
    expect(err).toContain("but its workflow rule may not have been");
  });

  it("warns of a rule that may exist after Ctrl-C", async () => {
    const isRule = ({ path }: ApiRequest): boolean => path.endsWith("/settings/workflows");
    server.trouble("silence", 1, isRule);
    const interrupt = new AbortController();
    const argv = ["create", "invoice", "--product", "books", "--url", URL, "--rule", "add"];
    const running = webhooks(argv, { signal: interrupt.signal });
    await server.seen(isRule);
    interrupt.abort("SIGINT");
    const { exitCode, out } = await running;
    expect(exitCode).toBe(130);
    expect(out).toContain("was created, perhaps with its workflow rule, but could not be read back");
  });

  it("reports none as unused when the rules are unknown", async () => {
    const webhook = { webhook_id: "460000000026049", webhook_name: "test", url: URL, entity: "invoice" };
    const body = { code: 0, message: "success", webhooks: [webhook] };
    server.trouble({ status: 200, body }, 2, (each) => each.path.endsWith("/settings/webhooks"));
    const listed = await list("books");
    expect(ofType(listed, "webhook")).toMatchObject([{ rules: null }]);
    expect(ofType(listed, "warning")).toEqual([]);
    expect((await list("books", "--unused")).exitCode).toBe(0);
  });

  it("explains what to do when the secret cannot be stored", async () => {
    writeFileSync(join(cwd, ".zoho-hooks"), "in the way");
    const { exitCode, err } = await create("books", "invoice", "--url", URL);
    expect(exitCode).toBe(2);
    expect(err).toContain("webhook 460000000026049 was created, but its secret could not be stored");
    expect(err).toContain("webhooks delete 460000000026049 --product books");
  });
});

describe("webhooks create for Sign", () => {
  it("stores the secret, and keeps every digit of the id", async () => {
    const result = await create("sign", "RequestCompleted", "declined", "--url", URL);
    expect(result.exitCode, result.out + result.err).toBe(0);
    const [hook] = server.sign.hooks;
    expect(hook?.form).toMatchObject({ webhook_actions: "Completed,Declined", purpose: "zoho-hooks" });
    expect(ofType(result, "webhook")).toMatchObject([
      { id: "100000000000321001", events: ["Completed", "Declined"], enabled: true, secret: "[masked]" },
    ]);
    listener = await startListener([], { cwd, env: {} });
    const body =
      '{"requests":{"request_id":"1","request_status":"completed"},"notifications":{"operation_type":"RequestCompleted"}}';
    const signature = createHmac("sha256", hook?.secret ?? "")
      .update(body)
      .digest("base64");
    const path = "/webhooks/zoho/sign";
    expect((await post(listener, path, body, "X-ZS-WEBHOOK-SIGNATURE", signature)).status).toBe(200);
    expect((await listener.event(1)).signatures).toMatchObject([{ id: "sign-signature", result: "verified" }]);
    expect((await listener.post(path, body)).status).toBe(401);
  });

  it("shows Zoho's error about a third webhook", async () => {
    for (let i = 0; i < 2; i++) await create("sign", "Completed", "--url", URL, "--org", "70000001");
    expect(server.sign.hooks[1]?.form.org_id).toBe("70000001");
    const third = await create("sign", "Completed", "--url", URL);
    expect(third.exitCode).toBe(7);
    expect(third.err).toContain("9101: Only two webhooks can be created");
  });
});

describe("webhooks delete", () => {
  it("reports what Zoho confirmed when the list cannot be read afterwards", async () => {
    await create("books", "invoice", "--url", URL);
    const isDeleted = (): boolean => server.requests.some(({ method }) => method === "DELETE");
    server.trouble(BUSY, 4, (each) => isListing(each) && isDeleted());
    const { exitCode, out } = await webhooks(["delete", "460000000026049", "--product", "books", "--yes"]);
    expect([exitCode, out]).toEqual([
      7,
      expect.stringContaining("its list could not be read afterwards: 460000000026049"),
    ]);
  });

  it.each([
    ["interrupted", "silence", 130],
    ["cut off, as is the list afterwards", "cut", 7],
  ] as const)("reports what was and what may have been deleted when it is %s", async (_, trouble, status) => {
    for (let i = 0; i < 3; i++) await create("books", "invoice", "--url", URL);
    const ids = server.finance.hooks.map(({ id }) => id);
    const isSecond = ({ method, path }: ApiRequest): boolean => method === "DELETE" && path.endsWith(ids[1] ?? "");
    server.trouble(trouble, 9, isSecond);
    if (trouble === "cut") server.trouble(BUSY, 9, (each) => isListing(each) && server.requests.some(isSecond));
    const interrupt = new AbortController();
    const running = webhooks(["delete", ...ids, "--product", "books", "--yes"], { signal: interrupt.signal });
    await server.seen(isSecond);
    if (trouble === "silence") interrupt.abort("SIGINT");
    const { exitCode, out } = await running;
    expect(exitCode).toBe(status);
    expect(out).toContain(`these webhooks may have been deleted, but Zoho did not answer: ${ids[1]}"`);
    expect(out).toContain(`could not be read afterwards: ${trouble === "cut" ? `${ids[0]}, ${ids[2]}` : ids[0]}"`);
    expect(out).toContain("webhooks list --product books");
  });

  it("requires --yes without a terminal, and confirms the deletion by the list", async () => {
    await create("books", "invoice", "--url", URL, "--rule", "add");
    const remove = (...argv: string[]) => webhooks(["delete", "460000000026049", "--product", "books", ...argv]);
    const unasked = await remove();
    expect([unasked.exitCode, unasked.err]).toEqual([2, expect.stringContaining("--yes")]);
    const lie = { status: 200, body: { code: 0, message: "gone" } };
    server.trouble(lie, 1, (each) => each.method === "DELETE");
    const lied = await remove("--yes");
    expect([lied.exitCode, lied.lines()]).toEqual([
      7,
      [expect.objectContaining({ state: "not_deleted", reason: "Zoho still lists it" })],
    ]);
    const done = await remove("--yes");
    expect([done.exitCode, ofType(done, "webhook")]).toEqual([0, [expect.objectContaining({ state: "deleted" })]]);
    expect(ofType(done, "warning")).toMatchObject([{ message: expect.stringContaining("is still there") }]);
    const again = await remove("--yes");
    expect([again.exitCode, ofType(again, "webhook")[0]?.state]).toEqual([7, "unknown"]);
  });

  it("deletes webhooks of Desk and Sign", async () => {
    listener = await startListener([], { cwd, env: {} });
    await create("desk", "Ticket_Add", "--url", `${listener.url}/webhooks/zoho/desk`);
    Object.assign(Object(server.state.services.sign), { nextId: "4711" });
    await create("sign", "Completed", "--url", URL);
    const desk = await webhooks(["delete", "1892000000004203471", "--product", "desk", "--yes"]);
    const sign = await webhooks(["delete", "4711", "--product", "sign", "--yes"]);
    expect([desk.exitCode, sign.exitCode]).toEqual([0, 0]);
    expect([server.desk.hooks, server.sign.hooks]).toEqual([[], []]);
  });
});

describe("webhooks", () => {
  it.each([
    ["desk", ["Ticket_Add"]],
    ["books", ["invoice", "--rule", "add"]],
    ["inventory", ["item"]],
    ["sign", ["Completed"]],
  ])("for %s shows requests without secrets, and sends none, with --dry-run", async (product, argv) => {
    env = { ...env, ZOHO_WEBHOOK_SECRET: "NotToBeShown2026" };
    const result = await create(product, ...argv, "--url", URL, "--dry-run");
    const [first, ...more] = result.lines();
    expect(first).toMatchObject({ type: "api_request", sent: false, method: "POST" });
    expect(JSON.stringify(first)).toContain("abc.example");
    expect(more).toHaveLength(argv.includes("--rule") ? 1 : 0);
    expect(result.out + result.err).not.toContain("NotToBeShown2026");
    expect(server.requests).toEqual([]);
    const deletion = await webhooks(["delete", "1", "2", "--product", product, "--dry-run"]);
    expect(deletion.lines()).toMatchObject([{ method: "DELETE" }, { method: "DELETE" }]);
    expect(server.requests).toEqual([]);
  });

  it.each([
    ["desk", ["Ticket_Add"], {}, "https://desk.zoho.com/"],
    ["books", ["invoice", "--rule", "add"], { ZOHO_DC: "eu" }, "https://www.zohoapis.eu/books/"],
    ["sign", ["Completed"], { ZOHO_API_URL: "https://sign.example" }, "https://sign.example/"],
  ])("for %s need no sign-in with --dry-run", async (product, argv, variables, start) => {
    env = variables;
    const [created, deleted] = [
      await create(product, ...argv, "--url", URL, "--dry-run"),
      await webhooks(["delete", "1", "--product", product, "--dry-run"]),
    ];
    for (const result of [created, deleted]) {
      expect([result.exitCode, result.err]).toEqual([0, ""]);
      for (const { url } of ofType(result, "api_request")) expect(String(url).startsWith(start)).toBe(true);
    }
    expect(ofType(created, "api_request")).toHaveLength(argv.includes("--rule") ? 2 : 1);
    const { err } = await run(["webhooks", "delete", "1", "--product", product, "--dry-run"], { env, cwd });
    expect(err).toContain("not signed in: the request is shown for the data centre");
    expect((await create(product, ...argv, "--url", URL)).exitCode).toBe(6);
    expect((await create(product, ...argv, "--url", URL, "--dry-run", "--profile", "acme")).exitCode).toBe(6);
  });

  it.each([
    ["desk", "Ticket_Add", []],
    ["books", "invoice", ["it is not https"]],
  ])("for %s warns of a plain http URL unless Zoho documents it", async (product, event, said) => {
    const argv = ["create", "--product", product, event, "--url", "http://abc.example/hook", "--dry-run"];
    const result = await webhooks(argv, { env: AT_ZOHO });
    expect(result.exitCode).toBe(0);
    expect(ofType(result, "warning")).toEqual(
      said.map((part) => expect.objectContaining({ message: expect.stringContaining(part) })),
    );
  });

  it("masks the secret in the output of --verbose", async () => {
    const argv = ["webhooks", "create", "Completed", "--product", "sign", "--url", URL, "--verbose"];
    const { err, out } = await run(argv, { env, cwd, now: clock.now, sleep: clock.sleep });
    expect(err).toContain('"secret_key":"[masked]"');
    expect(out + err).not.toContain(server.sign.hooks[0]?.secret);
  });

  it.each([
    ["desk", "Desk.settings.READ", ["Desk.basic.READ"]],
    ["books", "ZohoBooks.settings.READ", []],
    ["inventory", "ZohoInventory.settings.READ", []],
    ["sign", "ZohoSign.account.ALL", []],
  ])("for %s names the missing scope, and shows Zoho's error", async (product, scope, scopes) => {
    env = signedIn(["ZohoCRM.modules.READ", ...scopes]);
    const { exitCode, err } = await list(product);
    expect(exitCode).toBe(6);
    expect(err).toContain(scope);
    expect(err).toMatch(/SCOPE_MISMATCH|57: You are not authorized|9041: Invalid Oauth Scope/);
  });

  it.each([
    ["mail", "Settings > Integrations > Developer Space > Outgoing Webhooks"],
    ["subscriptions", "Settings > Automation > Webhooks"],
    ["crm", "zoho-hooks channels"],
    ["people", "in the settings of Zoho People"],
    ["forms", "zoho-hooks does not manage its webhooks"],
    ["survey", "zoho-hooks does not manage its webhooks"],
    ["sprints", "zoho-hooks does not manage its webhooks"],
    ["sprints", "Settings > Automation > Webhook"],
    ["campaigns", "emailapi/v2/settings/webhook"],
    ["creator", "invokeUrl"],
    ["analytics", "callbackUrl"],
  ])("for %s, whose webhooks it does not manage, says %s", async (product, place) => {
    const { exitCode, err } = await create(product, "x", "--url", URL);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(place)]);
    expect(server.requests).toEqual([]);
  });

  it.each([14, 57])("for Books gets a new access token after the error code %i", async (code) => {
    expect((await list("books")).exitCode).toBe(0);
    const refusal = { status: 401, body: { code, message: "You are not authorized to perform this operation" } };
    server.trouble(refusal, 1, ({ path }) => path.endsWith("/settings/webhooks"));
    const before = server.tokenRequests().length;
    const result = await create("books", "invoice", "--url", URL);
    expect(result.exitCode, result.err).toBe(0);
    expect([server.tokenRequests().length - before, server.finance.hooks.length]).toEqual([1, 1]);
  });

  it("for Books shows Zoho's error when there is no other access token", async () => {
    const token = server.accounts.makeAccessToken(["ZohoCRM.modules.READ"]);
    const given = { ZOHO_ACCESS_TOKEN: token, ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url };
    const fixed = await webhooks(["list", "--product", "books"], { env: given });
    expect([fixed.exitCode, fixed.err]).toEqual([6, expect.stringContaining("57: You are not authorized")]);
    expect(fixed.err).toContain("or its access token has expired");
    env = signedIn(["ZohoCRM.modules.READ"]);
    for (let i = 0; i < 12; i++) expect((await list("books")).err).toContain("lacks the scope ZohoBooks.settings.READ");
  });

  it("rejects an error or a page in a 200", async () => {
    const isList = (each: { readonly path: string }): boolean => each.path.endsWith("/settings/webhooks");
    server.trouble({ status: 200, body: { code: 1002, message: "does not exist" } }, 1, isList);
    const fault = await list("books");
    expect([fault.exitCode, fault.err]).toEqual([7, expect.stringContaining("1002: does not exist")]);
    server.trouble({ status: 200, body: "<html>" }, 9, isList);
    const page = await list("books");
    expect([page.exitCode, page.err]).toEqual([7, expect.stringContaining("an HTML page")]);
  });

  it.each(["desk", "books", "sign"])(
    "for %s reports an answer that does not come from Zoho, instead of an empty list or a deletion",
    async (product) => {
      const isList = ({ method, path }: ApiRequest): boolean => method === "GET" && path.endsWith("/webhooks");
      server.trouble({ status: 200, body: { portal: "please log in" } }, 9, isList);
      for (const argv of [["list"], ["delete", "1", "--yes"]]) {
        const { exitCode, err, lines } = await webhooks([...argv, "--product", product]);
        expect([exitCode, err]).toEqual([7, expect.stringContaining("is not from Zoho's API (HTTP_200: ")]);
        expect(lines()).toEqual([]);
      }
    },
  );

  it("requires a known product, and a sign-in", async () => {
    expect((await webhooks(["list"])).err).toContain("--product is required");
    expect((await list("boks")).exitCode).toBe(2);
    const signedOut = await webhooks(["list", "--product", "desk"], { env: {} });
    expect([signedOut.exitCode, signedOut.err]).toEqual([6, expect.stringContaining("zoho-hooks login")]);
  });
});
