import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { closeBrowserAtEnd, openInspectorPage, openPage, startInspector } from "../support/browser.ts";
import { newEntry } from "../support/log-entry.ts";
import { leadBody } from "../support/logged-project.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

closeBrowserAtEnd();

const cwd = tempFolder();
/** One of these headers in a request of its own; fetch sets no Host and no Origin. */
type Headers = Readonly<Record<string, string>>;

beforeAll(async () => {
  const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: () => new Date() });
  for (let i = 1; i <= 300; i++) {
    await log.append(newEntry({ body: leadBody({ email: `person.${i}@example.com` }), accepted: i % 7 !== 0 }));
  }
  await log.close();
});

const events = (page: Page) => page.getByRole("listbox").getByRole("option");
const chosen = (page: Page) => page.locator("[aria-selected=true] .number").textContent();
const focused = (page: Page) => page.evaluate("document.activeElement.textContent");

describe.skipIf(lacks("chromium"))("the inspector by keyboard alone", { timeout: 60_000 }, () => {
  it("chooses, filters, searches, compares and gives the focus back", async () => {
    const page = await openInspectorPage((await startInspector(cwd)).address);
    await page.getByRole("heading", { name: "#300" }).waitFor();
    expect(await chosen(page)).toBe("#300");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    expect(await chosen(page)).toBe("#299");
    await expect.poll(() => focused(page)).toContain("#299");
    await page.keyboard.press("End");
    await page.keyboard.press("PageUp");
    await page.keyboard.press("Home");
    expect(await chosen(page)).toBe("#300");
    await page.getByRole("heading", { name: "#300" }).waitFor();

    await page.keyboard.press("m");
    await page.keyboard.press("j");
    await page.keyboard.press("m");
    await page.getByRole("columnheader", { name: "Before" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("columnheader", { name: "Before" }).waitFor({ state: "detached" });

    await page.getByRole("button", { name: "Failed", exact: true }).press("Enter");
    await page.getByText("No event matches these filters").waitFor();
    await page.getByRole("button", { name: "Clear the filters" }).press("Enter");
    await events(page).first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("person.123@");
    await page.getByText("1 event", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("200 events loaded").waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.evaluate("document.activeElement.role")).toBe("option");

    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await expect.poll(() => page.evaluate("document.activeElement.role")).toBe("option");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("details");
    await page.keyboard.press("Tab");
    await expect.poll(() => focused(page)).toContain("Replay");
  });

  it.each(["Enter", "ArrowDown"])("leaves a search with %s for the list, and keeps its text", async (key) => {
    const page = await openInspectorPage((await startInspector(cwd)).address);
    await page.getByRole("heading", { name: "#300" }).waitFor();
    await page.keyboard.press("/");
    // Before the typing has paused for long enough to search by itself.
    await page.keyboard.type("person.12");
    await page.keyboard.press(key);
    await expect.poll(() => focused(page)).toContain("#129");
    await page.keyboard.press("j");
    expect(await chosen(page)).toBe("#128");
    expect(await page.locator("#search").inputValue()).toBe("person.12");
    await page.getByText("11 events", { exact: true }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("#7");
    await page.keyboard.press(key);
    await page.getByRole("heading", { name: "#7", exact: false }).waitFor();
    await expect.poll(() => page.evaluate("document.activeElement.id")).toBe("details");
    await page.keyboard.press("/");
    await page.keyboard.type("no such text");
    await page.keyboard.press(key);
    await page.getByText("No event matches these filters").waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("search");
  });

  it("reaches every control with Tab", async () => {
    const page = await openInspectorPage((await startInspector(cwd)).address);
    await page.getByRole("heading", { name: "#300" }).waitFor();
    const controls = await page.locator("button:visible, input:visible, select:visible").count();
    await page.evaluate("document.activeElement.blur()");
    const seen = new Set<string>();
    for (let i = 0; i < controls + 3; i++) {
      await page.keyboard.press("Tab");
      seen.add(await page.evaluate("document.activeElement.outerHTML"));
    }
    expect(seen.size).toBeGreaterThanOrEqual(controls);
  });
});

describe.skipIf(lacks("chromium"))("the inspector for everybody", { timeout: 60_000 }, () => {
  const violations = async (page: Page): Promise<unknown> => {
    await page.evaluate(axe.source);
    const rules =
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))";
    return page.evaluate(rules);
  };

  it.each(["light", "dark"] as const)("has no violation that axe finds in the %s scheme", async (colorScheme) => {
    const { address } = await startInspector(cwd);
    const page = await openInspectorPage(address, { colorScheme, reducedMotion: "reduce" });
    await events(page).first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("heading", { name: "#300" }).waitFor();
    await page.keyboard.press("x");
    await page.locator(".result").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("m");
    await page.keyboard.press("j");
    await page.keyboard.press("m");
    await page.locator(".differences").waitFor();
    await page.getByLabel("Search text").fill("person.12");
    await page.getByRole("button", { name: /^Replay these \d+$/ }).waitFor();
    await page.getByRole("button", { name: "Fold", exact: true }).click();
    expect(await violations(page)).toEqual([]);
    for (const key of ["?", "e", "s"]) {
      await page.keyboard.press(key);
      await page.getByRole("dialog").waitFor();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.locator("dialog").waitFor({ state: "detached" });
    }
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Events" }).click();
    await events(page).first().waitFor();
    expect(await violations(page)).toEqual([]);
    const empty = await openInspectorPage((await startInspector(tempFolder())).address, { colorScheme });
    await empty.getByRole("heading", { name: "No listener is running" }).waitFor();
    expect(await violations(empty)).toEqual([]);
    const without = await openPage({ colorScheme });
    await without.goto(address.replace(/#.*/, ""));
    await without.getByText("zoho-hooks ui").waitFor();
    expect(await violations(without)).toEqual([]);
  });

  it.each([
    [640, 400],
    [320, 500],
  ])("needs no scrolling sideways at a zoom that leaves %i × %i", async (width, height) => {
    const folder = join(tempFolder(), "x".repeat(200));
    mkdirSync(folder);
    const { address } = await startInspector(folder, { argv: ["--store", join(cwd, ".zoho-hooks", "events.db")] });
    const page = await openInspectorPage(address, { viewport: { width, height }, deviceScaleFactor: 2 });
    const overflow = () => page.evaluate("document.documentElement.scrollWidth - innerWidth");
    await events(page).first().waitFor();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await events(page).first().click();
    await page.getByRole("heading", { name: "#300" }).waitFor();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Edit and replay" }).click();
    await page.getByRole("button", { name: "Sign and replay" }).scrollIntoViewIfNeeded();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Events" }).click();
    await events(page).first().waitFor();
  });
});

it("is a page of at most 40 kB, compressed", () => {
  const folder = join(import.meta.dirname, "../../dist/inspector");
  const sizes = readdirSync(folder).map((file) => gzipSync(readFileSync(join(folder, file))).length);
  expect(sizes).toHaveLength(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(40_000);
});

describe.skipIf(lacks("chromium"))("the inspector's data", { timeout: 60_000 }, () => {
  it("is refused to a foreign Host, a foreign Origin and whoever has no token", async () => {
    const { origin, token } = await startInspector(cwd);
    const authorization = `Bearer ${token}`;
    const status = (path: string, headers: Headers, method = "GET"): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = request(origin + path, { method, headers }, (response) => {
          response.destroy();
          resolve(response.statusCode);
        });
        sent.on("error", reject);
        sent.end(method === "POST" ? '{"n":1}' : undefined);
      });
    expect(await status("/api/events", { authorization })).toBe(200);
    expect(await status("/api/events", { authorization, host: "rebound.example:4470" })).toBe(403);
    expect(await status("/api/events", { authorization, origin: "https://evil.example" })).toBe(403);
    expect(await status("/api/explain", { authorization }, "POST")).toBe(403);
    expect(await status("/api/explain", { authorization, origin: "http://127.0.0.1:1" }, "POST")).toBe(403);
    for (const path of ["/api/state", "/api/events", "/api/events/1", "/api/stream"]) {
      expect(await status(path, {})).toBe(401);
      expect(await status(path, { authorization: `${authorization.slice(0, -1)}_` })).toBe(401);
    }
  });

  it("is not shown to who opens the page without the token, and asks to start the inspector again", async () => {
    const { origin } = await startInspector(cwd);
    const page = await openPage();
    await page.goto(`${origin}/#wrong`);
    await page.getByText("zoho-hooks ui").waitFor();
    expect(await page.textContent("body")).not.toContain("Leads");
  });

  it("is out of reach for a page of another local port, also in a frame", async () => {
    const { origin, token } = await startInspector(cwd);
    const app = await startTarget((response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<iframe src="${origin}/#${token}"></iframe>`);
    });
    onTestFinished(() => app.close());
    const page = await openPage();
    const framed = page.waitForEvent("console", (message) => /frame|refused|display/i.test(message.text()));
    await page.goto(app.url);
    await framed;
    expect(page.frames().some((frame) => frame.url().startsWith(origin))).toBe(false);
    const read = `fetch("${origin}/api/events", { headers: { authorization: "Bearer ${token}" } }).then(
      ({ status }) => status, ({ message }) => message)`;
    expect(await page.evaluate(read)).toBe("Failed to fetch");
    const posted = `fetch("${origin}/api/replay", { method: "POST", mode: "no-cors", body: '{"n":1}' }).then(
      ({ status }) => status, ({ message }) => message)`;
    expect(await page.evaluate(posted)).toBe("Failed to fetch");
  });
});
