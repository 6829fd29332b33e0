import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { run, tempFolder } from "../support/run.ts";
import { type Edit, edited, edits } from "./edits.ts";
import { checkEnd, fuzz } from "./fuzz.ts";
import { neverShown, signedEnv } from "./signed.ts";

/** A project's files with changes, and a command that reads them. */
interface Case {
  readonly config: readonly Edit[];
  readonly env: readonly Edit[];
  readonly command: string;
}

const CONFIG = Buffer.from(
  JSON.stringify({
    products: {
      crm: { format: "wire", schema: "schema.json", auth: { header: "x-key" } },
      forms: { event: "event", encoding: "json", audience: "a" },
      shop: { path: "shop" },
    },
    port: 4460,
    host: "127.0.0.1",
    maxBody: "1mb",
    schema: "warn",
    onInvalid: "reject",
    tolerance: "5m",
    events: ["crm:Leads.*"],
    allowIp: ["127.0.0.1", "10.0.0.0/8"],
    allowUnsigned: ["forms"],
    forwardTo: [3000, "localhost:3001/hooks"],
    routes: { "desk:*": 3002 },
    respond: "ack",
    retries: 3,
    retryBase: "2s",
    concurrency: 16,
    forwardTimeout: "30s",
    insecure: false,
    store: "events.db",
    keep: "30d",
    maxLog: "100mb",
    tunnel: { use: "none", domain: "a.example", publicUrl: "https://a.example", timeout: "10s" },
  }),
);
const { ZOHO_WEBHOOK_PUBLIC_KEY: key, ...short } = signedEnv;
const ENV = Buffer.from(
  `# secrets\n${Object.entries(short)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join(
      "",
    )}export ZOHO_WEBHOOK_PUBLIC_KEY="${key}"\nZOHO_HOOKS_PORT=4461\nHTTP_PROXY=http://127.0.0.1:1\nZOHO_DC=eu\n`,
);
const SCHEMA = '{"type":"object","properties":{"a":{"type":"string"}}}';
const PAYLOAD = '{"module":"Leads","operation":"create","ids":["4150868000000002179"],"token":"t","data":{}}';
const COMMANDS = [
  "config show",
  "config show --json",
  "verify -",
  "verify - --explain --json",
  "products",
  "products shop",
];
const LISTEN = "listen --port 0 --tunnel none --timeout 1ms";

const few = fc.oneof({ weight: 2, arbitrary: edits }, { weight: 1, arbitrary: fc.constant([]) });
const cases: fc.Arbitrary<Case> = fc.record({
  config: few,
  env: few,
  command: fc.constantFrom(
    ...COMMANDS,
    "events list",
    "fixtures list",
    "types crm",
    "completion words listen -",
    LISTEN,
  ),
});

fuzz<Case>({
  name: "settings",
  share: 0.05,
  cases,
  async check(each) {
    const cwd = tempFolder();
    mkdirSync(join(cwd, "shop"));
    writeFileSync(join(cwd, "schema.json"), SCHEMA);
    writeFileSync(join(cwd, "shop", "product.json"), SCHEMA);
    writeFileSync(join(cwd, "zoho-hooks.config.json"), edited(CONFIG, each.config));
    writeFileSync(join(cwd, ".env"), edited(ENV, each.env));
    const ended = await run(each.command.split(" "), { cwd, stdin: PAYLOAD });
    rmSync(cwd, { recursive: true, force: true });
    checkEnd(ended, neverShown);
  },
});
