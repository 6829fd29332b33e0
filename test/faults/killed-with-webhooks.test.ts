import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { startBin } from "../support/bin.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer } from "../support/zoho-server.ts";

/** Kills at random moments of the start, of the registration, and of the end. */
const ROUNDS = 20;
const SCOPES = [...ALL_SCOPES, ...managedProducts.flatMap(({ loginScopes }) => loginScopes)];

it("listen --register leaves nothing at Zoho after one more start and end, whenever it was killed", async () => {
  const cwd = tempFolder();
  const zoho = await startZohoServer();
  onTestFinished(() => zoho.close());
  const port = await freePort();
  const env = {
    ...{ HOME: cwd, XDG_CONFIG_HOME: join(cwd, ".config") },
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
  };
  const ours = {
    name: "zoho-hooks of somebody else",
    url: "https://app.example/hook",
    subscriptions: { Ticket_Add: null },
  };
  zoho.desk.subscribe("desk", ours);
  const argv = ["listen", "--port", String(port), "--register", "desk:Ticket_Add,sign:*,crm:Leads.create"];
  const counts = () => [zoho.desk.hooks.length, zoho.sign.hooks.length, zoho.watch.rows().length];
  const left = new Set<string>();

  for (let round = 0; round < ROUNDS; round++) {
    const child = startBin(argv, { cwd, env });
    // A third each: before it is ready, while it runs, and while it ends.
    const phase = round % 3;
    if (phase > 0) await child.said(/Ready\./);
    if (phase === 2) child.kill("SIGINT");
    await pause(Math.random() * (phase === 0 ? 1500 : 250));
    child.kill("SIGKILL");
    await child.ended;
    left.add(String(counts()));
    // Never more than one of each, and the other one is always there.
    expect(counts()[0]).toBeLessThanOrEqual(2);
    expect(Math.max(...counts().slice(1))).toBeLessThanOrEqual(1);
  }
  const last = startBin(argv, { cwd, env });
  await last.said(/Ready\./);
  expect(counts()).toEqual([2, 1, 1]);
  last.kill("SIGINT");
  expect((await last.ended).status).toBe(0);
  expect(counts()).toEqual([1, 0, 0]);
  expect(zoho.desk.hooks[0]?.body.name).toBe(ours.name);
  process.stdout.write(
    `${ROUNDS} times kill -9 with webhooks: left behind (Desk's other one counts) ${[...left].join("; ")}\n`,
  );
});
