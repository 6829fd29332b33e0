import { existsSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startHumanListener } from "../support/human-listener.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { startProxy } from "../support/proxy.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort, startTarget } from "../support/target.ts";

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

const BODY = '{"module":"Leads","operation":"create","ids":["1"]}';
/** Content types that a browser posts without a preflight. */
const TEXT = { "content-type": "text/plain" };
const CROSS_SITE = { ...TEXT, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty" };
/** DNS rebinding: the page's own host name leads to this machine, so for the browser it is the same origin. */
const REBOUND = { host: "evil.example:4460", origin: "http://evil.example:4460" };
const CRM = "/webhooks/zoho/crm";

/** Not by `fetch`, which sets Host itself. */
function post(to: { url: string }, path: string, body: string, headers: Record<string, string>) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asked = request(to.url + path, { method: "POST", headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

describe("a POST by a web page in a browser", () => {
  it.each([
    ["to this machine", CROSS_SITE],
    ["from a page of this machine", { ...CROSS_SITE, "sec-fetch-site": "same-site" }],
    ["in a browser that sends its origin alone", { ...TEXT, Origin: "null" }],
    ["to a name of its own that leads here", { ...TEXT, ...REBOUND }],
  ])("%s is answered 403, recorded, and not forwarded", async (_, headers) => {
    const cwd = tempFolder();
    const target = await startTarget();
    listener = await startListener(["--forward-to", target.url, "--on-invalid", "warn"], { cwd });
    expect(await post(listener, CRM, BODY, headers)).toMatchObject({
      status: 403,
      text: expect.stringContaining("a web page in a browser posted this"),
    });
    const own = BODY.replace("1", "2");
    expect((await listener.post(CRM, own)).status).toBe(200);
    expect(await listener.event(1)).toMatchObject({ status: 403, product: "crm" });
    await listener.line("forward", { n: 2 });
    await listener.stop();
    listener = undefined;
    expect(target.seen.map(({ body }) => String(body))).toEqual([own]);
    expect((await run(["events", "show", "1"], { cwd })).out).toContain("403");
  });

  it("is shown with its reason", async () => {
    const human = await startHumanListener();
    await post(human, CRM, BODY, CROSS_SITE);
    expect((await human.stop()).out).toContain("answered 403: a web page in a browser posted this");
  });

  it("cannot set a secret", async () => {
    const cwd = tempFolder();
    listener = await startListener([], { cwd });
    const headers = { ...REBOUND, "content-type": "application/json", "x-hook-secret": "planted-by-a-page" };
    expect((await post(listener, "/webhooks/zoho/mail", "", headers)).status).toBe(403);
    expect(existsSync(join(cwd, ".zoho-hooks", "keys"))).toBe(false);
  });
});

describe("listen still accepts", () => {
  it.each([
    ["a program of Node's posts", { "sec-fetch-mode": "cors" }],
    ["a person who types the address would send", { "sec-fetch-site": "none" }],
  ])("what %s", async (_, headers) => {
    listener = await startListener();
    expect((await post(listener, CRM, BODY, headers)).status).toBe(200);
  });

  it("a page's POST to the public URL", async () => {
    const port = await freePort();
    const env = { HTTP_PROXY: `http://127.0.0.1:${await startProxy(port, [])}` };
    listener = await startListener(["--port", String(port), "--public-url", "http://hooks.invalid"], { env });
    expect((await post(listener, CRM, BODY, { ...CROSS_SITE, host: "hooks.invalid" })).status).toBe(200);
    expect((await post(listener, CRM, BODY, CROSS_SITE)).status).toBe(403);
  });
});
