import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CRM } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

const FORMAT_TIP = "to send the Webhooks Guide's body instead: --format guide";
const IDS_TIP = "crm: a notification has record ids only";

/** Two projects of one user. */
function projects() {
  const home = tempFolder();
  const [one, other] = ["one", "other"].map((name) => join(home, name)) as [string, string];
  for (const folder of [one, other]) mkdirSync(folder);
  return { one, other, env: { XDG_CONFIG_HOME: join(home, "config") } };
}

it("send names the other format once a project, and with -v or in JSON always", async () => {
  const app = await startTarget();
  const { one, other, env } = projects();
  const send = (cwd: string, ...flags: string[]) =>
    run(["send", "crm", "Leads.create", "--to", String(app.port), ...flags], { cwd, env });
  expect((await send(one)).out).toContain(FORMAT_TIP);
  expect((await send(one)).out).not.toContain(FORMAT_TIP);
  expect((await send(one, "-v")).out).toContain(FORMAT_TIP);
  expect((await send(one, "--json")).lines()[0]?.notes).toContain(FORMAT_TIP);
  expect((await send(one, "--format", "guide")).out).toContain("to send Zoho's own body instead: --format wire");
  expect((await send(other)).out).toContain(FORMAT_TIP);
  await app.close();
});

it("send names it once for many events, and with --quiet never", async () => {
  const app = await startTarget((response) => void response.writeHead(500).end());
  const { one, env } = projects();
  const sendAll = (...flags: string[]) =>
    run(["send", "crm", "--all", "--to", String(app.port), ...flags], { cwd: one, env });
  const quiet = await sendAll("--quiet");
  expect(quiet.out).toContain("✗ 500");
  expect(quiet.out).not.toMatch(/--format guide|token from|no token/);
  expect((await sendAll("-v")).out.split(FORMAT_TIP)).toHaveLength(2);
  await app.close();
});

it("listen says once a project what is so of every delivery, and in each session what is missing", async () => {
  const { one, env } = projects();
  const sessions: string[] = [];
  for (let session = 1; session <= 2; session++) {
    const human = await startHumanListener([], { cwd: one, env });
    for (const event of ["Leads.create", "Contacts.create"])
      await run(["send", "crm", event, "--to", human.url + CRM], {
        cwd: one,
        env: { ...env, ZOHO_WEBHOOK_TOKEN: "t" },
      });
    await human.shown(/#\d+ .*Contacts\.create/);
    const { err } = await human.stop();
    sessions.push(err);
  }
  const counts = (text: string) => sessions.map((err) => err.split(text).length - 1);
  expect(counts(IDS_TIP)).toEqual([1, 0]);
  expect(counts("crm: no key (token): to verify it, set ZOHO_WEBHOOK_TOKEN")).toEqual([1, 1]);
});
