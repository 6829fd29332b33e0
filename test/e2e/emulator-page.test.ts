import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Emulator, openEmulator } from "../../src/emulator/emulator.ts";
import { closeBrowserAtEnd, openPage } from "../support/browser.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { startTarget } from "../support/target.ts";

closeBrowserAtEnd();

const packageRoot = join(import.meta.dirname, "../..");
const TOKEN = "token-of-the-channel";
const VERIFIED = { id: "token", result: "verified" };

async function startEmulator(): Promise<Emulator> {
  const emulator = await openEmulator({ port: 0, packageRoot, env: {} });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function startReceiver(): Promise<Listener> {
  const listener = await startListener([], { env: { ZOHO_WEBHOOK_TOKEN: TOKEN } });
  onTestFinished(async () => void (await listener.stop()));
  return listener;
}

/** A channel as `channels create` makes it. */
async function watchLeads({ url, organisation: { accounts } }: Emulator, notifyUrl: string): Promise<void> {
  const events = ["Leads.create", "Leads.edit", "Leads.delete"];
  const channel_expiry = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}+00:00`;
  const watch = [{ channel_id: "1000000068001", events, notify_url: notifyUrl, token: TOKEN, channel_expiry }];
  const authorization = `Zoho-oauthtoken ${accounts.makeAccessToken(["ZohoCRM.notifications.ALL"])}`;
  const body = JSON.stringify({ watch });
  const answer = await fetch(`${url}/crm/v8/actions/watch`, { method: "POST", headers: { authorization }, body });
  expect(answer.status, await answer.text()).toBe(201);
}

async function openEmulatorPage({ url }: Emulator, options: Parameters<typeof openPage>[0] = {}): Promise<Page> {
  const page = await openPage(options);
  const violations: string[] = [];
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) violations.push(message.text());
  });
  onTestFinished(() => expect(violations).toEqual([]));
  await page.goto(url);
  await page.getByText("Live", { exact: true }).waitFor();
  return page;
}

const table = (page: Page, name: string) => page.getByRole("region", { name });
const footer = (page: Page, text: string) => page.getByRole("contentinfo").getByText(text);
const button = (page: Page, name: string) => page.getByRole("button", { name });

describe.skipIf(lacks("chromium"))("the emulator's page", { timeout: 60_000 }, () => {
  it("creates, changes and deletes a Lead, whose notifications arrive verified", async () => {
    const emulator = await startEmulator();
    const receiver = await startReceiver();
    const page = await openEmulatorPage(emulator);
    await page.getByText("npx zoho-hooks listen 3000 --channel Leads.create", { exact: true }).first().waitFor();
    await watchLeads(emulator, `${receiver.url}/webhooks/zoho/crm`);
    await table(page, "Channels and webhooks").getByText("1d left").waitFor();
    await page.getByText("An empty organisation").waitFor({ state: "detached" });

    await button(page, "Create").click();
    const dialog = page.getByRole("dialog", { name: "Create crm Leads" });
    await dialog.getByRole("button", { name: "Create" }).click();
    expect(await receiver.event(1)).toMatchObject({ event: "Leads.create", signatures: [VERIFIED] });
    await table(page, "Records").getByText("Tanaka").first().waitFor();
    await table(page, "Deliveries").getByText("200").waitFor();

    await page.getByRole("button", { name: /^Change \d{19}$/ }).click();
    const editor = page.getByRole("dialog").getByLabel("Fields");
    const id = (await page.getByRole("dialog").getByRole("heading").textContent())?.match(/\d{19}/)?.[0] ?? "";
    const leads = emulator.organisation.stores.find(({ product }) => product === "crm");
    leads?.change("Leads", id, { City: "Osaka" });
    await editor.fill((await editor.inputValue()).replace("Tanaka Foods", "Tanaka Bakery"));
    await page.getByRole("dialog").getByRole("button", { name: "Change" }).click();
    expect(await receiver.event(3)).toMatchObject({ event: "Leads.edit", signatures: [VERIFIED] });
    // Only what was edited is sent.
    expect(leads?.list("Leads", 1)).toMatchObject([{ id, City: "Osaka", Company: "Tanaka Bakery" }]);

    await page.getByRole("button", { name: /^Delete \d{19}$/ }).click();
    expect(await receiver.event(4)).toMatchObject({ event: "Leads.delete", signatures: [VERIFIED] });
    await page.getByText("None yet.", { exact: true }).waitFor();
  });

  it("begins a record with what its module needs", async () => {
    const page = await openEmulatorPage(await startEmulator());
    const create = async (module: string): Promise<void> => {
      await page.getByRole("combobox", { name: "Module" }).selectOption(module);
      await button(page, "Create").click();
      const dialog = page.getByRole("dialog", { name: `Create ${module}` });
      await dialog.getByRole("button", { name: "Create" }).click();
      await footer(page, `Created ${module}`).waitFor();
      await table(page, "Records").getByRole("row").nth(1).waitFor();
    };
    // A ticket and an invoice name the contact that was created before.
    for (const module of ["contacts", "tickets"]) await create(`desk ${module}`);
    for (const module of ["contacts", "items", "invoices"]) await create(`books ${module}`);
    for (const module of ["crm Accounts", "bigin Pipelines", "recruit Candidates", "sign requests"])
      await create(module);
    await page.getByRole("button", { name: /^Change \d+$/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Change" }).click();
    await table(page, "Records").getByText("inprogress").waitFor();
  });

  it("shows a delivery and delivers it again", async () => {
    const emulator = await startEmulator();
    const app = await startTarget();
    onTestFinished(() => app.close());
    const page = await openEmulatorPage(emulator);
    await button(page, "Deliver a sample").click();
    await page.getByRole("combobox", { name: "Product", exact: true }).selectOption("Zoho Desk");
    await page.getByRole("combobox", { name: "Event", exact: true }).selectOption("Ticket_Add");
    await page.getByLabel("URL").fill(`${app.url}/hook`);
    await button(page, "Deliver").last().click();
    await button(page, "desk Ticket_Add").click();
    const dialog = page.getByRole("dialog", { name: "Delivery #1: desk Ticket_Add" });
    await dialog.getByRole("row", { name: "content-type application/json" }).waitFor();
    await dialog.getByText('"eventType"').waitFor();
    await dialog.getByRole("button", { name: "Deliver again" }).click();
    await table(page, "Deliveries").getByText("#1 again").waitFor();
    expect(app.seen.map(({ body }) => body.toString())).toEqual(Array(2).fill(app.seen[0]?.body.toString()));
  });

  it("names the line that a receiver lacks which refuses the emulator's signature", async () => {
    const emulator = await startEmulator();
    const app = await startTarget((response) => void response.writeHead(401).end());
    onTestFinished(() => app.close());
    const order = { product: "sign", event: "RequestCompleted", to: app.url };
    await fetch(`${emulator.url}/_emulator/deliver`, { method: "POST", body: JSON.stringify(order) });
    const page = await openEmulatorPage(emulator);
    await button(page, "sign RequestCompleted").click();
    const { port } = new URL(emulator.url);
    await page.getByRole("dialog").getByText(`export $(npx zoho-hooks emulate --env --port ${port})`).waitFor();
  });

  it("ages a channel until it expires", async () => {
    const emulator = await startEmulator();
    await watchLeads(emulator, "http://127.0.0.1:9/hook");
    const page = await openEmulatorPage(emulator);
    const channels = table(page, "Channels and webhooks");
    await channels.getByText("1d left").waitFor();
    await button(page, "Advance 1h").click();
    await channels.getByText("23h left").waitFor();
    await page.getByLabel("Time to advance").fill("20h");
    await page.keyboard.press("Enter");
    await channels.getByText("3h left").waitFor();
    await page.getByLabel("Time to advance").fill("soon");
    await page.keyboard.press("Enter");
    const time = page.getByLabel("Time to advance");
    await page.getByText('"soon" is not a duration: write it as 500ms, 30s, 5m, 24h or 6d23h').waitFor();
    expect(await time.getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByRole("contentinfo").textContent()).not.toContain("soon");
    // The text stays, and the next call that is right removes the error.
    expect(await time.inputValue()).toBe("soon");
    await button(page, "Advance 6d").click();
    await channels.waitFor({ state: "detached" });
  });

  it("makes the next answers and deliveries fail, and says how many still will", async () => {
    const emulator = await startEmulator();
    const app = await startTarget();
    onTestFinished(() => app.close());
    await watchLeads(emulator, app.url);
    const page = await openEmulatorPage(emulator);
    const form = page.getByRole("dialog", { name: "Fail on purpose" });
    const fail = async (what: string, how: string, count: string) => {
      await button(page, "Fail").click();
      await form.getByRole("combobox", { name: "What" }).selectOption(what);
      await form.getByRole("combobox", { name: "How", exact: true }).selectOption(how);
      await form.getByLabel("How many").fill(count);
      await form.getByRole("button", { name: "Fail" }).click();
    };
    await fail("Next answers", "503", "two");
    await form.getByText('"two" is not a whole number from 1 to 1000000').waitFor();
    await form.getByLabel("How many").fill("2");
    await page.keyboard.press("Enter");
    await form.waitFor({ state: "detached" });
    await page.getByText("answers still to fail: 2").waitFor();
    const status = async () => (await fetch(`${emulator.url}/oauth/serverinfo`)).status;
    expect([await status(), await status(), await status()]).toEqual([503, 503, 200]);
    await page.getByText("answers still to fail").waitFor({ state: "detached" });

    await fail("Next deliveries", "twice", "1");
    await page.getByText("deliveries still to fail: 1").waitFor();
    emulator.organisation.stores.find(({ product }) => product === "crm")?.create("Leads", { Last_Name: "Doe" });
    await table(page, "Deliveries").getByText("twice on purpose").first().waitFor();
    expect(app.seen).toHaveLength(2);

    await button(page, "Fail").click();
    await form.getByRole("combobox", { name: "How", exact: true }).selectOption("late");
    await form.getByLabel("How late").fill("300ms");
    await form.getByRole("button", { name: "Fail" }).click();
    await form.waitFor({ state: "detached" });
    const startedAt = performance.now();
    expect(await status()).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
  });

  it("expires and deletes a channel", async () => {
    const emulator = await startEmulator();
    await watchLeads(emulator, "http://127.0.0.1:9/hook");
    const page = await openEmulatorPage(emulator);
    await button(page, "Expire 1000000068001").click();
    await footer(page, "Expired crm 1000000068001").waitFor();
    expect(emulator.organisation.subscriptions()).toEqual([]);
    await watchLeads(emulator, "http://127.0.0.1:9/hook");
    await button(page, "Delete 1000000068001").click();
    await page.getByText("None yet. This makes one:").waitFor();
    expect(emulator.organisation.subscriptions()).toEqual([]);
  });

  it("shows the bodies of a request and of its answer", async () => {
    const emulator = await startEmulator();
    const page = await openEmulatorPage(emulator);
    const authorization = `Zoho-oauthtoken ${emulator.organisation.accounts.makeAccessToken(["ZohoCRM.modules.ALL"])}`;
    const body = JSON.stringify({ data: [{ Last_Name: "Prado", Company: "Acme" }] });
    await fetch(`${emulator.url}/crm/v8/Leads`, { method: "POST", headers: { authorization }, body });
    await button(page, "POST /crm/v8/Leads #1").click();
    const dialog = page.getByRole("dialog", { name: "Request #1" });
    await dialog.getByText('"Prado"').waitFor();
    await dialog.getByText('"record added"').waitFor();
    await dialog.getByText(/^201 .* ms$/).waitFor();
    await dialog.getByRole("row", { name: `authorization ${authorization}` }).waitFor();
  });

  it("copies a command, and says where it cannot", async () => {
    const emulator = await startEmulator();
    const page = await openEmulatorPage(emulator, { permissions: ["clipboard-read", "clipboard-write"] });
    await button(page, "Copy").first().click();
    await button(page, "✓ Copied").waitFor();
    const { port } = new URL(emulator.url);
    const command = `export $(npx zoho-hooks emulate --env --port ${port})`;
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(command);
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    await button(page, "Copy").last().click();
    await footer(page, "The browser gives this page no clipboard: select the text").waitFor();
  });

  it("deletes everything after a question", async () => {
    const emulator = await startEmulator();
    await watchLeads(emulator, "http://127.0.0.1:9/hook");
    const page = await openEmulatorPage(emulator);
    page.once("dialog", (question) => question.dismiss());
    await button(page, "Reset").click();
    expect(emulator.organisation.subscriptions()).toHaveLength(1);
    page.once("dialog", (question) => question.accept());
    await button(page, "Reset").click();
    await page.getByText("An empty organisation").waitFor();
    expect(emulator.organisation.subscriptions()).toHaveLength(0);
  });

  it("says what the API says of a record that it refuses, and keeps the text", async () => {
    const page = await openEmulatorPage(await startEmulator());
    await button(page, "Create").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Fields").fill('{ "Company": "Acme" }');
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByText("MANDATORY_NOT_FOUND").waitFor();
    expect(await dialog.getByLabel("Fields").inputValue()).toContain("Acme");
    await dialog.getByLabel("Fields").fill("{");
    await dialog.getByText("Not valid JSON").waitFor();
  });

  it("shows requests, faults, and what the emulator lacks, as they happen", async () => {
    const emulator = await startEmulator();
    const page = await openEmulatorPage(emulator);
    const authorization = `Zoho-oauthtoken ${emulator.organisation.accounts.makeAccessToken(["ZohoCRM.modules.ALL"])}`;
    await fetch(`${emulator.url}/crm/v8/nothing/here/at/all?page=2`, { headers: { authorization } });
    await table(page, "Requests").getByText("GET /crm/v8/nothing/here/at/all?page=2").waitFor();
    await table(page, "Requests").getByText("404").waitFor();
    emulator.faults.requests.add("cut");
    await fetch(`${emulator.url}/crm/v8/Leads`).catch(() => {});
    await table(page, "Requests").getByText("none, on purpose").waitFor();
  });

  it("goes on when its emulator is started again", async () => {
    const first = await openEmulator({ port: 0, packageRoot, env: {} });
    const page = await openEmulatorPage(first);
    await first.close();
    await page.getByText("Disconnected").waitFor();
    const again = await openEmulator({ port: Number(new URL(first.url).port), packageRoot, env: {} });
    onTestFinished(() => again.close());
    await page.getByText("Live", { exact: true }).waitFor();
  });
});

describe.skipIf(lacks("chromium"))("the emulator's page for everybody", { timeout: 60_000 }, () => {
  const violations = async (page: Page): Promise<unknown> => {
    await page.evaluate(axe.source);
    return page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))",
    );
  };

  /** One with records, a channel, deliveries and requests. */
  async function filled(): Promise<Emulator> {
    const emulator = await startEmulator();
    await watchLeads(emulator, "http://127.0.0.1:9/hook");
    const store = emulator.organisation.stores.find(({ product }) => product === "crm");
    for (let i = 0; i < 30; i++) store?.create("Leads", { Last_Name: `Person ${i}`, Company: "x".repeat(100) });
    await emulator.deliveries.settled();
    return emulator;
  }

  it.each(["light", "dark"] as const)("has no violation that axe finds in the %s scheme", async (colorScheme) => {
    const empty = await openEmulatorPage(await startEmulator(), { colorScheme, reducedMotion: "reduce" });
    await empty.getByText("An empty organisation").waitFor();
    expect(await violations(empty)).toEqual([]);
    const page = await openEmulatorPage(await filled(), { colorScheme, reducedMotion: "reduce" });
    await page.getByText("Person 29").first().waitFor();
    expect(await violations(page)).toEqual([]);
    for (const name of ["Create", "Deliver a sample", "crm Leads.create", "Fail", "POST /crm/v8/actions/watch"]) {
      await button(page, name).first().click();
      await page.getByRole("dialog").waitFor();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.locator("dialog").waitFor({ state: "detached" });
      expect(await page.evaluate("document.activeElement.textContent")).toContain(name);
    }
  });

  it.each([
    [640, 400],
    [390, 844],
    [320, 500],
  ])("needs no scrolling sideways in %i × %i", async (width, height) => {
    const page = await openEmulatorPage(await filled(), { viewport: { width, height }, deviceScaleFactor: 2 });
    const boxes = "[document.documentElement, ...document.querySelectorAll('main, dialog, .scroll')]";
    const overflow = () => page.evaluate(`Math.max(...${boxes}.map((box) => box.scrollWidth - box.clientWidth))`);
    await page.getByText("Person 29").first().waitFor();
    expect(await overflow()).toBeLessThanOrEqual(0);
    for (const name of ["crm Leads.create", "POST /crm/v8/actions/watch", "Fail"]) {
      await button(page, name).first().click();
      await page.getByRole("dialog").waitFor();
      expect(await overflow()).toBeLessThanOrEqual(0);
      await page.keyboard.press("Escape");
      await page.locator("dialog").waitFor({ state: "detached" });
    }
  });

  it("reaches every control with Tab", async () => {
    const page = await openEmulatorPage(await filled());
    await page.getByText("Person 29").first().waitFor();
    const controls = await page.locator("button:visible, input:visible, select:visible").count();
    const seen = new Set<string>();
    for (let i = 0; i < controls + 6; i++) {
      await page.keyboard.press("Tab");
      seen.add(await page.evaluate("document.activeElement.outerHTML"));
    }
    expect(seen.size).toBeGreaterThanOrEqual(controls);
  });
});

// Keeps large dependencies out: four fifths of it are Preact, its signals and the JSON of long numbers. A tenth is left free.
it("is a page of at most 23 kB, compressed", () => {
  const folder = join(packageRoot, "dist/emulator");
  const sizes = readdirSync(folder).map((file) => gzipSync(readFileSync(join(folder, file))).length);
  expect(sizes).toHaveLength(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(23_000);
});

describe("the emulator's page and control calls", () => {
  it("are refused to a foreign Host, Origin and site, and not to programs", async () => {
    const { url } = await startEmulator();
    const answer = (path: string, headers: Readonly<Record<string, string>>, method = "GET"): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(url + path, { method, headers }, (response) => {
          response.destroy();
          resolve(response.statusCode ?? 0);
        });
        sent.on("error", reject);
        sent.end();
      });
    const { host, port } = new URL(url);
    for (const path of ["/", "/app.js", "/_emulator/state", "/_emulator/changes"]) {
      expect(await answer(path, {})).toBe(200);
      expect(await answer(path, { host: `192.168.1.5:${port}` })).toBe(200);
      expect(await answer(path, { origin: url, "sec-fetch-site": "same-origin" })).toBe(200);
      expect(await answer(path, { host: `rebound.example:${port}` })).toBe(403);
      expect(await answer(path, { origin: "https://evil.example" })).toBe(403);
      expect(await answer(path, { host: `192.168.1.5:${port}`, origin: `http://192.168.1.6:${port}` })).toBe(403);
      expect(await answer(path, { "sec-fetch-site": "cross-site" })).toBe(403);
    }
    expect(await answer("/_emulator/reset", { origin: "http://127.0.0.1:1" }, "POST")).toBe(403);
    expect(await answer("/_emulator/reset", { host }, "POST")).toBe(200);
  });
});
