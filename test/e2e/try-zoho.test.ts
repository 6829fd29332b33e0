import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { startZoho, type Zoho } from "../../src/library/testing.ts";
import { cleanEnv } from "../support/bin.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

const SCRIPT = join(import.meta.dirname, "../try-zoho/try-zoho.js");

let zoho: Zoho;
beforeEach(async () => {
  zoho = await startZoho();
});
afterEach(() => zoho.close());

/** A run of the script, whose questions are answered. */
async function tried(
  more: Readonly<Record<string, string>> = {},
  answers = ["y", "me@example.com"],
  interruptAt?: string,
) {
  const cwd = tempFolder();
  const env = { ...cleanEnv(), ...apiOf(zoho), TRY_ZOHO_PORT: String(await freePort()), TRY_ZOHO_WAIT: "5s", ...more };
  const child = spawn(process.execPath, [SCRIPT], { cwd, env, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  let asked = 0;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (interruptAt !== undefined && out.includes(interruptAt)) child.kill("SIGINT");
      const questions = out.split(/\(y\/N\) |document: /).length - 1;
      for (; asked < questions; asked++) child.stdin.write(`${answers[asked]}\n`);
    });
  const [exitCode] = await once(child, "close");
  const [folder = ""] = readdirSync(cwd);
  const table = join(cwd, folder, "table.md");
  return { exitCode, out, table: existsSync(table) ? readFileSync(table, "utf8") : "", folder: join(cwd, folder) };
}

/** Without the published secrets: the run takes those of its own channels and webhooks. */
function apiOf({ env }: Zoho) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ZOHO_WEBHOOK_")));
}

/** What Zoho could post otherwise than zoho-hooks knows: a text of an event's body, and its replacement. */
const changes: readonly (readonly [mark: string, before: string, after: string])[] = [
  ['"operation":"update"', '"token":"', '"token":"x'],
  ['"operation":"delete"', '"ids":[', '"ids":"none","idList":['],
  ['"Contact_Add"', '"lastName":', '"familyName":'],
  ['"Ticket_Add"', '"Ticket_Add"', '"Ticket_Created"'],
  ['"contact_name":"Zoho', '"contact_name":"Zoho', '"contact_name":"zoho'],
];

/** A server between the emulator and `listen`, which makes these changes. */
async function startBetween(port: number, made: typeof changes): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const own = made.filter(([mark]) => body.includes(mark));
    for (const [, before, after] of own) body = body.replaceAll(before, after);
    const { host, "content-length": length, connection, ...headers } = request.headers;
    const answer = await fetch(`http://127.0.0.1:${port}${request.url}`, {
      method: request.method ?? "POST",
      // What the emulator posts counts as a sample, which says nothing about Zoho.
      headers: { ...(headers as Record<string, string>), "user-agent": "Zoho" },
      ...(body !== "" && { body }),
    });
    const { "content-length": _, connection: __, ...answered } = Object.fromEntries(answer.headers);
    response.writeHead(answer.status, answered).end(await answer.text());
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A run through such a server. */
async function triedWith(made: typeof changes) {
  const port = await freePort();
  return tried({
    TRY_ZOHO_PORT: String(port),
    TRY_ZOHO_PUBLIC_URL: await startBetween(port, made),
    TRY_ZOHO_WAIT: "2s",
  });
}

it("finds no difference in the emulator, and leaves nothing there", { timeout: 120_000 }, async () => {
  const { exitCode, out, table } = await triedWith([]);
  const nothing = (title: string) => expect.stringMatching(new RegExp(`^\\| ${title} \\| [\\d-]{10} \\| nothing \\|$`));
  expect(table.trim().split("\n").slice(2), out).toEqual(["CRM", "Desk", "Books", "Sign"].map(nothing));
  expect(exitCode).toBe(0);
  expect(zoho.subscriptions()).toEqual([]);
  expect(["desk", "books", "crm"].map((id) => zoho[id as "crm"].list(id === "crm" ? "Leads" : "contacts"))).toEqual([
    [],
    [],
    [],
  ]);
});

it("finds each of five differences, and names no other", { timeout: 120_000 }, async () => {
  const { exitCode, out } = await triedWith(changes);
  const found = out.split("\n").flatMap((line) => /^ {2}differs: (.*)$/.exec(line)?.[1] ?? []);
  expect(found, out).toEqual([
    expect.stringMatching(/^crm:Leads\.edit: token: wrong_signature \(/),
    'crm:Leads.delete: ids is "none", not array',
    "crm:Leads.delete: new field idList",
    "desk:Ticket_Add did not come, but Ticket_Created, which is not known",
    "desk:Contact_Add: new field [].payload.familyName",
    expect.stringMatching(/^books:contact\.created: finance-signature: wrong_signature \(/),
  ]);
  expect(exitCode).toBe(8);
  expect(zoho.subscriptions()).toEqual([]);
});

it("makes nothing unless it is told to", async () => {
  const { exitCode } = await tried({}, ["n"]);
  expect([exitCode, zoho.subscriptions()]).toEqual([1, []]);
});

it("deletes what it made when it is interrupted", async () => {
  const { exitCode, out } = await tried({}, ["y"], "#2 crm Leads.create");
  expect([exitCode, out]).toEqual([130, expect.stringContaining("deleted the lead")]);
  expect([zoho.subscriptions(), zoho.crm.list("Leads")]).toEqual([[], []]);
});
