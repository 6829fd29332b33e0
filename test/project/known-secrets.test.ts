import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commands } from "../../src/commands/index.ts";
import { ExitCode } from "../../src/util/errors.ts";
import { connect, startInspector } from "../support/inspector.ts";
import { startListener } from "../support/listener.ts";
import { signature } from "../support/logged-project.ts";
import { plantedEnv as env, leakedIn, planted, plantedProject } from "../support/planted-secrets.ts";
import { type RunResult, run } from "../support/run.ts";
import { startTarget, type Target } from "../support/target.ts";

const dump = planted.join(" ; ");
const lead = (n: number): string =>
  JSON.stringify({
    module: "Leads",
    operation: "create",
    resource_uri: `https://www.zohoapis.com/crm/v8/Leads/415086800000000217${n}`,
    ids: [`415086800000000217${n}`],
    token: env.ZOHO_WEBHOOK_TOKEN,
    data: {
      id: `415086800000000217${n}`,
      Last_Name: "Tanaka",
      Description: `the environment is ${dump}`,
      Phone: Number(env.NGROK_AUTHTOKEN),
    },
  });

/** An app whose error page repeats its environment. */
let app: Target;
let cwd: string;
let url: string;
const at = (argv: readonly string[], more = {}): Promise<RunResult> =>
  run(argv, { cwd, env: { ...env, ...zoho() }, ...more });
const zoho = () => ({ ZOHO_API_URL: app.url, ZOHO_ACCOUNTS_URL: app.url });
const everything = ({ out, err }: RunResult): string => out + err;

function post(to: string, n: number): Promise<unknown> {
  const body = lead(n);
  const query = planted.map((secret, i) => `x${i}=${encodeURIComponent(secret)}`).join("&");
  const headers = {
    "content-type": "application/json",
    "x-note": "it is SEKRITsecret22",
    ...signature(body, env.ZOHO_WEBHOOK_SECRET),
  };
  return fetch(`${to}/webhooks/zoho/crm?${query}`, { method: "POST", body, headers });
}

/** Until two deliveries have been answered by the app for the last time. */
async function listenTo(argv: readonly string[]): Promise<RunResult> {
  let shown = "";
  const sees = (text: string): void => {
    const before = /127\.0\.0\.1:\d+/.test(shown);
    shown += text;
    const [own] = /http:\/\/127\.0\.0\.1:\d+/.exec(shown) ?? [];
    if (!before && own !== undefined) void post(own, 1).then(() => post(own, 2));
  };
  return at(
    [
      "listen",
      "--port",
      "0",
      "--tunnel",
      "none",
      "--forward-to",
      String(app.port),
      "--retries",
      "0",
      "--expect",
      "crm:*=2",
      ...argv,
    ],
    { onOut: sees, onErr: sees },
  );
}

beforeAll(async () => {
  app = await startTarget((response, { path }) => {
    // As Zoho's API it is not asked again.
    response.writeHead(path.startsWith("/webhooks/") ? 500 : 400);
    response.end(`The environment: ${dump}`);
  });
  cwd = plantedProject();
  writeFileSync(join(cwd, "lead.json"), lead(1));
  const listener = await startListener(["--tunnel", "none", "--forward-to", String(app.port), "--retries", "0"], {
    cwd,
    env,
  });
  ({ url } = listener);
  for (const n of [1, 2]) {
    await post(url, n);
    await listener.line("forward", { n, state: "failed" });
  }
  await listener.stop();
});

afterAll(() => app.close());

/** Each command at least once; `out`: writes to this file. */
const argvs: readonly (readonly string[])[] = [
  ["events", "list"],
  ["events", "list", "--json"],
  ["events", "show", "1"],
  ["events", "show", "1", "--json"],
  ["events", "stats"],
  ["events", "drift", "--json"],
  ["events", "diff", "1", "2"],
  ["events", "diff", "1", "2", "--json"],
  ["events", "show", "1", "--curl"],
  ["events", "show", "1", "--curl", "--json"],
  ["events", "save-fixture", "1", "--force"],
  ["replay", "1", "--dry-run", "--to", "APP"],
  ["replay", "1", "--dry-run", "--to", "APP", "--json"],
  ["replay", "1", "--to", "APP", "-v"],
  ["replay", "1", "--to", "APP", "--json"],
  ["verify", "--logged", "1", "--explain", "-v"],
  ["verify", "--logged", "1", "--json"],
  ["verify", "--logged", "1", "--show-expected"],
  ["verify", "lead.json", "--signature", "abc", "--explain", "--json"],
  ["send", "crm", "Leads.create", "--to", "APP", "-v"],
  ["send", "crm", "Leads.create", "--to", "APP", "--json"],
  ["send", "crm", "Leads.create", "--to", "APP", "--format", "guide", "--bad-signature", "--bad-token"],
  ["send", "crm", "--all", "--to", "APP", "--quiet"],
  ["check", "APP", "--only", "security", "--junit", "export", "--json"],
  ["check", "APP", "--only", "protocol"],
  ["emulate", "--env", "--json"],
  ["whoami"],
  ["channels", "list", "-v"],
  ["channels", "create", "Leads.create", "--url", "https://example.com/hook", "--dry-run"],
  ["webhooks", "list", "--product", "desk", "--org", "1", "-v"],
  ["reconcile", "-v"],
  ["doctor", "-v"],
  ["doctor", "--json"],
  ["config", "show"],
  ["config", "show", "--json"],
  ["products", "crm", "--json"],
  ["fixtures", "show", "crm", "Leads.create"],
  ["types"],
  ["skill"],
  ["store", "status"],
  ["keygen", "--json"],
  ["init", "--yes", "--json"],
  ["login", "--client-id", "1", "-v"],
  ["logout", "--profile", "default"],
  ["completion", "bash"],
  ["trust"],
];
/** Run until they are stopped. The first two are tested below; mcp runs the others; emulate loads no secrets. */
const LONG = ["listen", "ui", "mcp", "emulate"];

describe("a secret that the process knows", () => {
  it("is looked for in every command", () => {
    expect(new Set([...argvs.map(([name]) => name), ...LONG])).toEqual(new Set(commands.map(({ name }) => name)));
  });

  it.each(argvs.map((argv) => [argv.join(" "), argv] as const))("is not shown by %s", async (_, argv) => {
    const result = await at(argv.map((word) => (word === "APP" ? app.url : word)));
    expect([ExitCode.bug, ExitCode.usage], result.err).not.toContain(result.exitCode);
    const isWritten = argv.includes("--junit");
    const text = everything(result) + (isWritten ? readFileSync(join(cwd, "export"), "utf8") : "");
    expect(text.length).toBeGreaterThan(0);
    expect(leakedIn(text)).toEqual([]);
    // The lines are JSON still, also where the mask replaces a number.
    if (argv.includes("--json")) result.lines();
  });

  it("is not shown by events list --follow", async () => {
    const interrupt = new AbortController();
    const onErr = (text: string): void => {
      if (text.includes("following")) interrupt.abort();
    };
    const result = await at(["events", "list", "--follow", "-v"], { signal: interrupt.signal, onErr });
    expect(result.out).toContain("Leads.create");
    expect(leakedIn(everything(result))).toEqual([]);
  });

  it("is not shown where the app's answer was cut within it", async () => {
    const start = "SEKRITsecret";
    const cutting = await startTarget((response) => {
      response.writeHead(500);
      response.end(`${"x ".repeat(250 - start.length / 2)}${env.ZOHO_WEBHOOK_SECRET}`);
    });
    const { out } = await at(["send", "crm", "Leads.create", "--to", cutting.url, "--json"]);
    await cutting.close();
    expect(out).toContain("x [masked]");
    expect(out).not.toContain("SEKRIT");
  });

  it("is not shown where it is the password of an address, unless it is the user's name", async () => {
    const repeating = await startTarget(
      (response) => void response.end("SEKRIT redis/15 and SEKRITproxy16 and postgres"),
    );
    const addresses = {
      ZOHO_HOOKS_FORWARD_TO: "bullmq://u:SEKRIT%20redis%2F15@127.0.0.1:1/q",
      ZOHO_HOOKS_STORE: "postgres://postgres:postgres@127.0.0.1:1/log",
      HTTPS_PROXY: "http://u:SEKRITproxy16@127.0.0.1:1",
    };
    const { out } = await run(["send", "crm", "Leads.create", "--to", repeating.url], { env: addresses });
    await repeating.close();
    expect(out).toContain("[masked] and [masked] and postgres");
  });

  it("is not shown by a saved fixture", async () => {
    const { out } = await at(["events", "save-fixture", "2", "--force"]);
    expect(leakedIn(readFileSync(join(cwd, out.trim()), "utf8"))).toEqual([]);
  });

  it.each([[[]], [["-v"]], [["--json"]], [["--json", "-v"]]])("is not shown by listen %j", async (flags) => {
    const result = await listenTo(["--no-store", ...flags]);
    expect(everything(result)).toContain("[masked]");
    expect(leakedIn(everything(result))).toEqual([]);
  });

  it.each([
    [["listen", "--json", "--show-secrets"]],
    [["events", "show", "1", "--show-secrets"]],
    [["events", "list", "--all", "--json", "--show-secrets"]],
    [["events", "show", "1", "--curl", "--show-secrets"]],
    [["replay", "1", "--dry-run", "--to", "3000", "--show-secrets"]],
  ])("is shown by %j", async ([name = "", ...argv]) => {
    const result = await (name === "listen" ? listenTo(["--no-store", ...argv]) : at([name, ...argv]));
    for (const secret of ["SEKRITsecret22", "SEKRITtoken11", "86753090"])
      expect(leakedIn(everything(result))).toContain(secret);
    expect(everything(result)).not.toContain("[masked]");
  });

  it("is in the request that send prints to be used", async () => {
    for (const flag of ["--curl", "--dry-run"]) {
      const { out } = await at(["send", "crm", "Leads.create", "--to", "3000", flag]);
      expect(out).toContain("SEKRITtoken11");
    }
  });

  it("stays in the log, which replays it", async () => {
    const before = app.seen.length;
    await at(["replay", "1", "--to", app.url]);
    expect(app.seen[before]?.body.toString()).toBe(lead(1));
  });

  it("counts as masked, and is named as the reason why a delivery cannot be verified", async () => {
    const { out } = await at(["events", "list", "--all", "--json", "--event", "Leads.create"]);
    const verified = await at(["verify", "-"], { stdin: out });
    expect(everything(verified)).toContain("its secrets are masked, so it cannot be checked");
  });

  it("is not shown by the inspector, and an edited body gets it back", async () => {
    const { get, post: call, stream } = await startInspector([], { cwd, env });
    const watcher = await stream(0);
    await watcher.until(({ name }) => name === "events");
    const answers = await Promise.all([
      get("/api/state"),
      get("/api/events"),
      get("/api/events/1"),
      get("/api/events/1/body"),
      call("/api/explain", { n: 1 }),
      call("/api/show", { n: 1, curl: true }),
      call("/api/diff", { before: 1, after: 2 }),
      call("/api/replay", { n: 1, to: app.url }),
      call("/api/send", { product: "crm", event: "Leads.create", preview: true }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    for (const { text } of answers) expect(leakedIn(text)).toEqual([]);
    expect(leakedIn(JSON.stringify(watcher.messages))).toEqual([]);
    expect(answers[2]?.json()).toMatchObject({ masked: true });
    const before = app.seen.length;
    const edited = String(answers[2]?.json().pretty).replace('"operation": "create"', '"operation": "edit"');
    expect((await call("/api/replay", { n: 1, to: app.url, body: edited })).status).toBe(200);
    expect(app.seen[before]?.body.toString()).toBe(lead(1).replace('"create"', '"edit"'));
  });

  it("of a file is not shown by the inspector of listen, either", async () => {
    const own = plantedProject();
    writeFileSync(join(own, "other-secret"), "SEKRITfile14");
    const flags = ["--ui", "--tunnel", "none", "--allow-unsigned", "crm"];
    const listener = await startListener(flags, { cwd: own, env: { ZOHO_WEBHOOK_SECRET_FORMS_FILE: "other-secret" } });
    const body = '{"note":"it is SEKRITfile14"}';
    await listener.post("/webhooks/zoho/crm", body, { "content-type": "application/json" });
    const { get } = connect(String((await listener.line("ready")).inspector_url));
    const { text } = await get("/api/events/1");
    const { out } = await listener.stop();
    for (const shown of [text, out]) {
      expect(shown).toContain("it is [masked]");
      expect(shown).not.toContain("SEKRITfile14");
    }
  });

  it("is shown by the inspector with --show-secrets", async () => {
    const { get } = await startInspector(["--show-secrets"], { cwd, env });
    expect(leakedIn((await get("/api/events/1")).text)).toEqual(planted);
  });
});
