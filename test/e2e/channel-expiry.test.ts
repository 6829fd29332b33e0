import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { variablesOf } from "../../src/emulator/published.ts";
import { atTerminal, type BinChild, runBin, startBin } from "../support/bin.ts";
import { lacks } from "../support/needs.ts";

/** An emulator, and the variables for it at an address that is another than its own. */
async function emulate() {
  const [url] = await startBin(["emulate", "--port", "0"]).said(/http:\/\/127\.0\.0\.1:\d+/);
  const front = createServer((incoming, response) => {
    const { method, headers } = incoming;
    const outgoing = request(`${url}${incoming.url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  await new Promise<void>((listening) => front.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void front.close().closeAllConnections());
  const frontUrl = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const advance = async (by: string): Promise<void> => {
    expect((await runBin(["emulate", "advance", by, "--url", url])).status).toBe(0);
  };
  return { url, frontUrl, env: { ...variablesOf(frontUrl) }, advance };
}

const createLead = (url: string): Promise<Response> =>
  fetch(`${url}/_emulator/records`, {
    method: "POST",
    body: JSON.stringify({ product: "crm", module: "Leads", action: "create", data: { Last_Name: "Doe" } }),
  });

/** The seconds until something happens. */
async function secondsTo(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return (performance.now() - startedAt) / 1000;
}

it.skipIf(lacks("script of util-linux"))(
  "listen shows at a terminal what the emulator says of its channel, and keeps it",
  async () => {
    const { url, env, advance } = await emulate();
    const screen = atTerminal(["listen", "--port", "0", "--channel", "Leads.create"], {
      env: { ...env, NO_COLOR: "1" },
      columns: 150,
    });
    await screen.shown(/channel 6d 23h left · \? keys/);
    await advance("2d");
    expect(await secondsTo(screen.shown(/channel 4d 23h left/))).toBeLessThan(5);
    await advance("4d");
    const renewed = /renewed crm \d+ .*\(6d 23h left\)[\s\S]*channel 6d 23h left/;
    expect(await secondsTo(screen.shown(renewed))).toBeLessThan(10);
    await advance("8d");
    const again = /lost crm[\s\S]*it expired: Zoho no longer lists it[\s\S]*created crm \d+ .*\(6d 23h left\)/;
    expect(await secondsTo(screen.shown(again))).toBeLessThan(10);
    await createLead(url);
    await screen.shown(/#1 .*Leads\.create .*✓ verified/);
  },
  60_000,
);

it("listen renews its channel in time after another program gave it an hour", async () => {
  const { frontUrl, env } = await emulate();
  const listener = startBin(["listen", "--port", "0", "--channel", "Leads.create"], { env });
  await listener.said(/Ready\./);
  const [, id = ""] = await listener.shown(/created crm (\d+)/);
  await writeWithoutExpiry(frontUrl, id);
  expect(await secondsTo(listener.shown(/renewed crm \d+ .*\(6d 23h left\)/))).toBeLessThan(10);
  await end(listener);
}, 60_000);

/** As a program does that does not know that Zoho then grants an hour. */
async function writeWithoutExpiry(url: string, id: string): Promise<void> {
  const { ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN } = variablesOf(url);
  const client = { client_id: ZOHO_CLIENT_ID ?? "", client_secret: ZOHO_CLIENT_SECRET ?? "" };
  const grant = { grant_type: "refresh_token", refresh_token: ZOHO_REFRESH_TOKEN ?? "" };
  const body = new URLSearchParams({ ...client, ...grant });
  const { access_token } = await json(await fetch(`${url}/oauth/v2/token`, { method: "POST", body }));
  const headers = { authorization: `Zoho-oauthtoken ${access_token}` };
  const list = await json(await fetch(`${url}/crm/v8/actions/watch?channel_id=${id}`, { headers }));
  const { channel_id, events, notify_url, token } = list.watch[0];
  const watch = [{ channel_id, events, notify_url, token }];
  const written = await fetch(`${url}/crm/v8/actions/watch`, {
    method: "PUT",
    headers,
    body: JSON.stringify({ watch }),
  });
  const [result] = (await json(written)).watch;
  const leftMs = Date.parse(result.details.events[0].channel_expiry) - Date.now();
  expect(leftMs).toBeLessThanOrEqual(3_600_000);
}

// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
const json = (response: Response): Promise<any> => response.json();

async function end(listener: BinChild): Promise<void> {
  listener.kill("SIGINT");
  expect(await listener.ended).toMatchObject({ status: 0 });
}
