import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEngine, type NativeDatabase } from "../../src/log/sqlite/engine.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import type { Listener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort, valuesOf } from "../support/target.ts";
import { hang, hangUp, oneAfterTheOther, postRaw, says, yes } from "../support/target-app.ts";

const HEADERS = [
  ["Host", "x"],
  ["Content-Type", "application/json"],
] as const;

async function exchange(listener: Listener, body = lead(1)): Promise<{ head: string; text: string }> {
  const [head = "", ...rest] = (await postRaw(listener.url + CRM, HEADERS, body)).split("\r\n\r\n");
  return { head, text: rest.join("\r\n\r\n") };
}

describe("--respond mirror", () => {
  it.each([
    [200, "fine", "text/plain"],
    [201, '{"id":"4876876000001402117"}', "application/json; charset=utf-8"],
    [302, "", undefined],
    [400, "no such lead", "text/html"],
    [503, "later", "text/plain"],
  ])("passes the app's %i on to the sender with its body and headers, once", async (status, body, type) => {
    const headers = {
      ...(type === undefined ? {} : { "content-type": type }),
      location: "/elsewhere",
      "retry-after": "9",
    };
    const target = await app(says(status, body, headers));
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"], {
      env: { ZOHO_HOOKS_RETRY_BASE: "1ms" },
    });
    const { head, text } = await exchange(listener);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    for (const [name, value] of Object.entries(headers)) expect(head).toContain(`\r\n${name}: ${value}`);
    if (type === undefined) expect(head.toLowerCase()).not.toContain("content-type");
    expect(text).toBe(body);
    expect(await listener.line("forward")).toMatchObject({ n: 1, attempt: 1, status, state: "mirrored" });
    const ok = status < 300;
    expect((await listener.stop()).lines().at(-1)).toMatchObject({
      forwards: { delivered: ok ? 1 : 0, failed: ok ? 0 : 1, waiting: 0 },
    });
    expect(target.seen).toHaveLength(1);
  });

  it("warns of an answer that Desk takes for a failure even if it is not passed on", async () => {
    const target = await app(says(201, "made"));
    const listener = await listen(["--forward-to", target.url]);
    const delivery = readFileSync("fixtures/desk/wire/Ticket_Add.json", "utf8");
    const post = () => listener.post("/webhooks/zoho/desk", delivery, { "content-type": "application/json" });
    await post();
    expect(await listener.line("forward")).toMatchObject({
      state: "delivered",
      hint: expect.stringContaining("accepts only a 200"),
    });
    target.answer(yes);
    await post();
    expect(await listener.line("forward", {}, 2)).toMatchObject({ state: "delivered", hint: null });
  });

  it("passes on an answer that a bot cannot read, with a warning", async () => {
    const target = await app(says(200, "OK"));
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"]);
    const call = '{"handler":"trigger","operation":"chat","visitor":{"name":"Ines"}}';
    await listener.post("/webhooks/zoho/salesiq", call, { "content-type": "application/json" });
    expect((await listener.line("forward")).hint).toContain('it expects JSON such as {"action":"reply"');
    target.answer(says(200, '{"action":"pending"}'));
    await listener.post("/webhooks/zoho/salesiq", call.replace("Ines", "Jo"), { "content-type": "application/json" });
    expect((await listener.line("forward", {}, 2)).hint).toBeNull();
  });

  it("answers Desk before its timeout, and warns of an answer that it takes for a failure", async () => {
    const target = await app(says(201, "made"));
    const overrides = { answerWithinMs: 1500 };
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"], { overrides });
    const delivery = readFileSync("fixtures/desk/wire/Ticket_Add.json", "utf8");
    const post = () => listener.post("/webhooks/zoho/desk", delivery, { "content-type": "application/json" });
    expect((await post()).status).toBe(201);
    expect((await listener.line("forward")).hint).toContain("accepts only a 200");
    target.answer(says(410, "gone"));
    expect((await post()).status).toBe(410);
    expect((await listener.line("forward", { status: 410 })).hint).toContain("removes a webhook that answers 410");
    target.answer(hang);
    expect((await post()).status).toBe(504);
    const late = await listener.line("forward", { status: 504 });
    expect(late.hint).toContain("Zoho Desk waits 1.5 s");
  });

  it.each([204, 304])("passes a %i on without body and content-length", async (status) => {
    const target = await app(says(status));
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"]);
    const { head, text } = await exchange(listener);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head.toLowerCase()).not.toContain("content-length");
    expect(head.toLowerCase()).not.toContain("content-type");
    expect(text).toBe("");
  });

  it("passes on binary bodies and repeated headers", async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0, 0xff, 0xfe]);
    const target = await app((response) => {
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.setHeader("content-encoding", "gzip");
      response.setHeader("x-name", Buffer.from("café").toString("latin1"));
      response.end(bytes);
    });
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"]);
    const { head, text } = await exchange(listener);
    expect(Buffer.from(text, "latin1")).toEqual(bytes);
    expect(head).toContain("set-cookie: a=1\r\nset-cookie: b=2");
    expect(head).toContain("content-encoding: gzip");
    expect(Buffer.from(/x-name: (.*)\r/.exec(`${head}\r`)?.[1] ?? "", "latin1").toString()).toBe("café");
  });

  it.each([
    ["is not there", undefined, 502],
    ["hangs up", hangUp, 502],
    ["does not answer", hang, 504],
    ["sends over a megabyte", says(200, "x".repeat(1_100_000)), 502],
  ])("answers instead of an app that %s", async (_, answer, status) => {
    const port = answer === undefined ? await freePort() : (await app(answer)).port;
    const listener = await listen(["--forward-to", String(port), "--respond", "mirror"], {
      env: { ZOHO_HOOKS_FORWARD_TIMEOUT: "300ms" },
    });
    const { head, text } = await exchange(listener);
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    // The user's own timeout has passed, not Zoho's.
    expect(text).not.toContain("Zoho waits");
    expect(await listener.line("forward")).toMatchObject({ status, state: "mirrored", error: expect.any(String) });
  });

  it("answers a sender that has half-closed the connection", async () => {
    const target = await app((response) => void setTimeout(() => response.end("late"), 50));
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"]);
    const { hostname, port } = new URL(listener.url);
    const socket = connect(Number(port), hostname);
    const body = lead(1);
    socket.end(
      `POST ${CRM} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(socket, "close");
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 .*late$/s);
  });

  it("does not mark a retry of a rejected delivery as a duplicate", async () => {
    const target = await app(oneAfterTheOther(says(500), says(404), says(302), yes));
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"]);
    for (const status of [500, 404, 302, 200, 200]) expect((await listener.post(CRM, lead(1))).status).toBe(status);
    expect(target.seen.map((seen) => valuesOf(seen, "x-zoho-hooks-duplicate-of"))).toEqual([[], [], [], [], ["4"]]);
  });

  it("also forwards to the other targets, with retries", async () => {
    const [first, second] = [await app(says(201)), await app(oneAfterTheOther(says(500), yes))];
    const listener = await listen(["--forward-to", first.url, "--forward-to", second.url, "--respond", "mirror"], {
      env: { ZOHO_HOOKS_RETRY_BASE: "1ms" },
    });
    expect((await listener.post(CRM, lead(1))).status).toBe(201);
    expect(await listener.line("forward", { target: second.url, state: "delivered" })).toMatchObject({ attempt: 2 });
    expect(first.seen).toHaveLength(1);
  });

  it("forwards to the other targets without waiting for the answer", async () => {
    let answer: () => void = () => {};
    const first = await app((response) => {
      answer = () => response.writeHead(201).end();
    });
    const second = await app();
    const listener = await listen(["--forward-to", first.url, "--forward-to", second.url, "--respond", "mirror"]);
    const posted = listener.post(CRM, lead(1));
    await Promise.all([first.came(1), second.came(1)]);
    answer();
    expect((await posted).status).toBe(201);
  });

  it("passes the answer on while the log is locked, and records it before exit", async () => {
    const cwd = tempFolder();
    const engine = await loadEngine();
    let lock: NativeDatabase | undefined;
    const target = await app((response) => {
      lock = engine.open(join(cwd, ".zoho-hooks/events.db"));
      lock.exec("BEGIN IMMEDIATE");
      response.writeHead(201).end();
    });
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"], { cwd });
    expect((await listener.post(CRM, lead(1))).status).toBe(201);
    expect(await listener.line("forward")).toMatchObject({ n: 1, status: 201 });
    const stopped = listener.stop();
    lock?.exec("ROLLBACK");
    lock?.close();
    expect((await stopped).exitCode).toBe(0);
    expect((await run(["events", "show", "1", "--json"], { cwd })).lines()[0]).toMatchObject({
      status: 201,
      state: "delivered",
      attempts: [{ status: 201 }],
    });
  });

  it("records no answer before the app has given one", async () => {
    let answer: () => void = () => {};
    const target = await app((response) => {
      answer = () => response.writeHead(500).end();
    });
    const cwd = tempFolder();
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"], { cwd });
    const show = async () => (await run(["events", "show", "1", "--json"], { cwd })).lines()[0];
    const posted = listener.post(CRM, lead(1));
    await target.came(1);
    expect(await show()).toMatchObject({ status: null, state: "received", attempts: [] });
    expect((await run(["events", "show", "1"], { cwd })).out).toContain("no answer recorded");
    answer();
    await posted;
    await listener.stop();
    expect(await show()).toMatchObject({ status: 500, state: "failed", attempts: [{ status: 500 }] });
  });

  it("does not forward rejected deliveries", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"], {
      env: { ZOHO_WEBHOOK_TOKEN: "right" },
    });
    expect((await listener.post(CRM, lead(1))).status).toBe(401);
    await listener.stop();
    expect(target.seen).toHaveLength(0);
  });

  it.skipIf(lacks("posix"))("passes the answer on even if it cannot be recorded", async () => {
    const cwd = tempFolder();
    const target = await app((response) => {
      rmSync(join(cwd, ".zoho-hooks", "events.db"));
      response.end("fine");
    });
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"], { cwd });
    expect(await listener.post(CRM, lead(1))).toMatchObject({ status: 200, text: "fine" });
    // The log may warn of its own, before or after.
    const message = expect.stringContaining("#1: its answer could not be recorded");
    await expect.poll(() => listener.lines()).toContainEqual(expect.objectContaining({ type: "warning", message }));
  });

  it("answers waiting senders on Ctrl-C", async () => {
    const target = await app(hang);
    const listener = await listen(["--forward-to", target.url, "--respond", "mirror"]);
    const posted = listener.post(CRM, lead(1));
    await target.came(1);
    const stopped = listener.stop();
    expect((await posted).status).toBe(502);
    expect((await stopped).exitCode).toBe(0);
  });
});
