import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Emulator, openEmulator } from "../../src/emulator/emulator.ts";
import { POLL_USER_AGENT } from "../../src/zoho-api/user-agent.ts";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

let emulator: Emulator;
let token: string;
beforeEach(async () => {
  emulator = await openEmulator({ port: 0, packageRoot, env: {} });
  token = emulator.organisation.accounts.makeAccessToken(["ZohoCRM.org.READ", "ZohoCRM.notifications.ALL"]);
});
afterEach(() => emulator.close());

async function plan(stub: object | string) {
  const body = typeof stub === "string" ? stub : JSON.stringify(stub);
  const response = await fetch(`${emulator.url}/_emulator/answer`, { method: "POST", body });
  return { status: response.status, body: await response.json() };
}

async function call(method: string, path: string, headers: Record<string, string> = {}) {
  const authorization = `Zoho-oauthtoken ${token}`;
  const response = await fetch(emulator.url + path, { method, headers: { authorization, ...headers } });
  return [response.status, await response.text()];
}

describe("a planned answer", () => {
  it("is given in the place of an endpoint that the emulator lacks, as it was written", async () => {
    const body = '{"data": [{"id": 5725767000003000001, "Note_Content": "long"}]}';
    await plan(`{"method": "post", "path": "/crm/v8/Leads/{id}/Rovers", "status": 201, "body": ${body}}`);
    expect(await call("POST", "/crm/v8/Leads/42/Rovers?page=2")).toEqual([201, body]);
    expect(await call("POST", "/crm/v8/Leads/43/Rovers")).toEqual([201, body]);
    expect((await call("GET", "/crm/v8/Leads/42/Rovers"))[0]).toBe(401);
    expect(await call("POST", "/crm/v8/Leads/42/7/Rovers")).toEqual([404, expect.any(String)]);
    expect(await call("POST", "/crm/v8/Leads/42/Rovers/1")).toEqual([404, expect.any(String)]);
  });

  it("is text where its body is text, and empty without one", async () => {
    await plan({ path: "/rovers.csv", body: "id,name\n" });
    await plan({ path: "/rovers", status: 204 });
    expect(await call("GET", "/rovers.csv")).toEqual([200, "id,name\n"]);
    expect(await call("DELETE", "/rovers")).toEqual([204, ""]);
  });

  it("wins over a built-in route while times lasts, before one without times", async () => {
    await plan({ path: "/crm/v8/org", body: "always" });
    await plan({ path: "/crm/v8/org", body: "first", times: 1 });
    await plan({ path: "/crm/v8/org", body: "second", times: 1 });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push((await call("GET", "/crm/v8/org"))[1]);
    expect(answers).toEqual(["first", "second", "always", "always"]);
    await plan({ path: "/crm/v8/org", body: "replaced" });
    expect(await call("GET", "/crm/v8/org")).toEqual([200, "replaced"]);
    await fetch(`${emulator.url}/_emulator/reset`, { method: "POST" });
    token = emulator.organisation.accounts.makeAccessToken(["ZohoCRM.org.READ"]);
    expect((await call("GET", "/crm/v8/org"))[1]).toContain("company_name");
  });

  it("needs an access token, but at the accounts server, and a refused request leaves it", async () => {
    await plan({ path: "/crm/v8/org", body: "stub", times: 1 });
    expect((await fetch(`${emulator.url}/crm/v8/org`)).status).toBe(401);
    emulator.advance(3_600_000);
    expect((await call("GET", "/crm/v8/org"))[0]).toBe(401);
    token = emulator.organisation.accounts.makeAccessToken([]);
    expect(await call("GET", "/crm/v8/org")).toEqual([200, "stub"]);
    await plan({ path: "/oauth/user/info", body: { ZUID: 1 } });
    expect(await (await fetch(`${emulator.url}/oauth/user/info`)).text()).toBe('{"ZUID":1}');
  });

  it("fails as others where a fault is planned", async () => {
    await plan({ path: "/crm/v8/org", body: "stub", times: 1 });
    await fetch(`${emulator.url}/_emulator/fail`, { method: "POST", body: '{"answer": 503}' });
    expect((await call("GET", "/crm/v8/org"))[0]).toBe(503);
    expect(await call("GET", "/crm/v8/org")).toEqual([200, "stub"]);
  });

  it("is not used up by the looks of a running listen", async () => {
    await plan({ path: "/crm/v8/actions/watch", body: "stub", times: 1 });
    await call("GET", "/crm/v8/actions/watch", { "user-agent": POLL_USER_AGENT });
    expect(await call("GET", "/crm/v8/actions/watch")).toEqual([200, "stub"]);
  });

  it.each([
    [{}, "path is missing"],
    [{ path: "crm" }, 'path: "crm" is not a path without a query'],
    [{ path: "/crm?page=2" }, 'path: "/crm?page=2" is not a path without a query'],
    [{ path: "/_emulator/reset" }, "path: control calls are always answered by the emulator"],
    [{ path: "/a", method: 5 }, "method: 5 is not a method"],
    [{ path: "/a", status: 100 }, "status: 100 is not a whole number from 200 to 599"],
    [{ path: "/a", status: "200" }, 'status: "200" is not a whole number from 200 to 599'],
    [{ path: "/a", times: 0 }, "times: 0 is not a whole number from 1 to 1000000"],
    [{ path: "/a", headers: {} }, "headers is not a member of an answer"],
  ])("refuses %j", async (stub, error) => {
    expect(await plan(stub)).toMatchObject({ status: 400, body: { error } });
  });

  it("has a limit of number and size", async () => {
    const hint = "POST /_emulator/reset removes them";
    for (let i = 0; i < 1000; i++) emulator.stubs.add({ path: `/${i}` });
    expect(await plan({ path: "/more" })).toMatchObject({ status: 400, body: { hint } });
    emulator.reset();
    const body = "x".repeat(4_000_000);
    for (let i = 0; i < 4; i++) expect((await plan({ path: `/${i}`, body })).status).toBe(200);
    expect(await plan({ path: "/4", body })).toMatchObject({ status: 400, body: { hint } });
    expect((await plan({ path: "/3", body })).status).toBe(200);
  });
});

describe("an endpoint that the emulator lacks", () => {
  it.each([
    ["/crm/v8/rovers/it's", ({ message }: Record<string, string>) => message],
    ["/books/v3/rovers?organization_id=10234695", ({ message }: Record<string, string>) => message],
    ["/api/v1/rovers", ({ message }: Record<string, string>) => message],
  ])("names in its own shape the command that answers it: %s", async (path, messageOf) => {
    const [status, text] = await call("GET", path);
    expect(status).toBe(404);
    const message = messageOf(JSON.parse(String(text))) ?? "";
    const [, command = ""] = /To answer it yourself: (curl .*)$/.exec(message) ?? [];
    await promisify(execFile)("sh", ["-c", command.replace('"body":{}', '"body":{"a":1}')]);
    expect(await call("GET", path)).toEqual([200, '{"a":1}']);
  });
});
