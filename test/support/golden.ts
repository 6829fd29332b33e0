import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { tempFolder } from "./run.ts";
import { freePort, startTarget } from "./target.ts";

export const secrets = { ZOHO_WEBHOOK_SECRET: "a-secret", ZOHO_WEBHOOK_TOKEN: "a-token" };

/** Command lines whose output is pinned, and the folder that they run in. */
export interface GoldenWorld {
  readonly folder: string;
  readonly commands: readonly (readonly string[])[];
  readonly sends: readonly (readonly string[])[];
  close(): Promise<void>;
}

export async function startGoldenWorld(): Promise<GoldenWorld> {
  const app = await startTarget((response, { path }) => {
    response.statusCode = path === "/refuses" ? 401 : 200;
    response.end(path === "/refuses" ? "who are you?" : "OK");
  });
  const closedPort = await freePort();
  const folder = tempFolder();
  const invoice = fileURLToPath(new URL("../../fixtures/books/guide/invoice_created.json", import.meta.url));
  copyFileSync(invoice, join(folder, "good.json"));
  writeFileSync(join(folder, "bad.json"), '{\n  "module": "Leads",\n  "operation": "create",\n  "ids": 5\n}\n');
  writeFileSync(join(folder, "broken.json"), '{"module": "Leads",\n');
  // A seed makes ids, times and so the signature the same in each run.
  const seeded = ["--seed", "1"];
  return {
    folder,
    commands: [
      // A product whose list of events is short.
      ["products", "survey"],
      ["verify", "good.json"],
      ["verify", "bad.json"],
      ["verify", "good.json", "--signature", "0".repeat(64), "--explain"],
      ["verify", "good.json", "bad.json", "broken.json"],
      ["verify", "nothing.json"],
      ["listen", "--prot", "3000"],
      ["fixtures", "show"],
    ],
    sends: [
      ["send", "crm", "Leads.create", "--to", `${app.url}/hook`, ...seeded],
      ["send", "survey", "--all", "--to", `${app.url}/hook`, ...seeded],
      ["send", "desk", "Ticket.Create", "--to", `${app.url}/refuses`, ...seeded],
      ["send", "desk", "Ticket.Create", "--to", `http://127.0.0.1:${closedPort}/hook`, ...seeded],
      ["send", "crm", "Leads.create", "--bad-token", "--to", `${app.url}/hook`, ...seeded],
      ["send", "crm", "Leads.create", "--bad-signature", "--to", `${app.url}/hook`],
      ["send", "crm", "Leads.creat"],
    ],
    close: () => app.close(),
  };
}

/** What a running `listen` is sent. */
export const toListen: readonly (readonly string[])[] = [
  ["crm", "Leads.create", "--seed", "1"],
  ["crm", "Leads.create", "--seed", "1"],
  ["books", "invoice_created", "--bad-signature", "--seed", "1"],
  ["desk", "--data", '{"eventType":"Ticket.Creat"}', "--format", "guide"],
  ["subscriptions", "payment_failed", "--format", "guide", "--set", "payment.amount=many", "--seed", "1"],
  ["survey", "--challenge", "abc"],
];

export function title(words: readonly string[]): string {
  return `$ zoho-hooks ${words.join(" ").replace("0".repeat(64), "00…")}\n`;
}

/** `npm run docs` writes the file anew. */
export async function expectGolden(text: string, name: string): Promise<void> {
  await expect(normalised(text)).toMatchFileSnapshot(join(import.meta.dirname, "../e2e/golden", `${name}.txt`));
}

/** The output without its colours, and without what differs from run to run. */
export function plainText(text: string): string {
  return normalised(text).replace(/␛\[[\d;]*m/g, "");
}

/** The output with all that differs from run to run taken out, and escape sequences made visible. */
function normalised(text: string): string {
  return text
    .replaceAll("\u001b", "␛")
    .replace(/node (?:'[^']*zoho-hooks\.js'|\S*zoho-hooks\.js)/g, "zoho-hooks")
    .replace(/(127\.0\.0\.1|localhost|\[::1\]):\d+/g, "$1:PORT")
    .replace(/--to \d+/g, "--to PORT")
    .replace(/(?<!\d)\d\d:\d\d:\d\d\b/g, "hh:mm:ss")
    .replace(/"at":"[^"]+"/g, '"at":"TIME"')
    .replace(/"(latency_ms|seconds|p50|p95|p99|max)":[\d.]+/g, '"$1":0')
    .replace(/ *(␛\[\d+m)?(?<![\d.])\d+(\.\d+)? (ms|s)\b/g, (_, paint = "") => ` ${paint}0 ms`)
    .replace(/, \d+ a second/g, ", N a second");
}
