import { copyFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { atTerminal, BIN, hasTerminal, normalised, runBin, startBin } from "../support/bin.ts";
import { tempFolder } from "../support/run.ts";
import { freePort, startTarget, type Target } from "../support/target.ts";

const ROOT = join(dirname(BIN), "..");
const secrets = { ZOHO_WEBHOOK_SECRET: "a-secret", ZOHO_WEBHOOK_TOKEN: "a-token" };

interface Mode {
  readonly name: string;
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
  readonly columns?: number;
}

const modes: readonly Mode[] = [
  { name: "pipe", terminal: false, env: {}, flags: [] },
  { name: "json", terminal: false, env: {}, flags: ["--json"] },
  { name: "quiet", terminal: false, env: {}, flags: ["--quiet"] },
  { name: "pipe-forced-color", terminal: false, env: { FORCE_COLOR: "1" }, flags: [] },
  { name: "terminal", terminal: true, env: {}, flags: [] },
  { name: "terminal-no-color", terminal: true, env: { NO_COLOR: "1" }, flags: [] },
  { name: "terminal-dumb", terminal: true, env: { TERM: "dumb" }, flags: [] },
  { name: "terminal-narrow", terminal: true, env: { NO_COLOR: "1" }, flags: [], columns: 60 },
];

/** A product whose list of events is short. */
const commands: readonly (readonly string[])[] = [
  ["products", "survey"],
  ["verify", "good.json"],
  ["verify", "bad.json"],
  ["verify", "good.json", "--signature", "0".repeat(64), "--explain"],
  ["verify", "good.json", "bad.json", "broken.json"],
  ["verify", "nothing.json"],
  ["listen", "--prot", "3000"],
  ["fixtures", "path"],
];

let app: Target;
let folder: string;
let closedPort: number;
beforeAll(async () => {
  app = await startTarget((response, { path }) => {
    response.statusCode = path === "/refuses" ? 401 : 200;
    response.end(path === "/refuses" ? "who are you?" : "OK");
  });
  closedPort = await freePort();
  folder = tempFolder();
  copyFileSync(join(ROOT, "fixtures/books/guide/invoice_created.json"), join(folder, "good.json"));
  writeFileSync(join(folder, "bad.json"), '{\n  "module": "Leads",\n  "operation": "create",\n  "ids": 5\n}\n');
  writeFileSync(join(folder, "broken.json"), '{"module": "Leads",\n');
});
afterAll(() => app.close());

async function transcript(argv: readonly string[], mode: Mode): Promise<string> {
  const env = { ...secrets, ...mode.env };
  const title = `$ zoho-hooks ${[...argv, ...mode.flags].join(" ").replace("0".repeat(64), "00…")}`;
  if (mode.terminal) {
    const { status, text } = await atTerminal([...argv, ...mode.flags], {
      env,
      cwd: folder,
      ...(mode.columns === undefined ? {} : { columns: mode.columns }),
    }).ended;
    return normalised(`${title}\n${text}[exit ${status}]\n\n`);
  }
  const { status, stdout, stderr } = await runBin([...argv, ...mode.flags], { env, cwd: folder });
  const errors = stderr === "" ? "" : `[stderr]\n${stderr}`;
  return normalised(`${title}\n${stdout}${errors}[exit ${status}]\n\n`);
}

/** The same sends in each mode. A seed makes ids, times and so the signature the same in each run. */
function sends(): readonly (readonly string[])[] {
  const seeded = ["--seed", "1"];
  return [
    ["send", "crm", "Leads.create", "--to", `${app.url}/hook`, ...seeded],
    ["send", "survey", "--all", "--to", `${app.url}/hook`, ...seeded],
    ["send", "desk", "Ticket.Create", "--to", `${app.url}/refuses`, ...seeded],
    ["send", "desk", "Ticket.Create", "--to", `http://127.0.0.1:${closedPort}/hook`, ...seeded],
    ["send", "crm", "Leads.creat"],
  ];
}

const possible = modes.filter(({ terminal }) => !terminal || hasTerminal);

describe("what is printed; `npm run docs` writes it anew:", { timeout: 60_000 }, () => {
  it.each(possible)("by verify, products and wrong command lines is as it was ($name)", async (mode) => {
    let text = "";
    for (const argv of commands) text += await transcript(argv, mode);
    await expect(text).toMatchFileSnapshot(`golden/commands.${mode.name}.txt`);
  });

  it.each(possible)("by send is as it was ($name)", async (mode) => {
    let text = "";
    for (const argv of sends()) text += await transcript(argv, mode);
    await expect(text).toMatchFileSnapshot(`golden/send.${mode.name}.txt`);
  });

  it.each(possible)("by listen is as it was ($name)", async (mode) => {
    const argv = ["listen", "--port", "0", "--no-store", ...mode.flags];
    const options = { env: { ...secrets, ...mode.env }, cwd: folder, columns: mode.columns ?? 100 };
    const child = mode.terminal ? atTerminal(argv, options) : startBin(argv, options);
    const ready = /127\.0\.0\.1:(\d+)/;
    const [, port = ""] = await ("said" in child && mode.name !== "json" ? child.said(ready) : child.shown(ready));
    const send = (...words: string[]) => runBin(["send", ...words, "--to", port], { env: secrets });
    const seed = ["--seed", "1"];
    await send("crm", "Leads.create", ...seed);
    await send("crm", "Leads.create", ...seed);
    await send("books", "invoice_created", "--bad-signature", ...seed);
    await send("desk", "--data", '{"eventType":"Ticket.Creat"}');
    await send("subscriptions", "payment_failed", "--set", "payment.amount=many", ...seed);
    await send("survey", "--challenge", "abc");
    // Quiet, listen shows what needs attention, and a challenge does not.
    await child.shown(mode.name === "quiet" ? /payment_failed/ : /challenge/);
    if ("type" in child) child.type("\u0003");
    else child.kill("SIGINT");
    const ended = await child.ended;
    const text =
      "text" in ended ? ended.text : `${ended.stdout}${ended.stderr === "" ? "" : `[stderr]\n${ended.stderr}`}`;
    await expect(normalised(`${text}[exit ${ended.status}]\n`)).toMatchFileSnapshot(`golden/listen.${mode.name}.txt`);
  });
});
