import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { SHOP, shopProject } from "../support/own-product.ts";
import { run } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

const AUTH = "p3arl-0f-wisdom";
const env = { ZOHO_WEBHOOK_AUTH: AUTH };

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

const places = [
  ["a header", { header: "x-hook-key" }, "x-hook-key"],
  ["a parameter of the URL", { parameter: "knock" }, "knock"],
] as const;

describe.each(places)("a user-defined secret in %s", (_where, auth, name) => {
  it("is shown by no command unless requested", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { survey: { format: "wire", auth } } }),
    });
    listener = await startListener([], { cwd, env });
    const sent = await run(["send", "survey", "response_submitted", "--to", `${listener.url}/webhooks/zoho/survey`], {
      cwd,
      env,
    });
    expect(sent.exitCode).toBe(0);
    expect(sent.out + sent.err).not.toContain(AUTH);
    const { signatures } = await listener.event(1);
    expect(signatures).toEqual([
      { id: "static-auth", covers: "sender", result: "verified", reason: expect.any(String) },
    ]);
    await listener.stop();
    for (const argv of [
      ["events", "show", "1"],
      ["events", "list", "--json"],
      ["replay", "1", "--dry-run", "--to", "3000"],
    ]) {
      const { exitCode, out, err } = await run(argv, { cwd, env });
      expect([argv, exitCode]).toEqual([argv, 0]);
      expect(out + err, argv.join(" ")).not.toContain(AUTH);
      expect(out, argv.join(" ")).toContain(name);
    }
    expect((await run(["events", "show", "1", "--show-secrets"], { cwd, env })).out).toContain(AUTH);
  });

  it("is masked by listen -v", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": JSON.stringify({ products: { survey: { format: "wire", auth } } }),
    });
    const send = (url: string) =>
      run(["send", "survey", "response_submitted", "--to", `${url}/webhooks/zoho/survey`], { cwd, env });
    const onErr = onceListening(send);
    const { exitCode, out } = await run(["listen", "--port", "0", "-v", "--expect", "survey:*=1"], { cwd, env, onErr });
    expect(exitCode).toBe(0);
    expect(out).toContain(name);
    expect(out).not.toContain(AUTH);
  });
});

describe("a user-defined secret in the fields of a body", () => {
  const FORM = { "content-type": "application/x-www-form-urlencoded" };
  const fields = { ref: AUTH, name: "Bob" };
  const project = () =>
    folderWith({
      "zoho-hooks.config.json": JSON.stringify({
        products: { crm: { format: "workflow", auth: { parameter: "ref" } } },
      }),
    });
  const filesBelow = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFileSync(join(folder, name), "utf8"));

  it.each([
    ["a form", new URLSearchParams(fields).toString(), FORM],
    ["JSON", JSON.stringify(fields), { "content-type": "application/json" }],
    ["a query", "", FORM],
  ])("is masked in saved fixtures of %s", async (_kind, body, headers) => {
    const cwd = project();
    listener = await startListener([], { cwd, env });
    const query = body === "" ? `?${new URLSearchParams(fields)}` : "";
    expect((await listener.post(`/webhooks/zoho/crm${query}`, body, headers)).status).toBe(200);
    await listener.stop();
    const masked = [expect.stringContaining('"ref": "[masked]"')];
    for (const flags of [[], ["--redact", "--force"]]) {
      expect((await run(["events", "save-fixture", "1", ...flags], { cwd, env })).exitCode).toBe(0);
      expect(filesBelow(join(cwd, ".zoho-hooks", "fixtures"))).toEqual(masked);
    }
    // `send` puts the value where the mask is.
    listener = await startListener(["--no-store"], { cwd, env });
    const to = `${listener.url}/webhooks/zoho/crm`;
    expect((await run(["send", "crm", "webhook", "--to", to], { cwd, env })).exitCode).toBe(0);
  });

  it("is masked by events diff, in whatever case it is written", async () => {
    const cwd = project();
    listener = await startListener([], { cwd, env });
    await listener.post("/webhooks/zoho/crm", JSON.stringify(fields));
    await listener.post("/webhooks/zoho/crm", JSON.stringify({ ref: AUTH, Ref: AUTH, name: "Bob" }));
    await listener.event(2);
    await listener.stop();
    const { out } = await run(["events", "diff", "1", "2"], { cwd, env });
    expect(out).toContain("Ref");
    expect(out).not.toContain(AUTH);
  });

  it("is masked in the error page of an app that repeats it, as listen shows it", async () => {
    const cwd = project();
    const app = await startTarget((response, { body }) => void response.writeHead(500).end(body));
    const body = new URLSearchParams(fields).toString();
    const onErr = onceListening((url) => fetch(`${url}/webhooks/zoho/crm`, { method: "POST", body, headers: FORM }));
    const argv = ["listen", String(app.port), "--port", "0", "--retries", "0", "--expect", "crm:*=1"];
    const { out } = await run(argv, { cwd, env, onErr });
    await app.close();
    expect(out).toContain("answer: ref=[masked]&name=Bob");
    expect(out).not.toContain(AUTH);
  });
});

it("masks a user-defined secret in the warning about a connection that was closed too early", async () => {
  const products = { crm: { format: "workflow", auth: { parameter: "ref" } } };
  const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ products }) });
  listener = await startListener([], { cwd, env });
  const socket = connect(Number(new URL(listener.url).port), "127.0.0.1");
  socket.write(`POST /webhooks/zoho/crm?ref=${AUTH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nabc`, () =>
    socket.end(),
  );
  socket.on("error", () => {});
  const { message } = await listener.line("warning");
  expect(message).toContain("POST /webhooks/zoho/crm?ref=[masked]: ");
});

describe("a signature in a header with another name", () => {
  it("is masked", async () => {
    const about = { ...JSON.parse(SHOP["webhooks/shop/product.json"]), signature: { header: "X-Shop-Check" } };
    const cwd = shopProject({ "webhooks/shop/product.json": JSON.stringify(about) });
    const signing = { ZOHO_WEBHOOK_SECRET: "s3cret" };
    listener = await startListener([], { cwd, env: signing });
    await run(["send", "shop", "order.created", "--to", `${listener.url}/webhooks/zoho/shop`], { cwd, env: signing });
    expect(await listener.event(1)).toMatchObject({ signatures: [{ id: "body-signature", result: "verified" }] });
    await listener.stop();
    for (const argv of [
      ["events", "show", "1", "-v"],
      ["events", "show", "1", "--curl"],
      ["verify", "--logged", "1", "--json"],
    ]) {
      const { exitCode, out, err } = await run(argv, { cwd, env: signing });
      expect([argv, exitCode]).toEqual([argv, 0]);
      expect(out + err, argv.join(" ")).not.toMatch(/[0-9a-f]{64}/);
    }
    const all = await run(["events", "show", "1", "-v", "--show-secrets"], { cwd, env: signing });
    expect(all.out).toMatch(/x-shop-check: [0-9a-f]{64}/);
    const exported = await run(["events", "list", "--all", "--json"], { cwd, env: signing });
    const verified = await run(["verify", "-"], { cwd, env: signing, stdin: exported.out });
    expect(verified.exitCode).toBe(3);
    expect(verified.out).toContain("secrets are masked");
  });
});

/** A reader of stderr that calls `then` with the URL of `listen` once it is there. */
function onceListening(then: (url: string) => Promise<unknown>): (text: string) => void {
  let shown = "";
  let isCalled = false;
  return (text) => {
    shown += text;
    const url = /Listening on (http:\/\/[^/\s]+)\//.exec(shown)?.[1];
    if (url === undefined || isCalled) return;
    isCalled = true;
    void then(url);
  };
}
