import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { it, onTestFinished } from "vitest";
import { openEmulator } from "../../src/emulator/emulator.ts";
import { closeBrowserAtEnd, openPage, startInspector } from "../support/browser.ts";
import { startListener } from "../support/listener.ts";
import { leadBody, SECRET, signature, TOKEN } from "../support/logged-project.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

closeBrowserAtEnd();

const IMAGES = join(import.meta.dirname, "../../docs/images");
const SAMPLES = [
  "desk Ticket.Create",
  "books invoice_created",
  "crm Contacts.create",
  "desk Ticket.Update",
  "crm Leads.edit",
  "books payment_received",
];

/** `npm run docs` asks for it; otherwise a test run leaves the pictures alone. */
it.runIf(process.env.WRITE_IMAGES === "1")(
  "takes the pictures of docs/inspector.md",
  { timeout: 120_000 },
  async () => {
    const cwd = join(tempFolder(), "shop");
    mkdirSync(cwd);
    const env = { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN, ZOHO_HOOKS_RETRY_BASE: "1ms" };
    const app = await startTarget((response, { body }) => {
      const isBad = body.includes("Ticket.Update");
      response.writeHead(isBad ? 500 : 200).end(isBad ? "TypeError: ticket.owner is undefined" : "OK");
    });
    let time = Date.parse("2026-01-15T10:30:00Z");
    const now = () => {
      time += 3;
      return new Date(time);
    };
    const flags = ["--forward-to", `${app.url}/hooks`, "--retries", "1"];
    const listener = await startListener(flags, { cwd, env, now, hasPort: false });
    onTestFinished(async () => {
      await listener.stop();
      await app.close();
    });
    let n = 0;
    const arrived = async (): Promise<void> => {
      const { status } = await listener.event(++n);
      time += 7000;
      if (status !== 200) return;
      const is = (state: string) => listener.line("forward", { n, state });
      await Promise.race([is("delivered"), is("failed")]);
      time += 7000;
    };
    const post = async (body: string, secret: string): Promise<void> => {
      const headers = { "content-type": "application/json", ...signature(body, secret) };
      await listener.post("/webhooks/zoho/crm", body, headers);
      await arrived();
    };
    const incomplete = leadBody()
      .replace('"mei.tanaka@example.com"', "null")
      .replace('"ids":["4150868000000002179"]', '"ids":5');
    for (let round = 0; round < 4; round++) {
      for (const sample of SAMPLES) {
        const [product = "", event = ""] = sample.split(" ");
        const url = `${listener.url}/webhooks/zoho/${product}`;
        await run(["send", product, event, "--to", url], { cwd, env, now });
        await arrived();
      }
      await post(leadBody(), "the secret of another app");
    }
    await post(incomplete, SECRET);
    await post(leadBody({ email: "mei@example.com" }), SECRET);
    const { address } = await startInspector(cwd, { env });
    const open = async (colorScheme: "light" | "dark"): Promise<Page> => {
      const page = await openPage({ colorScheme, timezoneId: "UTC", viewport: { width: 1280, height: 800 } });
      await page.clock.setFixedTime(now());
      await page.goto(address);
      await page.getByText("Live", { exact: true }).waitFor();
      return page;
    };
    const save = async (page: Page, name: string): Promise<void> => {
      await page.mouse.move(0, 0);
      await page.screenshot({ path: join(IMAGES, `${name}.png`) });
    };
    const choose = async (page: Page, number: number): Promise<void> => {
      await page.getByRole("option", { name: `#${number} ` }).click();
      await page.getByRole("heading", { name: `#${number}` }).waitFor();
    };
    const light = await open("light");
    await choose(light, n - 2);
    await light.keyboard.press("x");
    await light.locator(".result").waitFor();
    await save(light, "inspector-light");
    await light.keyboard.press("Escape");
    await choose(light, n - 1);
    await save(light, "inspector-event");
    const dark = await open("dark");
    await choose(dark, n - 5);
    await save(dark, "inspector-dark");
    await choose(dark, n);
    await dark.keyboard.press("m");
    await choose(dark, n - 1);
    await dark.keyboard.press("m");
    await dark.locator(".differences").waitFor();
    await save(dark, "inspector-diff");
  },
);

it.runIf(process.env.WRITE_IMAGES === "1")("takes the picture of docs/emulator.md", { timeout: 60_000 }, async () => {
  let time = Date.parse("2026-01-15T10:30:00Z");
  const now = () => new Date(time);
  const packageRoot = join(import.meta.dirname, "../..");
  const emulator = await openEmulator({ port: 0, packageRoot, env: {}, now });
  const listener = await startListener([], { env: { ZOHO_WEBHOOK_TOKEN: TOKEN }, now, hasPort: false });
  onTestFinished(async () => {
    await listener.stop();
    await emulator.close();
  });
  const authorization = `Zoho-oauthtoken ${emulator.organisation.accounts.makeAccessToken(["ZohoCRM.notifications.ALL"])}`;
  const channel = {
    ...{ channel_id: "1000000068001", token: TOKEN, channel_expiry: "2026-01-22T10:30:00+00:00" },
    ...{ events: ["Leads.all"], notify_url: `${listener.url}/webhooks/zoho/crm` },
  };
  const body = JSON.stringify({ watch: [channel] });
  await fetch(`${emulator.url}/crm/v8/actions/watch`, { method: "POST", headers: { authorization }, body });
  const leads = emulator.organisation.stores.find(({ product }) => product === "crm");
  for (const [First_Name, Last_Name, Company] of LEADS) {
    time += 21_000;
    const Email = `${First_Name}.${Last_Name}@example.com`.toLowerCase();
    const lead = leads?.create("Leads", { First_Name, Last_Name, Company, Email });
    if (Company === "Nova Labs") leads?.change("Leads", lead?.id ?? "", { Company: "Nova Laboratories" });
    await emulator.deliveries.settled();
  }
  const page = await openPage({ timezoneId: "UTC", viewport: { width: 1280, height: 410 } });
  await page.clock.setFixedTime(now());
  await page.goto(emulator.url);
  await page.getByText("Nova Laboratories").waitFor();
  await page.screenshot({ path: join(IMAGES, "emulator.png") });
});

const LEADS = [
  ["Mei", "Tanaka", "Tanaka Foods"],
  ["Nina", "Costa", "Nova Labs"],
  ["Jonas", "Weber", "Weber & Sons"],
] as const;
