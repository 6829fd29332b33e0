import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBin, startBin } from "../support/bin.ts";
import { leakedIn, planted, plantedEnv, plantedProject } from "../support/planted-secrets.ts";
import { tempFolder } from "../support/run.ts";
import { freePort, startTarget } from "../support/target.ts";

/** Each is long and like nothing else, so that a part of one cannot be there by chance. */
const env = {
  ZOHO_WEBHOOK_SECRET: "scrub-secret-7f3a91c2",
  ZOHO_WEBHOOK_SECRET_DESK: "scrub-desk-secret-0b44d1",
  ZOHO_WEBHOOK_TOKEN: "scrub-token-5e0d8871",
  ZOHO_CLIENT_ID: "1000.SCRUBCLIENT",
  ZOHO_CLIENT_SECRET: "scrub-client-secret-91ab",
  ZOHO_REFRESH_TOKEN: "1000.scrub-refresh-token.4d2c",
  ZOHO_ACCESS_TOKEN: "1000.scrub-access-token.8e1f",
};
const { ZOHO_WEBHOOK_TOKEN: token, ZOHO_CLIENT_ID: _public, ...others } = env;
const never = Object.values(others);

/** The token travels in the body: what shows a body shows it, and nothing else may. */
const SHOWS_BODIES = new Set(["--dry-run", "--curl", "--verbose", "--json"]);

const commands: readonly (readonly string[])[] = [
  ["--help"],
  ["products"],
  ["products", "crm", "--json"],
  ["fixtures", "show", "crm", "Leads.create"],
  ["config", "show", "--origin"],
  ["config", "show", "--json"],
  ["verify", "lead.json", "--verbose"],
  ["verify", "lead.json", "--signature", "abc", "--explain", "--json"],
  ["verify", "lead.json", "--signature", "0".repeat(64), "--show-expected"],
  ["verify", "lead.json", "--secret-file", "other-secret", "--explain"],
  ["verify", "nothing.json"],
  ["send", "crm", "Leads.create"],
  ["send", "crm", "Leads.create", "--verbose"],
  ["send", "crm", "Leads.create", "--dry-run"],
  ["send", "crm", "Leads.create", "--curl"],
  ["send", "desk", "Ticket.Create", "--json"],
  ["send", "crm", "Leads.create", "--format", "guide", "--bad-signature", "--bad-token"],
  ["send", "crm", "--all", "--quiet"],
  ["check", "--json"],
  ["init", "--yes", "--json"],
  ["whoami"],
  ["doctor", "--verbose"],
  ["channels", "list", "--verbose"],
  ["channels", "create", "Leads.create", "--url", "https://example.com/hook", "--dry-run"],
];

describe("no output", () => {
  it.each(commands.map((argv) => [argv.join(" "), argv] as const))("of %s holds a secret", async (_, argv) => {
    const cwd = tempFolder();
    const { url } = await startTarget((response) => {
      response.writeHead(401, { "content-type": "application/json" });
      response.end('{"code":"INVALID_TOKEN","message":"invalid oauth token","status":"error"}');
    });
    writeFileSync(join(cwd, "lead.json"), '{"module":"Leads","operation":"create","token":"another"}');
    writeFileSync(join(cwd, "other-secret"), "scrub-file-secret-66c0");
    mkdirSync(join(cwd, ".git"));
    const sends = argv[0] === "send" ? ["--to", url] : argv[0] === "check" ? [url] : [];
    const { stdout, stderr } = await runBin([...argv, ...sends], {
      cwd,
      env: { ...env, ZOHO_API_URL: url, ZOHO_ACCOUNTS_URL: url },
    });
    const output = stdout + stderr;
    expect(output.length).toBeGreaterThan(0);
    const shown = [...never, "scrub-file-secret-66c0", ...(argv.some((word) => SHOWS_BODIES.has(word)) ? [] : [token])];
    expect(shown.filter((secret) => output.includes(secret))).toEqual([]);
  });

  it.each([[["--verbose"]], [["--json"]], [[]]])("of listen %j holds a secret", async (flags) => {
    const app = await freePort();
    const child = startBin(["listen", "--port", "0", "--forward-to", `http://127.0.0.1:${app}`, ...flags], { env });
    const ready = /127\.0\.0\.1:(\d+)/;
    const [, port] = await Promise.any([child.shown(ready), child.said(ready)]);
    await runBin(["send", "desk", "Ticket.Create", "--to", String(port)], { env });
    await runBin(["send", "desk", "Ticket.Create", "--bad-signature", "--to", String(port)], { env });
    await child.shown(/Ticket\.Create[\s\S]*Ticket\.Create/);
    child.kill("SIGINT");
    const { stdout, stderr } = await child.ended;
    expect([...never, token].filter((secret) => (stdout + stderr).includes(secret))).toEqual([]);
  });
});

describe("an app that repeats every secret of the process", () => {
  it.each([[[]], [["-v"]], [["--json"]]])("gets none into listen %j, the log's views and exports", async (flags) => {
    const { port, close } = await startTarget((response) => {
      response.writeHead(500);
      response.end(planted.join(" ; "));
    });
    const cwd = plantedProject();
    const options = { cwd, env: { ...plantedEnv, XDG_CONFIG_HOME: join(cwd, ".config") } };
    const argv = [
      "--port",
      "0",
      "--tunnel",
      "none",
      "--retries",
      "0",
      "--forward-to",
      String(port),
      "--expect",
      "crm:*",
    ];
    const child = startBin(["listen", ...argv, ...flags], options);
    const ready = /127\.0\.0\.1:(\d+)/;
    const [, own] = await Promise.any([child.shown(ready), child.said(ready)]);
    await runBin(["send", "crm", "Leads.create", "--to", String(own)], options);
    const listened = await child.ended;
    expect(listened.stdout).toContain("Leads.create");
    expect(leakedIn(listened.stdout + listened.stderr)).toEqual([]);
    for (const words of [["show", "1"], ["export"], ["export", "--format", "curl"]]) {
      const { stdout, stderr } = await runBin(["events", ...words], options);
      expect(stdout).toContain("[masked]");
      expect(leakedIn(stdout + stderr)).toEqual([]);
    }
    const { stdout } = await runBin(["events", "show", "1", "--show-secrets"], options);
    for (const secret of ["SEKRITtoken11", "SEKRITclient55"]) expect(leakedIn(stdout)).toContain(secret);
    await close();
  });
});
