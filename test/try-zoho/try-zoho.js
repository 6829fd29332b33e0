// A guided run against the real Zoho, for the owner of a free organisation: see RELEASING.md.
//   npm run try:zoho
// It makes a record of each product, compares what Zoho posts with what zoho-hooks knows, and deletes what it made.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { products } from "./products.js";

const BIN = fileURLToPath(new URL("../../bin/zoho-hooks.js", import.meta.url));
const WAIT = process.env.TRY_ZOHO_WAIT ?? "90s";
/** `--public-url` for a tunnel of your own; by default `--tunnel` as `listen` chooses it, or cloudflared. */
const { TRY_ZOHO_PUBLIC_URL: publicUrl } = process.env;

const day = new Date().toISOString().slice(0, 10);
const folder = join(process.cwd(), `try-zoho-${day}`);
const terminal = createInterface({ input: process.stdin, output: process.stdout });
/** What was made at Zoho, to be deleted in the opposite order. */
const made = [];
const interrupted = new AbortController();
// A second Ctrl-C would leave at Zoho what the first one begins to delete.
process.on("SIGINT", () => interrupted.abort());
terminal.on("SIGINT", () => interrupted.abort());

process.exitCode = await main().catch((error) => {
  say(`error: ${error.message}`);
  return 1;
});
terminal.close();

async function main() {
  say(`This makes records, channels and webhooks in your Zoho organisation, and deletes them at the end:`);
  for (const { title, makes } of products) say(`  ${title.padEnd(10)} ${makes}`);
  say(`Use an organisation without customers. Deliveries are saved with their secrets masked in ${folder}.`);
  if (!/^y/i.test(await ask("Go on? (y/N) "))) return 1;

  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, ...(await signIn()), ZOHO_HOOKS_TRUST: "1" };
  const zoho = await openZoho(env);
  const rows = [];
  const wanted = [];
  for (const product of products) {
    const missing = await product.missing(zoho).catch((error) => error.message);
    if (missing === undefined) wanted.push(product);
    else rows.push({ product, differed: `not tried: ${missing}` });
  }
  if (wanted.length === 0) return report(rows);

  const registered = wanted.flatMap(({ register = [] }) => register).join(",");
  const tunnel = publicUrl === undefined ? [] : ["--public-url", publicUrl];
  const flags = registered === "" ? [] : ["--register", registered];
  const listener = await startListener(["--port", process.env.TRY_ZOHO_PORT ?? "4460", ...tunnel, ...flags], env);
  try {
    for (const product of wanted)
      if (!interrupted.signal.aborted) rows.push(await tryProduct(product, { zoho, listener, env }));
  } finally {
    for (const { what, undo } of made.toReversed())
      await undo().then(
        () => say(`deleted ${what}`),
        (error) => say(`NOT deleted: ${what} (${error.message}): delete it in Zoho`),
      );
    await listener.stop();
  }
  return interrupted.signal.aborted ? 130 : report(rows);
}

/** Makes what a product posts of, and compares its deliveries with what is known of them. */
async function tryProduct(product, { zoho, listener, env }) {
  say(`\n${product.title}: ${product.makes}`);
  const make = async (what, create, remove) => {
    const id = await create();
    made.push({ what, undo: () => remove(id) });
    return id;
  };
  const differences = [];
  try {
    /** Waits until a delivery has come, since Zoho sends some changes of a record together. */
    const settled = (event) => listener.api("GET", `/events?event=${encodeURIComponent(event)}&wait=${WAIT}&limit=1`);
    const command = (argv) => run(argv, env);
    await product.act({ zoho, make, ask, settled, command, url: listener.urlOf(product.id) });
    for (const event of product.events) differences.push(...(await compare(event, listener)));
  } catch (error) {
    differences.push(error.message);
  }
  const found = await run(["events", "drift", "--product", product.id, "--json"], env);
  for (const line of jsonLines(found.stdout)) {
    if (line.type !== "drift") continue;
    const sample = await run(["fixtures", "show", line.product, line.event, "--format", line.format], env);
    const known = [...pathsOf(JSON.parse(sample.stdout)), ...(product.alsoKnown ?? [])];
    differences.push(...newFields(line, known));
  }
  for (const difference of differences) say(`  differs: ${difference}`);
  if (differences.length === 0) say("  as expected");
  return { product, differed: differences.length === 0 ? "nothing" : differences.join("; ") };
}

/** How the newest delivery of an event differs from what is known of it. Saves it. */
async function compare(event, { api }) {
  const [product] = event.split(":");
  const { ok, lines, notes } = await api("GET", `/events?event=${encodeURIComponent(event)}&wait=${WAIT}&limit=1`);
  if (lines.length === 0) {
    const rejected = await api("GET", `/events?event=${encodeURIComponent(event)}&only=rejected,invalid&limit=1`);
    const [line] = rejected.lines;
    if (line === undefined) return unknownOnes(await api("GET", `/events?product=${product}&limit=20`), event) ?? notes;
    save(line, event);
    const differences = differencesOf(line, event);
    return differences.length > 0 ? differences : [`${event}: answered ${line.status}: ${line.refusal}`];
  }
  const [line] = lines;
  save(line, event);
  return [...differencesOf(line, event), ...(ok ? [] : notes)];
}

function save(line, event) {
  writeFileSync(join(folder, `${event.replace(/\W+/g, "-")}.json`), `${JSON.stringify(line, null, 2)}\n`);
}

/** Events of a product that came and are not known, in the place of one that did not come. */
function unknownOnes({ lines }, event) {
  const names = lines.filter(({ known, event: name }) => !known && name !== null).map((line) => line.event);
  return names.length === 0 ? undefined : [`${event} did not come, but ${names.join(", ")}, which is not known`];
}

function differencesOf({ known, custom, schema, signatures, problem }, event) {
  const bad = signatures.filter(({ result }) => result !== "verified" && result !== "unsigned");
  return [
    ...(known && !custom ? [] : [`${event} was not recognised`]),
    ...(problem === null ? [] : [`${event}: ${problem}`]),
    ...bad.map(({ id, result, reason }) => `${event}: ${id}: ${result}${reason === null ? "" : ` (${reason})`}`),
    ...(schema?.issues ?? []).map(
      ({ path, expected, received }) => `${event}: ${path} is ${received}, not ${expected}`,
    ),
  ];
}

/** Fields of an event's deliveries that neither its schema nor its sample has. */
function newFields({ product, event, unknown }, known) {
  const isKnown = (path) =>
    known.some((each) => path === each || (each.endsWith("*") && path.startsWith(each.slice(0, -1))));
  return unknown.flatMap(({ path }) => (isKnown(path) ? [] : [`${product}:${event}: new field ${path}`]));
}

/** `[].payload.id`, as drift names the fields of a body. */
function pathsOf(value, path = "") {
  if (Array.isArray(value)) return value.flatMap((each) => pathsOf(each, `${path}[]`));
  if (typeof value !== "object" || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([name, each]) => pathsOf(each, path === "" ? name : `${path}.${name}`)),
  ];
}

function report(rows) {
  const table = [
    "| product | tried on | what differed |",
    "| --- | --- | --- |",
    ...rows.map(({ product, differed }) => `| ${product.title} | ${day} | ${differed.replaceAll("|", "\\|")} |`),
  ];
  const text = `${table.join("\n")}\n`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "table.md"), text);
  say(`\n${text}\nThe table is in ${join(folder, "table.md")}.`);
  return rows.every(({ differed }) => differed === "nothing") ? 0 : 8;
}

/** The variables of a sign-in: those that are set, or of a self client's code. */
async function signIn() {
  const { ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN } = process.env;
  if (ZOHO_CLIENT_ID && ZOHO_CLIENT_SECRET && ZOHO_REFRESH_TOKEN) return {};
  const scopes = products.flatMap((product) => product.scopes).join(",");
  say(
    "\nAdd a Self Client at https://api-console.zoho.com (of your data centre), and generate a code with these scopes:",
  );
  say(`\n${scopes}\n`);
  const ZOHO_DC = (await ask("Data centre (us, eu, in, au, jp, ca, sa): ")) || "us";
  const id = await ask("Client ID: ");
  const secret = await ask("Client secret: ");
  const code = await ask("Code: ");
  const accounts = accountsUrl({ ...process.env, ZOHO_DC });
  const form = { grant_type: "authorization_code", client_id: id, client_secret: secret, code };
  const reply = await (
    await fetch(`${accounts}/oauth/v2/token`, { method: "POST", body: new URLSearchParams(form) })
  ).json();
  if (typeof reply.refresh_token !== "string") throw new Error(`Zoho gave no refresh token: ${reply.error}`);
  return { ZOHO_DC, ZOHO_CLIENT_ID: id, ZOHO_CLIENT_SECRET: secret, ZOHO_REFRESH_TOKEN: reply.refresh_token };
}

const TOP_LEVEL = { us: "com", eu: "eu", in: "in", au: "com.au", jp: "jp", sa: "sa", ca: "ca" };

function accountsUrl({ ZOHO_ACCOUNTS_URL, ZOHO_DC = "us" }) {
  if (ZOHO_ACCOUNTS_URL) return ZOHO_ACCOUNTS_URL;
  return ZOHO_DC === "ca" ? "https://accounts.zohocloud.ca" : `https://accounts.zoho.${TOP_LEVEL[ZOHO_DC] ?? "com"}`;
}

/** Calls of Zoho's APIs. A host is that of the accounts server with another first word, except on this machine. */
async function openZoho(env) {
  const accounts = accountsUrl(env);
  const form = {
    grant_type: "refresh_token",
    client_id: env.ZOHO_CLIENT_ID,
    client_secret: env.ZOHO_CLIENT_SECRET,
    refresh_token: env.ZOHO_REFRESH_TOKEN,
  };
  const reply = await (
    await fetch(`${accounts}/oauth/v2/token`, { method: "POST", body: new URLSearchParams(form) })
  ).json();
  if (typeof reply.access_token !== "string") throw new Error(`Zoho gave no access token: ${reply.error}`);
  const hosts = {
    api: env.ZOHO_API_URL ?? reply.api_domain,
    desk: accounts.replace("//accounts.", "//desk."),
    sign: accounts.replace("//accounts.", "//sign."),
  };
  return async (host, method, path, { json, form: fields, headers = {} } = {}) => {
    const body = fields ?? (json === undefined ? undefined : JSON.stringify(json));
    const answer = await fetch(`${hosts[host]}${path}`, {
      method,
      headers: {
        authorization: `Zoho-oauthtoken ${reply.access_token}`,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
    const text = await answer.text();
    // Ids have 19 digits: quoted, they are not rounded.
    const content = text === "" ? {} : JSON.parse(text.replace(/([:[,]\s*)(\d{16,})(?=\s*[,}\]])/g, '$1"$2"'));
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${content.message ?? content.code ?? ""}`);
    return content;
  };
}

/** `listen` with its API. Resolves once it is ready. */
async function startListener(argv, env) {
  const child = spawn(process.execPath, [BIN, "listen", "--json", "--ui", ...argv], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
    // Ctrl-C is this program's: `listen` ends after what was made is deleted.
    detached: true,
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise((resolve) => {
    lines.on("line", (text) => {
      const line = JSON.parse(text);
      if (line.type === "ready") resolve(line);
      if (line.type === "event") say(`  #${line.n} ${line.product} ${line.event} → ${line.status}`);
    });
  });
  const line = await Promise.race([ready, ended.then(() => undefined)]);
  if (line === undefined || line.api === null) throw new Error("listen did not start: see above");
  return {
    urlOf: (product) => line.urls[product],
    async api(method, path) {
      const headers = { authorization: `Bearer ${line.api.token}` };
      const answer = await fetch(line.api.url + path, { method, headers, signal: interrupted.signal });
      const result = await answer.json();
      if (!answer.ok) throw new Error(result.error);
      return result;
    },
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}

/** A command of zoho-hooks in the folder of the run. Rejects if it fails. */
async function run(argv, env) {
  const child = spawn(process.execPath, [BIN, ...argv], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const outputs = { stdout: "", stderr: "" };
  for (const name of Object.keys(outputs))
    child[name].setEncoding("utf8").on("data", (text) => {
      outputs[name] += text;
    });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`zoho-hooks ${argv.join(" ")} exited with ${code}: ${outputs.stderr.trim()}`);
  return outputs;
}

function jsonLines(text) {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

async function ask(question) {
  return (await terminal.question(question, { signal: interrupted.signal })).trim();
}
