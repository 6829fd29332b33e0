import { createPublicKey } from "node:crypto";
import { Agent, createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import express4 from "express";
import express5 from "express5";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MAX_BODY_BYTES } from "../../src/delivery/delivery.ts";
import * as forExpress from "../../src/library/express.ts";
import * as forFastify from "../../src/library/fastify.ts";
import * as forHono from "../../src/library/hono.ts";
import {
  createHandler,
  fixture,
  type GenuineEvent,
  type HandlerOptions,
  type KeySource,
  type Rejected,
  sign,
} from "../../src/library/index.ts";
import * as forNext from "../../src/library/next.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { testKeys } from "../support/test-secrets.ts";

const keys = { secret: "s3cret-of-the-app", token: "t0ken-of-the-app" };
const signed = sign("crm", fixture("crm", "Leads.create", { format: "guide" }), keys);
const json = { "content-type": "application/json" };
const audience = "webhookId:189200000000321777";

/** A notification of CRM with the right token, and changes. */
function notification(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...fixture("crm", "Leads.create", { format: "wire" }), token: keys.token, ...changes });
}
const withoutTime = notification({ server_time: undefined });
const unknown = notification({ operation: "merge" });

type OnEvent = (event: GenuineEvent<"crm">) => unknown;
/** Answers requests to `/hooks`. */
type App = (init: RequestInit) => Promise<Response>;

function stackOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof Error ? (error.stack ?? "") : "";
  }
  return "";
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  vi.restoreAllMocks();
});

async function served(listener: RequestListener): Promise<App> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return (init) => fetch(`http://127.0.0.1:${port}/hooks`, { method: "POST", ...init });
}

const FRAMEWORKS: Readonly<Record<string, (onEvent: OnEvent, options?: HandlerOptions) => Promise<App>>> = {
  "Express 4": (onEvent, options) =>
    served(express4().post("/hooks", forExpress.webhook("crm", keys, onEvent, options))),
  "Express 5": (onEvent, options) =>
    served(express5().post("/hooks", forExpress.webhook("crm", keys, onEvent, options))),
  "node:http": (onEvent, options) => served(forExpress.webhook("crm", keys, onEvent, options)),
  async "Fastify 5"(onEvent, options) {
    const app = fastify();
    app.register(forFastify.webhook("crm", keys, onEvent, options), { prefix: "/hooks" });
    app.post("/other", async ({ body }) => body);
    await app.ready();
    const other = await app.inject({ method: "POST", url: "/other", payload: { a: 1 } });
    expect(other.json(), "other routes keep their parser").toEqual({ a: 1 });
    return served(app.routing);
  },
  async "Hono 4"(onEvent, options) {
    const app = new Hono();
    app.post("/hooks", forHono.webhook("crm", keys, onEvent, options));
    return async (init) => app.request("/hooks", { method: "POST", ...init });
  },
  async "Next's route handlers"(onEvent, options) {
    const POST = forNext.webhook("crm", keys, onEvent, options);
    return (init) => POST(new Request("https://app.example/hooks", { method: "POST", ...init }));
  },
};

describe.each(Object.entries(FRAMEWORKS))("the adapter for %s", (_, start) => {
  it("calls the app for a genuine event and for nothing else", async () => {
    const events: unknown[] = [];
    const rejected: unknown[] = [];
    const app = await start(({ name }) => events.push(name), { onRejected: ({ code }) => rejected.push(code) });
    const genuine = await app({ headers: signed.headers, body: signed.body });
    expect([genuine.status, await genuine.text()]).toEqual([200, "OK"]);
    expect(genuine.headers.get("content-type")).toMatch(/^text\/plain/);
    const others: readonly (readonly [number, RequestInit])[] = [
      [401, { headers: signed.headers, body: `${signed.body} ` }],
      [400, { headers: json, body: '{"a":]' }],
      [401, { headers: json, body: "{}" }],
      [401, {}],
    ];
    for (const [status, init] of others) expect((await app(init)).status).toBe(status);
    const challenge = await app({ headers: json, body: '{"challenge":"c-81"}' });
    expect([challenge.status, await challenge.json()]).toEqual([200, { challenge: "c-81" }]);
    expect(events).toEqual(["Leads.create"]);
    expect(rejected).toEqual(["wrong-signature", "unreadable", "missing-signature", "missing-signature"]);
  });

  it("calls the app for a genuine event that is invalid, and for one that is unknown", async () => {
    const events: unknown[] = [];
    const app = await start((event) => events.push(event));
    for (const body of [withoutTime, unknown]) {
      const answer = await app({ headers: json, body });
      expect([answer.status, await answer.text()]).toEqual([200, "OK"]);
    }
    expect(events).toMatchObject([
      {
        genuine: true,
        ok: false,
        name: "Leads.create",
        known: true,
        issues: [{ path: ["server_time"], expected: "number", received: "nothing" }],
        payload: { module: "Leads", token: keys.token },
        body: Buffer.from(withoutTime),
      },
      { genuine: true, ok: false, event: null, name: "Leads.merge", known: false, body: Buffer.from(unknown) },
    ]);
  });

  it.each<[string, HandlerOptions, string, string]>([
    ["an invalid event", { schema: "enforce" }, withoutTime, "server_time is missing (a number)"],
    ["an unknown event", { unknown: "reject" }, unknown, 'there is no event "Leads.merge" of crm'],
  ])("answers %s with 422 where that is asked for", async (_name, options, body, reason) => {
    const onEvent = vi.fn();
    const rejected: Rejected[] = [];
    const app = await start(onEvent, { ...options, onRejected: (each) => rejected.push(each) });
    const answer = await app({ headers: json, body });
    expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining(reason)]);
    expect(onEvent).not.toHaveBeenCalled();
    expect(rejected).toMatchObject([{ genuine: true, body: Buffer.from(body) }]);
    expect((await app({ headers: signed.headers, body: signed.body })).status).toBe(200);
  });

  it("verifies a large body", async () => {
    const lead = fixture("crm", "Leads.create", { format: "guide" });
    const large = sign("crm", { ...lead, data: { ...lead.data, Description: "ä".repeat(200_000) } }, keys);
    const app = await start(() => {});
    expect((await app({ headers: large.headers, body: large.body })).status).toBe(200);
  });

  it("answers 500 when the app fails, and calls it again for the repeat and for no other", async () => {
    const known = new Set<string>();
    const errors: unknown[] = [];
    const failure = Object.assign(new Error("no queue"), { status: 410 });
    const onEvent = vi.fn().mockRejectedValueOnce(failure);
    const app = await start(onEvent, {
      seen: (identity) => known.has(identity),
      remember: (identity) => known.add(identity),
      onError: (error) => errors.push(error),
    });
    const post = async () => (await app({ headers: signed.headers, body: signed.body })).status;
    expect([await post(), await post(), await post()]).toEqual([500, 200, 200]);
    expect(onEvent).toHaveBeenCalledTimes(2);
    expect(errors).toEqual([failure]);
  });
});

describe("the adapter for Express", () => {
  const post = async (app: App) => app({ headers: { ...signed.headers, ...json }, body: signed.body });

  it.each([["Express 4", express4] as const, ["Express 5", express5] as const])(
    "after a parser of %s answers 500 with the remedy, unless the bytes were kept",
    async (_name, express) => {
      const errors: unknown[] = [];
      const hook = forExpress.webhook("crm", keys, () => {}, { onError: (error) => errors.push(error) });
      const parsed = await post(await served(express().use(express.json()).post("/hooks", hook)));
      expect(parsed.status).toBe(500);
      expect(await parsed.text()).toContain("put webhook() before app.use(express.json())");
      expect(errors).toHaveLength(1);
      const verify = (request: object, _response: unknown, rawBody: Buffer) => void Object.assign(request, { rawBody });
      const kept = await post(await served(express().use(express.json({ verify })).post("/hooks", hook)));
      expect(kept.status).toBe(200);
      const verifyText = (request: object, _response: unknown, bytes: Buffer) =>
        void Object.assign(request, { rawBody: String(bytes) });
      const asText = await post(
        await served(
          express()
            .use(express.json({ verify: verifyText }))
            .post("/hooks", hook),
        ),
      );
      expect(asText.status).toBe(200);
      const text = express.text({ type: () => true });
      expect((await post(await served(express().post("/hooks", text, hook)))).status).toBe(500);
      const raw = express.raw({ type: () => true });
      expect((await post(await served(express().post("/hooks", raw, hook)))).status).toBe(200);
    },
  );

  it("answers 413 to a body of more than a mebibyte, which is no error of the app", async () => {
    const onError = vi.fn();
    const app = await served(forExpress.webhook("crm", keys, () => {}, { onError }));
    expect((await app({ headers: json, body: Buffer.alloc(MAX_BODY_BYTES + 1, " ") })).status).toBe(413);
    expect(onError).not.toHaveBeenCalled();
  });

  it("does not report a request that its sender aborts", async () => {
    const onError = vi.fn();
    const hook = forExpress.webhook("crm", keys, () => {}, { onError });
    let markStarted = (): void => {};
    const started = new Promise<void>((resolve) => {
      markStarted = resolve;
    });
    const ended = new Promise<void>((resolve) => {
      const server = createServer(async (request, response) => {
        markStarted();
        await hook(request, response);
        resolve();
      }).listen(0, "127.0.0.1", () => {
        closing.push(() => server.close());
        const { port } = server.address() as AddressInfo;
        const sent = request({ port, host: "127.0.0.1", method: "POST", headers: { "content-length": 10 } });
        sent.on("error", () => {}).write("{");
        void started.then(() => sent.destroy());
      });
    });
    await ended;
    expect(onError).not.toHaveBeenCalled();
  });

  it("verifies the query with the URL that the app was called by, not the one of its router", async () => {
    const invoice = sign("books", fixture("books", "invoice.created", { format: "wire" }), keys, {
      format: "wire",
      url: "/hooks?event=invoice.created",
    });
    const events: unknown[] = [];
    const router = express5.Router().post(
      "/",
      forExpress.webhook("books", { secret: keys.secret }, ({ name }) => events.push(name)),
    );
    const server = createServer(express5().use("/hooks", router));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { method, url, headers, body } = invoice;
    const response = await fetch(`http://127.0.0.1:${port}${url}`, { method, headers, body });
    expect([response.status, await response.text()]).toEqual([200, "OK"]);
    expect(events).toEqual(["invoice.created"]);
  });
});

it("the adapter for Fastify closes a connection whose body it refused", async () => {
  const app = fastify();
  app.register(
    forFastify.webhook("crm", keys, () => {}),
    { prefix: "/hooks" },
  );
  await app.ready();
  const server = createServer(app.routing);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  closing.push(() => agent.destroy());
  const statusOf = (body: Buffer) =>
    new Promise((resolve, reject) => {
      // Without a length it is sent in chunks.
      const sent = request({ port, host: "127.0.0.1", method: "POST", path: "/hooks", agent, headers: json });
      sent.once("response", (response) => response.resume().once("end", () => resolve(response.statusCode)));
      sent.once("error", reject);
      sent.write(body);
      sent.end();
    });
  expect(await statusOf(Buffer.alloc(2 * MAX_BODY_BYTES, " "))).toBe(413);
  expect(await statusOf(Buffer.from("{}"))).toBe(401);
});

it("refuses a request while 2,000 others without a body are handled, however long", async () => {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let started = 0;
  const onRejected = (): Promise<void> => {
    started++;
    return started > 2000 ? Promise.resolve() : finished;
  };
  const app = fastify();
  app.register(
    forFastify.webhook("crm", keys, () => {}, { onRejected }),
    { prefix: "/hooks" },
  );
  const statusOf = async (): Promise<number> => (await app.inject({ method: "GET", url: "/hooks" })).statusCode;
  const statuses = Array.from({ length: 2000 }, statusOf);
  await expect.poll(() => started, { timeout: 10_000 }).toBe(2000);
  // Slow bodies give way after two seconds.
  const later = performance.now() + 3000;
  vi.spyOn(performance, "now").mockReturnValue(later);
  const last = await statusOf();
  finish();
  expect([last, ...new Set(await Promise.all(statuses))]).toEqual([503, 401]);
});

it("the adapter for Next reports a body that cannot be read, unless its sender aborted the request", async () => {
  const onError = vi.fn();
  const POST = forNext.webhook("crm", keys, () => {}, { onError });
  const failure = new Error("unreadable");
  const post = (signal: AbortSignal) => {
    const body = new ReadableStream({ start: (controller) => controller.error(failure) });
    return POST(new Request("https://app.example", { method: "POST", body, signal, duplex: "half" }));
  };
  await post(AbortSignal.abort());
  expect(onError).not.toHaveBeenCalled();
  expect((await post(new AbortController().signal)).status).toBe(500);
  expect(onError).toHaveBeenCalledExactlyOnceWith(failure);
});

it("the adapter for Next stops reading a body in thousands of chunks of one byte, which is no error of the app", async () => {
  const onError = vi.fn();
  const cancel = vi.fn();
  const POST = forNext.webhook("crm", keys, () => {}, { onError });
  const body = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.from(" ")), cancel });
  const response = await POST(
    new Request("https://app.example/", { method: "POST", body, duplex: "half" } as RequestInit),
  );
  expect([response.status, await response.text()]).toEqual([
    400,
    "the body came in more than 10000 chunks of a few bytes",
  ]);
  expect(cancel).toHaveBeenCalled();
  expect(onError).not.toHaveBeenCalled();
});

it("the adapter for Hono answers 500 after a middleware that has read the body", async () => {
  const app = new Hono();
  app.use(async (context, next) => {
    await context.req.json();
    await next();
  });
  app.post(
    "/hooks",
    forHono.webhook("crm", keys, () => {}, { onError() {} }),
  );
  const response = await app.request("/hooks", { method: "POST", headers: signed.headers, body: signed.body });
  expect(response.status).toBe(500);
  expect(await response.text()).toContain("the body was read before");
});

describe("a handler", () => {
  it("needs its keys when the app starts, except in a route of Next, which may be built without the environment", async () => {
    const secret = process.env.NO_SUCH_VARIABLE;
    const needed = "crm needs `token`; `secret` is needed only for the guide's format";
    const made: readonly (() => unknown)[] = [
      () => forExpress.webhook("crm", { secret }, () => {}),
      () => forFastify.webhook("crm", { secret, token: "t" }, () => {}),
      () => forHono.webhook("crm", {}, () => {}),
      () => createHandler("crm", { token: "" }, () => {}),
    ];
    for (const make of made) {
      expect(make).toThrow(needed);
      expect(make).not.toThrow(TypeError);
      // Node shows the line of the first call.
      expect(stackOf(make)).toMatch(/^Error: .*\n +at (?:make|.*adapters\.test\.ts)/);
    }
    const source = () => keys;
    // @ts-expect-error: There is no such product.
    expect(() => forFastify.webhook("cmr", source, () => {})).toThrow("did you mean crm?");
    // @ts-expect-error: Nor such an option.
    expect(() => createHandler("crm", keys, () => {}, { once: true })).toThrow('no option named "once"');
    // @ts-expect-error: Nor such a value of one.
    expect(() => createHandler("crm", keys, () => {}, { schema: "warn" })).toThrow('schema can only be "enforce"');
    const POST = forNext.webhook("crm", { secret }, () => {});
    await expect(POST(new Request("https://app.example", { method: "POST" }))).rejects.toThrow(needed);
  });

  it("needs no more than the token for CRM", async () => {
    const onEvent = vi.fn();
    const handle = createHandler("crm", { token: keys.token }, onEvent);
    expect((await handle({ headers: json, body: notification({}) })).status).toBe(200);
    expect(onEvent).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ ok: true, format: "wire" }));
    expect((await handle({ headers: json, body: notification({ token: "wrong" }) })).status).toBe(401);
    expect(onEvent).toHaveBeenCalledTimes(1);
  });

  it("calls the app for a genuine body that cannot be read, with its bytes, and once only", async () => {
    const known = new Set<string>();
    const events: GenuineEvent[] = [];
    const broken = sign("sign", '{"notifications":', { secret: "k" });
    const handle = createHandler("sign", { secret: "k" }, (event) => events.push(event), {
      seen: (identity) => known.has(identity),
      remember: (identity) => known.add(identity),
    });
    expect([(await handle(broken)).status, (await handle(broken)).status]).toEqual([200, 200]);
    const issues = [{ path: [], expected: "JSON or a form", received: expect.stringContaining("not valid JSON") }];
    expect(events).toMatchObject([{ genuine: true, name: null, known: false, issues, body: broken.body }]);
    const strict = createHandler("sign", { secret: "k" }, (event) => events.push(event), {
      schema: "enforce",
      onRejected() {},
    });
    expect((await strict(broken)).status).toBe(422);
    expect(events.length).toBe(1);
  });

  it("calls the app for what Zoho never signs, without a key", async () => {
    const onEvent = vi.fn();
    const handle = createHandler("people", {}, onEvent);
    expect((await handle({ headers: json, body: '{"Employee ID":"7"}' })).status).toBe(200);
    expect(onEvent).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ genuine: true, ok: true }));
  });

  it("warns of genuine events that it rejects, and of no others", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const handle = createHandler("crm", keys, () => {}, { schema: "enforce" });
    expect((await handle({ headers: json, body: withoutTime })).status).toBe(422);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/crm Leads.create .*: server_time is missing/));
    await handle({ headers: json, body: "{}" });
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("remembers an event only once the app has handled it, and lets a repeat wait for the same answer", async () => {
    const known = new Set<string>();
    let fail = (): void => {};
    const first = new Promise((_, reject) => {
      fail = () => reject(new Error("no queue"));
    });
    const onEvent = vi.fn().mockReturnValueOnce(first);
    const handle = createHandler("crm", keys, onEvent, {
      seen: async (identity) => known.has(identity),
      remember: async (identity) => known.add(identity),
      onError() {},
    });
    const answers = [handle(signed), handle(signed)];
    await vi.waitFor(() => expect(onEvent).toHaveBeenCalled());
    expect(known.size).toBe(0);
    fail();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([500, 500]);
    expect(known.size).toBe(0);
    const repeats = await Promise.all([handle(signed), handle(signed), handle(signed)]);
    expect(repeats.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(known.size).toBe(1);
    expect(onEvent).toHaveBeenCalledTimes(2);
  });

  it("keeps its answer if onRejected throws, and reports the error", async () => {
    const errors: unknown[] = [];
    const failure = new Error("no log");
    const handle = createHandler("crm", keys, () => {}, {
      schema: "enforce",
      onRejected() {
        throw failure;
      },
      onError: (error) => errors.push(error),
    });
    const { ids: _, ...incomplete } = fixture("crm", "Leads.create");
    const requests = [sign("crm", incomplete, keys), { headers: json, body: '{"a":]' }, { headers: json, body: "{}" }];
    const answers = await Promise.all(requests.map(handle));
    expect(answers.map(({ status }) => status)).toEqual([422, 400, 401]);
    expect(errors).toEqual([failure, failure, failure]);
  });

  it("answers 200 for an event that it could not remember, and reports the error", async () => {
    const onError = vi.fn();
    const failure = new Error("no store");
    const remember = () => Promise.reject(failure);
    const handle = createHandler("crm", keys, () => {}, { remember, onError });
    expect((await handle(signed)).status).toBe(200);
    expect(onError).toHaveBeenCalledExactlyOnceWith(failure);
  });

  it("asks for Desk's keys again if they lack the one that is named", async () => {
    const { privateKey, publicKey } = testKeys;
    const jwks = writeKeySet(createPublicKey(publicKey));
    const ticket = sign(
      "desk",
      fixture("desk", "Ticket_Add", { format: "wire" }),
      { privateKey, audience },
      { format: "wire" },
    );
    const asked: boolean[] = [];
    const source: KeySource = async (isKeyUnknown) => {
      asked.push(isKeyUnknown);
      return { jwks: isKeyUnknown ? jwks : jwks.replace(/"kid": ?"[^"]*"/, '"kid":"other"'), audience };
    };
    const handle = createHandler("desk", source, () => {});
    expect((await handle(ticket)).status).toBe(200);
    expect(asked).toEqual([false, true]);
  });

  it("answers the request with which Desk checks a URL", async () => {
    const handle = createHandler("desk", { secret: "k" }, () => {});
    expect((await handle({ method: "GET", headers: {}, body: "" })).status).toBe(200);
  });

  it("accepts one of two first calls of Mail that come together", async () => {
    let hookSecret: string | undefined;
    const saveSecret = async ({ value }: { readonly value: string }) => {
      hookSecret = value;
    };
    const handle = createHandler(
      "mail",
      async () => (hookSecret === undefined ? {} : { hookSecret }),
      () => {},
      { saveSecret },
    );
    const offer = (secret: string) => handle({ headers: { "x-hook-secret": secret, ...json }, body: "{}" });
    const answers = await Promise.all([offer("s3cret-of-mail"), offer("another"), offer("s3cret-of-mail")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200]);
    expect(hookSecret).toBe("s3cret-of-mail");
  });

  it("stores Mail's secret before it answers, and does not answer 200 where it cannot", async () => {
    const offer = { headers: { "x-hook-secret": "s3cret-of-mail", ...json }, body: "{}" };
    const saved: unknown[] = [];
    const handle = createHandler(
      "mail",
      () => ({}),
      () => {},
      { saveSecret: ({ value }) => saved.push(value) },
    );
    expect((await handle(offer)).status).toBe(200);
    expect(saved).toEqual(["s3cret-of-mail"]);
    const errors: unknown[] = [];
    const careless = createHandler("mail", {}, () => {}, { onError: (error) => errors.push(String(error)) });
    expect((await careless(offer)).status).toBe(500);
    expect(errors).toEqual([expect.stringContaining("give the option saveSecret")]);
  });
});
