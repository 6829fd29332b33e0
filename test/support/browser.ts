import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, expect, onTestFinished } from "vitest";
import { type BinChild, startBin } from "./bin.ts";
import { chromiumPath } from "./needs.ts";
import { tempFolder } from "./run.ts";

let browser: Promise<Browser> | undefined;

/** Call it at the top of a test file that opens pages. */
export function closeBrowserAtEnd(): void {
  afterAll(async () => (await browser)?.close());
}

/** A page of a profile of its own, whose errors fail the test. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  // Chromium has no sandbox for root.
  browser ??= chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  const context = await (await browser).newContext({ viewport: { width: 1200, height: 750 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.stack ?? error.message));
  onTestFinished(async () => {
    await context.close();
    expect(errors).toEqual([]);
  });
  return page;
}

export interface Inspector {
  /** With the token. */
  readonly address: string;
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly token: string;
  readonly process: BinChild;
  /** Calls the API as the page does. */
  call(path: string, init?: RequestInit): Promise<Response>;
}

export interface InspectorOptions {
  readonly argv?: readonly string[];
  /** The user's folder, which remembers port and token. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The built `zoho-hooks ui` for the log of a project. */
export async function startInspector(cwd: string, options: InspectorOptions = {}): Promise<Inspector> {
  const { argv = [], home = tempFolder(), env = {} } = options;
  const child = startBin(["ui", ...argv], { cwd, env: { HOME: home, USERPROFILE: home, APPDATA: home, ...env } });
  const [address] = await child.shown(/http:\S+#\S+/);
  const { origin, hash } = new URL(address);
  const token = hash.slice(1);
  return {
    address,
    origin,
    token,
    process: child,
    call: (path, init = {}) =>
      fetch(origin + path, { ...init, headers: { authorization: `Bearer ${token}`, origin, ...init.headers } }),
  };
}

/** A page that shows the list, or that there is nothing to list. */
export async function openInspectorPage(address: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await openPage(options);
  const violations: string[] = [];
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) violations.push(message.text());
  });
  onTestFinished(() => expect(violations).toEqual([]));
  await page.goto(address);
  await page.getByText("Live", { exact: true }).waitFor();
  return page;
}
