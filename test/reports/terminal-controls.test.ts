import { once } from "node:events";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import type { Output } from "../../src/process/output.ts";
import { inquirerPrompts, type Prompts } from "../../src/process/prompts.ts";
import type { Runtime } from "../../src/process/runtime.ts";
import { paintFor } from "../../src/reports/paint.ts";
import { renderText } from "../../src/reports/text.ts";
import { folderWith } from "../support/files.ts";
import { newEntry } from "../support/log-entry.ts";
import { SHOP, shopProject } from "../support/own-product.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";

/** Sets the clipboard, erases the screen, paints, turns text around and begins a line that passes for one of ours. */
const CONTROLS = "\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u001b[31m\u009b31m\u202e";
const HOSTILE = `a${CONTROLS}\r\nerror: all is lost`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys them
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what chalk writes
const COLOR = /\u001b\[\d+m/g;
const FORGED_LINE = /^\s*error: all is lost/m;

/** In a pipe, which gets no colours. */
async function expectHarmless(command: string, options: RunOptions): Promise<void> {
  const { out, err } = await run(command.split(" "), { stdin: "{}", unchecked: true, ...options });
  expect(out + err).not.toBe("");
  expect.soft(OBEYED.exec(out + err)?.input, command).toBeUndefined();
  expect.soft(FORGED_LINE.exec(out + err)?.input, command).toBeUndefined();
}

/** JSON that a column is read as, with the text in each place. */
const SHAPED: Readonly<Record<string, readonly unknown[]>> = {
  records: [[HOSTILE]],
  headers: [[[HOSTILE, HOSTILE]]],
  verdicts: ["id", "proves", "reason", "match", "secretIn"].map((name) =>
    ["passed", "failed", "absent", "unconfigured"].map((verdict) => ({
      ...{ id: "token", proves: "sender", verdict, reason: "so" },
      [name]: HOSTILE,
    })),
  ),
  issues: ["at", "expected", "received"].map((name) => [
    { at: "a", expected: "b", received: "c", path: [HOSTILE], [name]: HOSTILE },
  ]),
  body: [{ event: "lead.created", data: { [HOSTILE]: HOSTILE }, [HOSTILE]: 1 }],
};

const TABLES = ["deliveries", "contents", "forwards", "attempts", "holder"];

/** A log in which each delivery has the text in another column, and the numbers of them: all, and those of what was received. */
async function hostileLog() {
  const cwd = tempFolder();
  const path = join(cwd, ".zoho-hooks/events.db");
  await (await openLog({ path, now: () => new Date() })).close();
  const database = (await loadEngine()).open(path);
  const values = TABLES.flatMap((table) =>
    database
      .prepare(`SELECT name FROM pragma_table_info('${table}') WHERE type IN ('TEXT', 'BLOB')`)
      .all()
      .flatMap(({ name }) => {
        const column = String(name);
        const shaped = (SHAPED[column] ?? []).map((each) => JSON.stringify(each));
        // The line ends of a body are shown.
        const texts = [column === "body" ? CONTROLS : HOSTILE, ...shaped];
        return texts.map((text) => ({ table, column, value: column === "body" ? Buffer.from(text) : text }));
      }),
  );
  const log = await openLog({ path, now: () => new Date() });
  for (const [i] of values.entries()) {
    const isAccepted = i % 2 === 0;
    await log.append(newEntry({ accepted: isAccepted, forward: { targets: [`http://127.0.0.1:${i + 1}/`] } }));
  }
  await log.close();
  database.exec(`INSERT INTO attempts (n, attempt, target, at, status, latency_ms, error, reply)
    SELECT n, 1, 'http://127.0.0.1:9/', 0, 500, 1, 'e', 'r' FROM deliveries`);
  database.exec("INSERT INTO holder VALUES (1, 1, 'http://127.0.0.1:1/', 0)");
  for (const [i, { table, column, value }] of values.entries())
    database.prepare(`UPDATE ${table} SET ${column} = ?${table === "holder" ? "" : ` WHERE n = ${i + 1}`}`).run(value);
  database.close();
  const numbers = values.map((_, i) => i + 1);
  const isReceived = (n: number): boolean => /^(deliveries|contents)$/.test(values[n - 1]?.table ?? "");
  return { cwd, numbers, received: numbers.filter(isReceived) };
}

describe("control characters", () => {
  it("of a log are not shown", { timeout: 60_000 }, async () => {
    const { cwd, numbers, received } = await hostileLog();
    const commands = [
      ...[
        "events list --all",
        "events list -v --all",
        "events stats -v",
        "events drift",
        "events list --follow --limit 99",
      ],
      "events list --all --json",
      ...["events prune --keep 1d", "types crm --observed", "replay --since 1d --dry-run", "store status", "doctor -v"],
      ...numbers.flatMap((n) => [`events show ${n}`, `events show ${n} --curl`]),
      ...received.flatMap((n) => [`verify --logged ${n} --explain --show-expected`, `events diff 1 ${n}`]),
    ];
    for (const command of commands) {
      const signal = AbortSignal.timeout(command.includes("--follow") ? 200 : 20_000);
      await expectHarmless(command, { cwd, signal });
    }
  });

  const products = (shop: object) => ({ products: { crm: shop } });
  it.each<[string, object]>([
    ...["host", "maxBody", "schema", "tolerance", "events", "allowIp", "allowUnsigned", "forwardTo", "respond", "store"]
      .concat(["keep", "onInvalid", HOSTILE])
      .flatMap((name): [string, object][] => [
        [name, { [name]: HOSTILE }],
        [name, { [name]: [`3000/${CONTROLS}`] }],
      ]),
    ["forwardTo", { forwardTo: `http://127.0.0.1:9/${CONTROLS}` }],
    ["forwardTo", { forwardTo: `bullmq://127.0.0.1:9/${CONTROLS}` }],
    ["routes", { routes: { [`crm:${CONTROLS}`]: 3000 } }],
    ["routes", { routes: { "crm:*": HOSTILE } }],
    ...["use", "domain", "publicUrl", "serverAddr", "rootCas"].map((name): [string, object] => [
      `tunnel.${name}`,
      { tunnel: { [name]: HOSTILE } },
    ]),
    ["tunnel.publicUrl", { tunnel: { publicUrl: `https://a.example/${CONTROLS}` } }],
    ["products", { products: { [HOSTILE]: {} } }],
    ["products.shop.path", { products: { shop: { path: "webhooks/shop", [HOSTILE]: 1 } } }],
    ...["path", "schema", "format", "encoding", "issuer"].map((name): [string, object] => [
      `products.crm.${name}`,
      products({ [name]: HOSTILE }),
    ]),
    ...["header", "parameter", "basic"].map((name): [string, object] => [
      `products.crm.auth.${name}`,
      products({ auth: { [name]: HOSTILE } }),
    ]),
    ["products.crm.event.query", { products: { forms: { event: { query: HOSTILE } } } }],
  ])("of the setting %s are not shown", async (name, settings) => {
    const cwd = shopProject({ "zoho-hooks.config.json": JSON.stringify(settings) });
    const commands = name.startsWith("products") ? [...SETTING_COMMANDS, ...PRODUCT_COMMANDS] : SETTING_COMMANDS;
    for (const command of commands) await expectHarmless(command, { cwd });
  });

  it.each([
    ...["HOST", "EVENTS", "FORWARD_TO", "ROUTES", "STORE", "PUBLIC_URL", "DOMAIN", CONTROLS].map(
      (each) => `ZOHO_HOOKS_${each}`,
    ),
    ...["ZOHO_DC", "ZOHO_PROFILE", "ZOHO_CLIENT_ID", "ZOHO_ACCOUNTS_URL", "ZOHO_API_URL", "ZOHO_ENVIRONMENT"],
    ...["ZOHO_WEBHOOK_JWKS", "ZOHO_WEBHOOK_PUBLIC_KEY", "ZOHO_WEBHOOK_SECRET", "NGROK_AUTHTOKEN", "HTTP_PROXY"],
  ])("of %j in a .env are not shown", async (name) => {
    const cwd = folderWith({ ".env": `${name}="${HOSTILE}"\n` });
    for (const command of [...SETTING_COMMANDS, "channels list"]) await expectHarmless(command, { cwd });
  });

  it.each<[string, object]>([
    ["title", { title: HOSTILE }],
    ["events", { events: { "order.created": HOSTILE } }],
    ["events", { events: { [HOSTILE]: "x" } }],
    ["event", { event: { query: HOSTILE } }],
    ["auth.parameter", { auth: { parameter: HOSTILE }, signature: undefined }],
    ["auth.basic", { auth: { basic: HOSTILE.replaceAll(":", "") }, signature: undefined }],
    ["signature.prefix", { signature: { header: "X-Shop-Signature", prefix: HOSTILE } }],
    ["signature.prefix", { signature: { header: "X-Shop-Signature", prefix: CONTROLS } }],
    ["records", { records: `order.${CONTROLS}` }],
  ])("of %s of an own product are not shown", async (_, about) => {
    const original = JSON.parse(SHOP["webhooks/shop/product.json"]);
    const cwd = shopProject({ "webhooks/shop/product.json": JSON.stringify({ ...original, ...about }) });
    const env = { ZOHO_WEBHOOK_SECRET: "s", ZOHO_WEBHOOK_TOKEN: "t" };
    const verify = "verify webhooks/shop/fixtures/order.paid.json --product shop --explain --show-expected";
    for (const command of [
      "products",
      "products shop",
      "fixtures list shop",
      "send shop --all --dry-run",
      verify,
      `${verify} -H X-Shop-Signature:x`,
    ])
      await expectHarmless(command, { cwd, env });
  });

  it("that a report does not remove itself leave only our colours", async () => {
    const paint = await paintFor({ isTTY: true, columns: 80 } as Output, { env: {} } as Runtime, true);
    const style = { out: paint, err: paint, verbose: false, quiet: false };
    const text = `a${CONTROLS}b`;
    const report = { type: "product" as const, id: text, title: "Shop", formats: [{ ...FORMAT, answer: text }] };
    const { out = "" } = renderText(report, style);
    expect(out.startsWith("\u001b[1mShop (a]52")).toBe(true);
    expect(OBEYED.exec(out.replaceAll(COLOR, ""))).toBeNull();
  });

  it.each<[string, (prompts: Prompts) => Promise<unknown>]>([
    ["text", (prompts) => prompts.text({ message: HOSTILE, initial: HOSTILE })],
    ["secret", (prompts) => prompts.secret({ message: HOSTILE })],
    ["confirm", (prompts) => prompts.confirm({ message: HOSTILE })],
    [
      "choose",
      (prompts) =>
        prompts.choose({ message: HOSTILE, choices: [{ value: HOSTILE, label: HOSTILE }], initial: HOSTILE }),
    ],
    [
      "chooseMany",
      (prompts) =>
        prompts.chooseMany({ message: HOSTILE, choices: [{ value: HOSTILE, label: HOSTILE }], initial: [HOSTILE] }),
    ],
  ])("are not in a question: %s", async (_, ask) => {
    const stop = new AbortController();
    const output = new PassThrough();
    const asked = ask(inquirerPrompts(output, stop.signal));
    const [first] = await once(output, "data");
    stop.abort();
    await expect(asked).rejects.toThrow("cancelled");
    expect(String(first)).toContain("all is lost");
    // The prompt moves the cursor itself.
    for (const each of ["\u001b]52", "\u0007", "\u009b", "\u202e", "\nerror"])
      expect(String(first)).not.toContain(each);
  });
});

const FORMAT = { id: "own", source: "", evidence: undefined, signatures: [], probe: undefined, events: [] };

/** The others read the settings as `send` does. */
const SETTING_COMMANDS = [
  ...["config show", "doctor -v", "listen --port 0 --tunnel none --timeout 1ms"],
  "send crm Leads.create --dry-run",
];
const PRODUCT_COMMANDS = ["products", "products crm", "verify -", "init --yes --force"];
