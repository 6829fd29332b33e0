import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLog } from "../../src/store/sqlite-log.ts";
import { managedProducts } from "../../src/zoho/webhooks/index.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import type { SeenRequest } from "../support/zoho-server/answer.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const URL = "https://abc.example/webhooks/zoho/books";
const SCOPES = managedProducts.flatMap(({ scopes }) => scopes);
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

/** A second after whatever came before: Books turns away what follows sooner. */
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

/** A server in trouble that may be asked again at once. */
const BUSY = { status: 503, headers: { "retry-after": "0" }, body: "<html>" };
const isListing = ({ method, path }: SeenRequest): boolean => method === "GET" && path.endsWith("/settings/webhooks");

describe("webhooks of Desk", () => {
  it("are made for a URL that answers, with null where nothing narrows an event down", async () => {
    listener = await startListener([], { cwd, env: {} });
    const url = `${listener.url}/webhooks/zoho/desk`;
    const result = await create(
      "desk",
      "ticket_add",
      "Ticket_Update",
      "--url",
      url,
      "--departments",
      "1892000000006907",
    );
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
    const department = { departmentIds: ["1892000000006907"] };
    expect(server.desk.hooks[0]?.body).toMatchObject({
      subscriptions: { Ticket_Add: department, Ticket_Update: department },
    });
    await create("desk", "Contact_Add", "Ticket_Update", "--previous", "--url", url);
    expect(server.desk.hooks[1]?.body).toMatchObject({
      subscriptions: { Contact_Add: null, Ticket_Update: { includePrevState: true } },
    });
    const text = await run(["webhooks", "list", "--product", "desk"], { env, cwd, now: clock.now });
    expect(text.out).toMatch(/webhook +name +events +enabled +URL\n1892000000004203471 +zoho-hooks +Ticket_Add/);
  });

  it("are refused where nothing answers the probe, and it is said what to do", async () => {
    const { exitCode, err } = await create("desk", "Ticket_Add", "--url", "http://127.0.0.1:9/none");
    expect(exitCode).toBe(7);
    expect(err).toContain("did not get status 200");
    expect(err).toContain("UNPROCESSABLE_ENTITY");
    expect(err).toContain("zoho-hooks listen");
  });

  it("name the audience that listen can be held to", async () => {
    listener = await startListener([], { cwd, env: {} });
    const url = `${listener.url}/webhooks/zoho/desk`;
    const argv = ["webhooks", "create", "Ticket_Add", "--product", "desk", "--url", url];
    const { err } = await run(argv, { env: { ...env, ZOHO_DC: "eu" }, cwd, now: clock.now });
    expect(err).toContain("ZOHO_WEBHOOK_JWKS=eu");
    expect(err).toContain('"audience": "webhookId:1892000000004203471"');
  });

  it("need to know which organisation, and ask Zoho unless it is named", async () => {
    server.desk.organisations = [
      { id: "60017843", companyName: "Acme" },
      { id: "60017844", companyName: "Other" },
    ];
    const several = await list("desk");
    expect(several.exitCode).toBe(2);
    expect(several.err).toContain("60017843 (Acme), 60017844 (Other)");
    const none = await list("desk", "--org", "60017843", "--json");
    expect([none.exitCode, none.out]).toEqual([0, ""]);
    expect(apiRequests().filter(({ path }) => path === "/api/v1/organizations")).toHaveLength(1);
    expect((await list("desk", "--org", "60017844")).exitCode).toBe(6);
    expect((await list("desk", "--org", "acme")).exitCode).toBe(2);
    server.desk.organisations = [];
    expect((await list("desk")).err).toContain("sees no organisation");
  });

  it.each([
    [["Contact_Add", "--departments", "1"], "--departments is a filter of Ticket_Add"],
    [["Ticket_Add", "--departments", "1,support"], "takes ids, which are digits"],
    [["Ticket_Update", "--fields", "a,b,c,d,e,f"], "at most 5"],
    [["Ticket_Thread_Add", "--direction", "up"], "--direction is in or out"],
    [["Ticket_Add", "--unsigned"], "signs with a key of Zoho's own"],
    [["Ticket_Add", "--rule", "add"], "posts without workflow rules"],
  ])("refuse %j before anything is sent", async (argv, message) => {
    const { exitCode, err } = await create("desk", ...argv, "--url", URL);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(apiRequests()).toEqual([]);
  });

  it("ask for the state before of an approval, though it is not named among those that have one", async () => {
    const result = await create("desk", "Ticket_Approval_Update", "--previous", "--url", URL, "--dry-run");
    expect(result.exitCode, result.err).toBe(0);
    expect(result.out).toContain('\\"includePrevState\\":true');
    const { exitCode, err } = await create("desk", "Ticket_Add", "--previous", "--url", URL);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("--previous is a filter of Ticket_Update, ")]);
    expect(err).not.toContain("Approval");
  });

  it("pass on an event that is not known here, with a warning, and Zoho's no in full", async () => {
    listener = await startListener([], { cwd, env: {} });
    const result = await create("desk", "Ticket_Merge", "--url", `${listener.url}/webhooks/zoho/desk`);
    expect(ofType(result, "warning")).toMatchObject([{ message: expect.stringContaining('"Ticket_Merge"') }, {}]);
    expect(result.exitCode).toBe(7);
    expect(result.err).toContain("INVALID_DATA");
    expect(result.err).toContain("at /subscriptions/Ticket_Merge (invalid)");
  });
});

describe("webhooks of Books and Inventory", () => {
  it("sign with a secret that a running listen checks them with at once", async () => {
    listener = await startListener([], { cwd, env: {} });
    const result = await create("books", "invoice", "--rule", "add_edit", "--url", URL);
    expect(result.exitCode, result.out + result.err).toBe(0);
    const [hook] = server.finance.hooks;
    const secret = String(hook?.body.secret);
    expect(secret).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(ofType(result, "webhook")).toMatchObject([
      { state: "created", id: "460000000026049", events: ["invoice"], rules: hook?.rules, secret: "[masked]" },
    ]);
    expect(result.out + result.err).not.toContain(secret);
    const body = '{"invoice":{"invoice_id":"460000000049123","status":"sent","total":120.5}}';
    const hex = (text: string): string => createHmac("sha256", secret).update(text).digest("hex");
    const header = "x-zoho-webhook-signature";
    expect((await post(listener, "/webhooks/zoho/books", body, header, hex(body))).status).toBe(200);
    expect((await post(listener, "/webhooks/zoho/books", `${body} `, header, hex(body))).status).toBe(401);
    expect((await listener.event(1)).proofs).toMatchObject([{ id: "finance-signature", verdict: "passed" }]);
  });

  it("sign with the secret that the project has, all of them with the same", async () => {
    await create("books", "invoice", "--url", URL);
    await create("books", "item", "--url", URL);
    const [first, second] = server.finance.hooks;
    expect(second?.body.secret).toBe(first?.body.secret);
    await create("inventory", "item", "--url", URL, "--show-secrets");
    expect(server.finance.hooks[2]).toMatchObject({ root: "/inventory/v1" });
    expect(server.finance.hooks[2]?.body.secret).not.toBe(first?.body.secret);
    env = { ...env, ZOHO_WEBHOOK_SECRET: "AnotherSecret2026" };
    const shown = await create("books", "customer", "--url", URL, "--show-secrets");
    expect(server.finance.hooks[3]?.body.secret).toBe("AnotherSecret2026");
    expect(ofType(shown, "webhook")[0]?.secret).toBe("AnotherSecret2026");
    await create("books", "expense", "--url", URL, "--unsigned");
    expect(server.finance.hooks[4]?.body.secret).toBe("");
  });

  it("take no secret that Zoho would refuse, nor one that listen does not check with", async () => {
    env = { ...env, ZOHO_WEBHOOK_SECRET: "with-dashes-in-it" };
    const { exitCode, err } = await create("books", "invoice", "--url", URL);
    expect(exitCode).toBe(2);
    expect(err).toContain("12 to 50 letters and digits");
    expect(err).toContain("ZOHO_WEBHOOK_SECRET_BOOKS");
    expect(err).not.toContain("with-dashes-in-it");
    writeFileSync(join(cwd, "secret.txt"), "GivenSecret2026\n");
    const other = await create("books", "invoice", "--url", URL, "--secret-file", "secret.txt");
    expect([other.exitCode, other.err]).toEqual([2, expect.stringContaining("which is another secret")]);
    expect(apiRequests()).toEqual([]);
    env = signedIn(SCOPES);
    await create("books", "invoice", "--url", URL, "--secret-file", "secret.txt");
    expect(server.finance.hooks[0]?.body.secret).toBe("GivenSecret2026");
    expect(readFileSync(join(cwd, ".zoho-hooks/keys/hook-secrets.json"), "utf8")).toContain("GivenSecret2026");
  });

  it("that no rule calls are named, and can be asked for", async () => {
    const alone = await create("books", "contact", "--url", URL, "--name", "lonely");
    expect(server.finance.hooks[0]?.body.entity).toBe("customer");
    expect(ofType(alone, "warning")).toMatchObject([{ message: expect.stringContaining("460000000026049 (lonely)") }]);
    await create("books", "invoice", "--url", URL, "--rule", "add");
    const all = await list("books");
    expect(all.exitCode).toBe(0);
    expect(ofType(all, "webhook").map(({ rules }) => rules)).toEqual([[], [expect.stringMatching(/^\d+$/)]]);
    expect(ofType(all, "warning")).toMatchObject([{ message: expect.stringContaining("is an orphan") }]);
    const orphans = await list("books", "--orphans");
    expect([orphans.exitCode, ofType(orphans, "webhook").map(({ id }) => id)]).toEqual([8, ["460000000026049"]]);
    expect((await list("desk", "--orphans")).exitCode).toBe(2);
  });

  it("are reported, and how to mend it, when their rule could not be made", async () => {
    server.finance.ruleTrouble = { status: 400, body: { code: 15, message: "no more rules" } };
    const result = await create("books", "invoice", "--url", URL, "--rule", "add");
    expect(result.exitCode).toBe(7);
    expect(ofType(result, "webhook")).toMatchObject([{ state: "created", rules: [] }]);
    expect(result.err).toContain("15: no more rules");
    expect(result.err).toContain("webhooks delete 460000000026049 --product books");
  });

  it("are listed over all pages, none of the other product's", async () => {
    for (let i = 0; i < 3; i++) await create("books", "invoice", "--url", URL, "--unsigned");
    await create("inventory", "item", "--url", URL, "--unsigned");
    server.finance.pageSize = 2;
    expect(ofType(await list("books"), "webhook")).toHaveLength(3);
    expect(ofType(await list("inventory"), "webhook")).toHaveLength(1);
  });

  it("post to the listener that runs in the project where no URL is given", async () => {
    const missing = await create("books", "invoice");
    expect(missing.exitCode).toBe(2);
    expect(missing.err).toContain("--url https://");
    const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: clock.now });
    const hold = await log.hold({ pid: 4711, url: "https://first.example", since: clock.now() });
    if (!hold.held) throw new Error("nobody else can hold a new log");
    expect((await create("inventory", "item")).exitCode).toBe(0);
    expect(server.finance.hooks[0]?.body.url).toBe("https://first.example/webhooks/zoho/inventory");
    await hold.release();
    await log.close();
  });

  it("are told of that name no event in their body, unless their URL does", async () => {
    const created = async (url: string): Promise<string> => {
      await clock.sleep(1000);
      const argv = ["webhooks", "create", "invoice", "--product", "books", "--unsigned", "--url", url];
      return (await run(argv, { env, cwd, now: clock.now, sleep: clock.sleep })).err;
    };
    expect(await created(URL)).toContain("?event=invoice.created");
    expect(await created(`${URL}?action=add`)).not.toContain("?event=");
  });

  it("may be there though no answer came, and that is said; not where Zoho has refused", async () => {
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

  it("are told, and how to delete them, where they cannot be read back", async () => {
    server.trouble(BUSY, 4, isListing);
    const { exitCode, out, err } = await create("books", "invoice", "--url", URL);
    expect([exitCode, err]).toEqual([7, expect.stringContaining("the failure is on Zoho's side")]);
    expect(out).toContain("webhook 460000000026049 was created, and could not be read back");
    expect(out).toContain("webhooks delete 460000000026049 --product books takes it away again");
  });

  it("may have the rule that is to call them though no answer came", async () => {
    server.trouble("cut", 1, ({ path }) => path.endsWith("/settings/workflows"));
    const { err } = await create("books", "invoice", "--url", URL, "--rule", "add");
    expect(err).toContain("the workflow rule that is to call it may not have been");
  });

  it("may have the rule that is to call them on Ctrl-C, too", async () => {
    const isRule = ({ path }: SeenRequest): boolean => path.endsWith("/settings/workflows");
    server.trouble("silent", 1, isRule);
    const interrupt = new AbortController();
    const argv = ["create", "invoice", "--product", "books", "--url", URL, "--rule", "add"];
    const running = webhooks(argv, { signal: interrupt.signal });
    await server.seen(isRule);
    interrupt.abort("SIGINT");
    const { exitCode, out } = await running;
    expect(exitCode).toBe(130);
    expect(out).toContain(
      "was created, the workflow rule that is to call it may have been, and could not be read back",
    );
  });

  it("are no orphans where Zoho does not say which rules call them", async () => {
    const webhook = { webhook_id: "460000000026049", webhook_name: "test", url: URL, entity: "invoice" };
    const body = { code: 0, message: "success", webhooks: [webhook] };
    server.trouble({ status: 200, body }, 2, (each) => each.path.endsWith("/settings/webhooks"));
    const listed = await list("books");
    expect(ofType(listed, "webhook")).toMatchObject([{ rules: null }]);
    expect(ofType(listed, "warning")).toEqual([]);
    expect((await list("books", "--orphans")).exitCode).toBe(0);
  });

  it("say what to do when their secret cannot be kept", async () => {
    writeFileSync(join(cwd, ".zoho-hooks"), "in the way");
    const { exitCode, err } = await create("books", "invoice", "--url", URL);
    expect(exitCode).toBe(2);
    expect(err).toContain("webhook 460000000026049 was created, and its secret could not be kept");
    expect(err).toContain("webhooks delete 460000000026049 --product books");
  });
});

describe("webhooks of Sign", () => {
  it("are made with a secret that is kept, their ids to the last digit", async () => {
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
    expect((await listener.event(1)).proofs).toMatchObject([{ id: "sign-signature", verdict: "passed" }]);
    expect((await listener.post(path, body)).status).toBe(401);
  });

  it("are two at most, says Zoho, and what it says is passed on", async () => {
    for (let i = 0; i < 2; i++) await create("sign", "Completed", "--url", URL, "--org", "70000001");
    expect(server.sign.hooks[1]?.form.org_id).toBe("70000001");
    const third = await create("sign", "Completed", "--url", URL);
    expect(third.exitCode).toBe(7);
    expect(third.err).toContain("9101: Only two webhooks can be created");
    const described = await create("sign", "Completed", "--url", URL, "--description", "for tests");
    expect([described.exitCode, described.err]).toEqual([2, expect.stringContaining("--description")]);
  });
});

describe("webhooks delete", () => {
  it("says what Zoho has said where the list cannot be read afterwards", async () => {
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
    ["interrupted", "silent", 130],
    ["cut off, with the list after it,", "cut", 7],
  ] as const)("that is %s says what Zoho may have deleted, and what it has", async (_, trouble, status) => {
    for (let i = 0; i < 3; i++) await create("books", "invoice", "--url", URL, "--unsigned");
    const ids = server.finance.hooks.map(({ id }) => id);
    const isSecond = ({ method, path }: SeenRequest): boolean => method === "DELETE" && path.endsWith(ids[1] ?? "");
    server.trouble(trouble, 9, isSecond);
    if (trouble === "cut") server.trouble(BUSY, 9, (each) => isListing(each) && server.requests.some(isSecond));
    const interrupt = new AbortController();
    const running = webhooks(["delete", ...ids, "--product", "books", "--yes"], { signal: interrupt.signal });
    await server.seen(isSecond);
    if (trouble === "silent") interrupt.abort("SIGINT");
    const { exitCode, out } = await running;
    expect(exitCode).toBe(status);
    expect(out).toContain(`these webhooks may have been deleted: Zoho's answer did not come: ${ids[1]}"`);
    expect(out).toContain(`could not be read afterwards: ${trouble === "cut" ? `${ids[0]}, ${ids[2]}` : ids[0]}"`);
    expect(out).toContain("webhooks list --product books");
  });

  it("needs --yes without a terminal, and reads the list before it claims success", async () => {
    await create("books", "invoice", "--url", URL, "--rule", "add", "--unsigned");
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

  it("deletes those of Desk and Sign, too", async () => {
    listener = await startListener([], { cwd, env: {} });
    await create("desk", "Ticket_Add", "--url", `${listener.url}/webhooks/zoho/desk`);
    server.sign.nextId = 4711n;
    await create("sign", "Completed", "--url", URL, "--unsigned");
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
  ])("of %s are shown by --dry-run, without a secret, and not made", async (product, argv) => {
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
    ["desk", "Ticket_Add", []],
    ["books", "invoice", ["it is not https"]],
  ])("of %s are warned of for a plain http URL only where Zoho does not document it", async (product, event, said) => {
    const result = await create(product, event, "--url", "http://abc.example/hook", "--dry-run");
    expect(result.exitCode).toBe(0);
    expect(ofType(result, "warning")).toEqual(
      said.map((part) => expect.objectContaining({ message: expect.stringContaining(part) })),
    );
  });

  it("keep their secret out of what --verbose shows", async () => {
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
  ])("of %s name the scope that the sign-in lacks, and what Zoho said", async (product, scope, scopes) => {
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
    ["forms", "in the settings of Zoho Forms"],
    ["campaigns", "emailapi/v2/settings/webhook"],
    ["creator", "invokeUrl"],
    ["analytics", "callbackUrl"],
  ])("of %s, which has no such API, say where they are set up", async (product, place) => {
    for (const argv of [["list"], ["create", "x", "--url", URL], ["delete", "1", "--yes"]]) {
      const { exitCode, err } = await webhooks([...argv, "--product", product]);
      expect(exitCode).toBe(2);
      expect(err).toContain(place);
    }
    expect(server.requests).toEqual([]);
  });

  it.each([14, 57])("of Books get a new access token where Zoho refuses one with the number %i", async (code) => {
    expect((await list("books")).exitCode).toBe(0);
    const refusal = { status: 401, body: { code, message: "You are not authorized to perform this operation" } };
    server.trouble(refusal, 1, ({ path }) => path.endsWith("/settings/webhooks"));
    const before = server.tokenRequests().length;
    const result = await create("books", "invoice", "--url", URL);
    expect(result.exitCode, result.err).toBe(0);
    expect([server.tokenRequests().length - before, server.finance.hooks.length]).toEqual([1, 1]);
  });

  it("of Books say what Zoho has said where no other access token is to be had", async () => {
    const token = server.accounts.makeAccessToken(["ZohoCRM.modules.READ"]);
    const given = { ZOHO_ACCESS_TOKEN: token, ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url };
    const fixed = await webhooks(["list", "--product", "books"], { env: given });
    expect([fixed.exitCode, fixed.err]).toEqual([6, expect.stringContaining("57: You are not authorized")]);
    expect(fixed.err).toContain("or its access token has expired");
    env = signedIn(["ZohoCRM.modules.READ"]);
    for (let i = 0; i < 12; i++) expect((await list("books")).err).toContain("lacks the scope ZohoBooks.settings.READ");
  });

  it("take neither an error in a 200 nor a page for an answer", async () => {
    const isList = (each: { readonly path: string }): boolean => each.path.endsWith("/settings/webhooks");
    server.trouble({ status: 200, body: { code: 1002, message: "does not exist" } }, 1, isList);
    const fault = await list("books");
    expect([fault.exitCode, fault.err]).toEqual([7, expect.stringContaining("1002: does not exist")]);
    server.trouble({ status: 200, body: "<html>" }, 9, isList);
    const page = await list("books");
    expect([page.exitCode, page.err]).toEqual([7, expect.stringContaining("an HTML page")]);
  });

  it.each(["desk", "books", "sign"])(
    "of %s are not said to be none, nor deleted, by an answer of something else",
    async (product) => {
      const isList = ({ method, path }: SeenRequest): boolean => method === "GET" && path.endsWith("/webhooks");
      server.trouble({ status: 200, body: { portal: "please log in" } }, 9, isList);
      for (const argv of [["list"], ["delete", "1", "--yes"]]) {
        const { exitCode, err, lines } = await webhooks([...argv, "--product", product]);
        expect([exitCode, err]).toEqual([7, expect.stringContaining("does not come from Zoho's API (HTTP_200: ")]);
        expect(lines()).toEqual([]);
      }
    },
  );

  it("want a product that is known, and a sign-in", async () => {
    expect((await webhooks(["list"])).err).toContain("--product is missing");
    expect((await list("boks")).exitCode).toBe(2);
    const signedOut = await webhooks(["list", "--product", "desk"], { env: {} });
    expect([signedOut.exitCode, signedOut.err]).toEqual([6, expect.stringContaining("zoho-hooks login")]);
  });
});
