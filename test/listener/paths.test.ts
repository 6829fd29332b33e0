import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRoutes } from "../../src/forward/routes.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { leadBody, ticketBody } from "../support/logged-project.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget, type Target } from "../support/target.ts";

const PATHS = { "/api/hooks/crm": "crm", "/tenants/*": "auto", "/tenants/acme/*": "desk" };

let cwd: string;
let app: Target;
let listener: Listener | undefined;

beforeEach(async () => {
  cwd = tempFolder();
  app = await startTarget();
});

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  await app.close();
});

function configure(settings: object): void {
  writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify(settings));
}

async function listen(settings: object = {}, argv: readonly string[] = [String(app.port)]): Promise<Listener> {
  configure({ paths: PATHS, ...settings });
  listener = await startListener(argv, { cwd });
  return listener;
}

const appPaths = (): readonly string[] => app.seen.map(({ path }) => path);

it("receives at the app's own paths, and forwards to the same ones", async () => {
  const { post, line } = await listen();
  for (const path of [
    "/api/hooks/crm?tenant=7",
    "/tenants/globex/zoho/",
    "/tenants/acme/desk",
    "/webhooks/zoho/desk",
  ]) {
    const body = path.includes("desk") ? ticketBody(path) : leadBody({ email: `${app.seen.length}@example.com` });
    expect((await post(path, body)).status).toBe(200);
    await line("forward", { state: "delivered" }, app.seen.length + 1);
  }
  expect(appPaths()).toEqual([
    "/api/hooks/crm?tenant=7",
    "/tenants/globex/zoho/",
    "/tenants/acme/desk",
    "/webhooks/zoho/desk",
  ]);
  expect(await Promise.all([1, 2, 3].map((n) => line("event", { n })))).toMatchObject([
    { product: "crm", event: "Leads.create" },
    { product: "crm", event: "Leads.create" },
    { product: "desk", event: "Ticket.Create" },
  ]);
});

it("leaves the path of a target that has one", async () => {
  const { post, line } = await listen({}, [`${app.port}/in`]);
  await post("/tenants/globex", leadBody());
  await line("forward", { state: "delivered" });
  expect(appPaths()).toEqual(["/in"]);
});

it("refuses other paths, and names the setting", async () => {
  const { post, event } = await listen();
  for (const path of ["/other", "/tenants", "/tenants/../admin", "/tenants/%2e%2e/admin"])
    expect(await post(path, leadBody())).toMatchObject({ status: 404 });
  expect(await event(1)).toMatchObject({
    status: 404,
    refusal:
      'no webhook at this path: post to /webhooks/zoho/<product>, or add this path to "paths" in zoho-hooks.config.json',
  });
  expect(app.seen).toEqual([]);
});

it("is where send, check and --exec post a product of the setting", async () => {
  const settings = { port: Number(new URL((await listen()).url).port) };
  configure({ paths: PATHS, ...settings });
  const sent = await run(["send", "crm", "Leads.create", "--json"], { cwd });
  expect(sent.lines()).toMatchObject([{ url: `${listener?.url}/api/hooks/crm`, status: 200 }]);
  await listener?.line("forward", { state: "delivered" });
  const direct = await run(["send", "crm", "Leads.create", "--to", String(app.port), "--json"], { cwd });
  expect(direct.lines()).toMatchObject([{ url: `http://localhost:${app.port}/api/hooks/crm`, status: 200 }]);
  expect(appPaths()).toEqual(["/api/hooks/crm", "/api/hooks/crm"]);
  const checked = await run(["check", `${app.port}/tenants/acme/desk`, "--json"], { cwd });
  expect(checked.out).toContain("an event that it does not know (0.eventType)");
  expect(app.seen.at(-1)?.path).toBe("/tenants/acme/desk");
  const ready = listener?.lines().find(({ type }) => type === "ready");
  expect(ready?.urls).toMatchObject({
    crm: `${listener?.url}/api/hooks/crm`,
    desk: `${listener?.url}/webhooks/zoho/desk`,
  });
});

it("replays with the path by which a delivery came", async () => {
  const { post, event } = await listen({}, []);
  await post("/tenants/globex?a=1", leadBody());
  await event(1);
  await listener?.stop();
  const replayed = await run(["replay", "1", "--to", String(app.port)], { cwd });
  expect(replayed).toMatchObject({ exitCode: 0 });
  expect(appPaths()).toEqual(["/tenants/globex?a=1"]);
  const shown = await run(["events", "show", "1", "--curl"], { cwd });
  expect(shown.out).toContain("/tenants/globex?a=1");
});

it("sends what waits for a path when the app is back", async () => {
  await app.close();
  const { post, line } = await listen({}, [String(app.port)]);
  await post("/tenants/globex/in", leadBody());
  await line("target", { state: "down" });
  await listener?.stop();
  app = await startTarget(undefined, { port: app.port });
  await listen();
  await listener?.line("forward", { state: "delivered" });
  expect(appPaths()).toEqual(["/tenants/globex/in"]);
});

it.each([
  [{ hooks: "crm" }, "zoho-hooks.config.json:1:19: paths.hooks", 'write it as "/hooks"'],
  [{ "/hooks": "crmm" }, '/hooks: there is no product "crmm"', "did you mean crm?"],
  [
    { "/webhooks/zoho/CRM": "desk" },
    "/webhooks/zoho/CRM is the path at which listen receives Zoho CRM anyway",
    "leave it out",
  ],
  [["/hooks"], "paths: should be an object, but is a list", '"paths": { "/api/hooks/crm": "crm"'],
])("refuses %j in all commands", async (paths, message, hint) => {
  configure({ paths });
  for (const argv of [["listen"], ["send", "crm", "Leads.create"], ["check", "3000"]]) {
    const { err, exitCode } = await run(argv, { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain(hint);
  }
});

it("takes other names of a product", async () => {
  configure({ paths: { "/billing": "Billing" } });
  const { out } = await run(["config", "show", "--json"], { cwd });
  expect(out).toContain("/billing=subscriptions");
});

it("says in the ready block that a target without a path gets that of the setting", () => {
  const textsOf = (...forwardTo: string[]) => createRoutes({ forwardTo, routes: [], paths: ["/hooks=crm"] }).texts;
  expect(textsOf("3000", "3000/in")).toEqual([
    "http://localhost:3000, at the path in paths, else /webhooks/zoho/<product>",
    "http://localhost:3000/in",
  ]);
});
