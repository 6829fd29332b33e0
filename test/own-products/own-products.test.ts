import { createHmac } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { shopProject } from "../support/own-product.ts";
import { type RunOptions, run } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

const env = { ZOHO_WEBHOOK_SECRET_SHOP: "s3cret" };
let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

async function listen(cwd: string, argv: readonly string[] = [], options: RunOptions = {}): Promise<Listener> {
  listener = await startListener(argv, { cwd, env, ...options });
  return listener;
}

function shopSignature(body: string): Record<string, string> {
  const hex = createHmac("sha256", "s3cret").update(body).digest("hex");
  return { "content-type": "application/json", "x-shop-signature": `sha256=${hex}` };
}

describe("a user-defined product", () => {
  it("is sent signed, received at its own URL, recognised and verified", async () => {
    const cwd = shopProject();
    const app = await listen(cwd);
    const { exitCode } = await run(["send", "shop", "--all", "--to", `${app.url}/webhooks/zoho/:product`], {
      cwd,
      env,
    });
    expect(exitCode).toBe(0);
    expect(await app.event(1)).toMatchObject({
      product: "shop",
      format: "own",
      event: "order.created",
      known: true,
      path: "/webhooks/zoho/shop",
      records: [expect.stringMatching(/^\d{19}$/)],
      signatures: [{ id: "body-signature", covers: "body", result: "verified" }],
      schema: { ok: true, issues: [] },
      status: 200,
    });
    expect(await app.event(2)).toMatchObject({ event: "order.paid", status: 200 });
  });

  it("is recognised by its body at the URL without a product", async () => {
    const cwd = shopProject();
    const app = await listen(cwd);
    const body = readFileSync(join(cwd, "webhooks/shop/fixtures/order.paid.json"), "utf8");
    expect((await app.post("/webhooks/zoho", body, shopSignature(body))).status).toBe(200);
    expect(await app.event(1)).toMatchObject({ product: "shop", event: "order.paid" });
  });

  it("accepts what another program signed, and rejects it with one byte changed", async () => {
    const app = await listen(shopProject());
    const body = '{"meta":{"type":"order.paid"},"order":{"id":"1"}}';
    expect((await app.post("/webhooks/zoho/shop", body, shopSignature(body))).status).toBe(200);
    const changed = body.replace('"1"', '"2"');
    expect((await app.post("/webhooks/zoho/shop", changed, shopSignature(body))).status).toBe(401);
    const bare = {
      ...shopSignature(body),
      "x-shop-signature": shopSignature(body)["x-shop-signature"]?.slice(7) ?? "",
    };
    expect((await app.post("/webhooks/zoho/shop", body, bare)).text).toContain("does not begin with sha256=");
  });

  it("has schema issues with their paths, in listen and in verify with line and column", async () => {
    const cwd = shopProject({
      "bad.json": '{"meta":{"type":"order.created"},\n "order":{"id":1,\n  "total":"x","lines":[{"sku":"A"},{}]}}',
    });
    const app = await listen(cwd, ["--schema", "enforce"]);
    const body = readFileSync(join(cwd, "bad.json"), "utf8");
    expect((await app.post("/webhooks/zoho/shop", body, shopSignature(body))).status).toBe(422);
    const issues = [
      { path: "order.total", expected: expect.stringContaining('Expected "number"'), received: '"x"' },
      { path: "order.lines[1]", expected: expect.stringContaining('property "sku"'), received: "an object" },
    ];
    expect(await app.event(1)).toMatchObject({ schema: { ok: false, issues } });
    const verified = await run(["verify", "bad.json"], { cwd });
    expect(verified.exitCode).toBe(4);
    expect(verified.out).toMatch(
      /bad\.json:3:11 {2}order\.total: expected what its schema allows \(.*"number"\), got "x"/,
    );
    const named = await run(["verify", "bad.json", "--product", "shop", "--event", "order.paid"], { cwd });
    expect(named.exitCode).toBe(0);
  });

  it("accepts a number that is too long for JavaScript", async () => {
    const cwd = shopProject({
      "long.json": '{"meta":{"type":"order.created"},"order":{"id":4150868000000002179,"total":1}}',
    });
    expect((await run(["verify", "long.json"], { cwd })).exitCode).toBe(0);
  });

  it("explains a failing signature", async () => {
    const cwd = shopProject({
      "a.json": '{"meta":{"type":"order.paid"}}\n',
      "b.json": '{"meta":{"type":"order.paid"}}',
    });
    const { "x-shop-signature": signature = "" } = shopSignature('{"meta":{"type":"order.paid"}}');
    const explain = (file: string, value: string) =>
      run(["verify", file, "--signature", value, "--show-expected"], { cwd, env });
    const newline = await explain("a.json", signature);
    expect(newline.exitCode).toBe(3);
    expect(newline.out).toContain("a newline was added");
    expect(newline.out).not.toContain("prefix");
    const bare = await explain("b.json", signature.slice(7));
    expect(bare.exitCode).toBe(3);
    expect(bare.out).toContain("the signature does not begin with sha256=");
    expect(bare.out).toContain(signature);
  });

  it("suggests its nearest event for a mistyped one", async () => {
    const cwd = shopProject();
    const { exitCode, err } = await run(["send", "shop", "order.creatd", "--to", "1"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain("did you mean order.created");
    const verified = await run(["verify", "--product", "shop"], { cwd, stdin: '{"meta":{"type":"order.payd"}}' });
    expect(verified.exitCode).toBe(4);
    expect(verified.out).toContain("order.paid");
  });

  it("is among the URLs of listen and its suggestions", async () => {
    const app = await listen(shopProject());
    const ready = app.lines().find(({ type }) => type === "ready");
    expect(ready).toMatchObject({ urls: { shop: `${app.url}/webhooks/zoho/shop` } });
    // Nobody has said which of the others are used.
    expect(ready).toMatchObject({ urls: { desk: expect.any(String) } });
    const shown = await run(["listen", "--port", "0", "--timeout", "1ms"], { cwd: shopProject(), errTTY: true });
    expect(shown.out + shown.err).toContain("send shop --all");
  });

  it("has its URL and secret in variables, also with a hyphen in its name", async () => {
    const cwd = shopProject({ "zoho-hooks.config.json": '{"products":{"my-shop":{"path":"webhooks/shop"}}}' });
    const program = `"${process.execPath}" -p process.env.ZOHO_HOOKS_URL_MY_SHOP`;
    const { out } = await run(["listen", "--port", "0", "--exec", program], { cwd });
    expect(out).toMatch(/http:\/\/127\.0\.0\.1:\d+\/webhooks\/zoho\/my-shop\n/);
    const sent = await run(["send", "my-shop", "order.paid", "--dry-run", "--to", "3000"], {
      cwd,
      env: { ZOHO_WEBHOOK_SECRET_MY_SHOP: "k" },
    });
    expect(sent.err).toContain("signed with ZOHO_WEBHOOK_SECRET_MY_SHOP");
  });

  it("is forwarded to its own route, or to the placeholder in the target", async () => {
    const cwd = shopProject();
    const target = await startTarget();
    try {
      const argv = ["--forward-to", `${target.port}/hooks/:product`, "--route", `shop:order.paid=${target.port}/paid`];
      const app = await listen(cwd, argv);
      for (const event of ["order.created", "order.paid"])
        await run(["send", "shop", event, "--to", `${app.url}/webhooks/zoho/shop`], { cwd, env });
      const to = async (n: number) =>
        new URL(String((await app.line("forward", { n, state: "delivered" })).target)).pathname;
      expect([await to(1), await to(2)]).toEqual(["/hooks/shop", "/paid"]);
    } finally {
      await target.close();
    }
  });
});

describe("waiting deliveries of a user-defined product", () => {
  it("are forwarded by the next listen", async () => {
    const cwd = shopProject();
    const before = await startTarget();
    await before.close();
    const argv = ["--forward-to", `${before.port}/hooks/:product`];
    const first = await listen(cwd, argv);
    await run(["send", "shop", "order.paid", "--to", `${first.url}/webhooks/zoho/shop`], { cwd, env });
    await first.line("target", { state: "down" });
    await first.stop();
    const target = await startTarget(undefined, { port: before.port });
    try {
      const next = await listen(cwd, argv);
      await next.line("forward", { n: 1, state: "delivered" });
      expect(target.seen.map(({ path }) => path)).toEqual(["/hooks/shop"]);
    } finally {
      await target.close();
    }
  });
});

describe("the other commands", () => {
  it("list it with its events, its proof and its source", async () => {
    const cwd = shopProject();
    const [shop] = (await run(["products", "shop", "--json"], { cwd })).lines();
    expect(shop).toMatchObject({
      id: "shop",
      title: "The shop",
      formats: [
        {
          source: "your own: webhooks/shop",
          signatures: [{ id: "body-signature", covers: "body" }],
          events: [{ name: "order.created", summary: "An order came in" }, { name: "order.paid" }],
        },
      ],
    });
    expect((await run(["products"], { cwd })).out).toContain("The shop");
    expect((await run(["products", "shp"], { cwd })).err).toContain("did you mean shop?");
    expect((await run(["config", "show"], { cwd })).out).toContain("webhooks/shop");
  });

  it.each([
    [
      { header: "X-Shop", prefix: "sha256=" },
      'headers.put("x-shop", "sha256=" + zoho.encryption.hmacsha256("<secret>", body, "hex"));',
    ],
    [{ header: "x-shop", encoding: "base64" }, 'headers.put("x-shop", zoho.encryption.hmacsha256("<secret>", body));'],
    [
      { header: "x-shop", algorithm: "sha1" },
      'headers.put("x-shop", zoho.encryption.hmacsha1("<secret>", body, "hex"));',
    ],
    ["guide", 'headers.put("x-zoho-signature", zoho.encryption.hmacsha256("<secret>", body, "hex"));'],
    [{ header: "x-shop", algorithm: "sha512" }, undefined],
    ["finance", undefined],
  ])("say how Deluge signs for %j", async (signature, line) => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products": {"shop": {"path": "shop"}}}',
      "shop/product.json": JSON.stringify({ signature }),
      "shop/fixtures/order.created.json": "{}",
    });
    const { out } = await run(["products", "shop"], { cwd });
    expect(/in Deluge: (.*)/.exec(out)?.[1]).toBe(line);
    expect((await run(["products", "books"], { cwd })).out).not.toContain("in Deluge");
  });

  it("show and list its samples, which need no copy", async () => {
    const cwd = shopProject({ "webhooks/shop/schemas/order.lost.json": "true" });
    const shown = await run(["fixtures", "show", "shop", "order.paid"], { cwd });
    expect(shown.out).toBe(readFileSync(join(cwd, "webhooks/shop/fixtures/order.paid.json"), "utf8"));
    expect((await run(["fixtures", "list", "shop"], { cwd })).out).toMatch(/order\.lost\s+none yet/);
    const missing = await run(["fixtures", "show", "shop", "order.lost"], { cwd });
    expect([missing.exitCode, missing.err]).toEqual([2, expect.stringContaining("order.lost.json")]);
    const ejected = await run(["fixtures", "eject", "shop", "--all"], { cwd });
    expect([ejected.exitCode, ejected.err]).toEqual([2, expect.stringContaining("already the project's own")]);
    expect((await run(["fixtures", "eject", "--all", "--json"], { cwd })).out).not.toContain('"shop"');
  });

  it("send every sample, and name the events without one", async () => {
    const cwd = shopProject({ "webhooks/shop/schemas/order.lost.json": "true" });
    const sent = await run(["send", "shop", "--all", "--dry-run", "--to", "3000", "--json"], { cwd });
    expect(sent.exitCode).toBe(0);
    expect(sent.lines().filter(({ type }) => type === "sent")).toHaveLength(2);
    expect(sent.out).toContain("order.lost has no sample");
  });

  it("write its types", async () => {
    const { out } = await run(["types", "shop"], { cwd: shopProject() });
    expect(out).toContain("export type ShopOwnOrderCreated = {");
    expect(out).toContain("total: number;");
    expect(out).toContain('"order.paid": ShopOwnOrderPaid;');
  });

  it("complete its name and events, and other names when its product.json is broken", async () => {
    const cwd = shopProject();
    const words = async (...typed: readonly string[]) =>
      (await run(["completion", "words", "--", ...typed], { cwd })).out.split("\n").map((line) => line.split("\t")[0]);
    expect(await words("send", "sh")).toContain("shop");
    expect(await words("send", "shop", "")).toEqual(expect.arrayContaining(["order.created", "order.paid"]));
    expect(await words("events", "list", "--event", "shop:")).toContain("shop:order.paid");
    writeFileSync(join(cwd, "webhooks/shop/product.json"), "{");
    expect(await words("send", "de")).toContain("desk");
  });

  it("know it in the event log: filters, samples of unknown events, drift and replay", async () => {
    const cwd = shopProject();
    const target = await startTarget();
    const app = await listen(cwd, ["--forward-to", String(target.port)]);
    const body = '{"meta":{"type":"order.lost"},"order":{"id":"7"},"token":"t"}';
    await app.post("/webhooks/zoho/shop", body, shopSignature(body));
    const created = '{"meta":{"type":"order.created"},"order":{"id":"7","total":1,"coupon":"X"}}';
    await app.post("/webhooks/zoho/shop", created, shopSignature(created));
    await app.line("forward", { n: 2, state: "delivered" });
    try {
      const listed = await run(["events", "list", "--product", "shop", "--json"], { cwd });
      expect(listed.lines().map(({ event }) => event)).toEqual(["order.created", "order.lost"]);
      const saved = await run(["events", "save-fixture", "1"], { cwd });
      expect(saved.out).toBe(`${join("webhooks", "shop", "fixtures", "order.lost.json")}\n`);
      expect((await run(["products", "shop"], { cwd })).out).toContain("order.lost");
      const drift = await run(["events", "drift", "--product", "shop", "--json"], { cwd });
      expect(drift.lines()[0]).toMatchObject({
        product: "shop",
        event: "order.created",
        unknown: expect.arrayContaining([expect.objectContaining({ path: "order.coupon" })]),
      });
      const replayed = await run(["replay", "2", "--set", "order.total=2", "--json"], { cwd, env });
      expect(replayed.exitCode).toBe(0);
      expect(replayed.out).toContain("signed again over the changed body, with ZOHO_WEBHOOK_SECRET_SHOP");
    } finally {
      await app.stop();
      await target.close();
    }
  });

  it.each(["CON", "aux", "nul.created", "com1"])(
    "save, send and list an event that is a device on Windows: %s",
    async (name) => {
      const cwd = shopProject();
      const app = await listen(cwd);
      const body = `{"meta":{"type":"${name}"},"order":{"id":"7"}}`;
      await app.post("/webhooks/zoho/shop", body, shopSignature(body));
      const saved = await run(["events", "save-fixture", "1"], { cwd });
      expect(saved.out).toContain(join("webhooks", "shop", "fixtures", name.replace(/^[^.]+/, "$&~")));
      expect((await run(["products", "shop"], { cwd })).out).toContain(`\n${name} `);
      expect(
        (await run(["send", "shop", name, "--to", app.url.concat("/webhooks/zoho/shop")], { cwd, env })).exitCode,
      ).toBe(0);
      expect(await app.event(2)).toMatchObject({ event: name, signatures: [{ result: "verified" }] });
    },
  );

  it("write a form with a value that --set names", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"shop":{"path":"shop"}}}',
      "shop/product.json": '{"encoding":"form"}',
      "shop/fixtures/order.json": '{"amount":"5"}',
    });
    const argv = ["send", "shop", "order", "--set", "amount=7", "--dry-run", "--json", "--to", "3000"];
    const { exitCode, lines, err } = await run(argv, { cwd });
    expect([exitCode, err]).toEqual([0, ""]);
    expect(
      Buffer.from(String((lines()[0]?.request as { body_b64?: string } | undefined)?.body_b64), "base64").toString(),
    ).toBe("amount=7");
  });

  it("keep it when init runs", async () => {
    const cwd = shopProject();
    const config = () => JSON.parse(readFileSync(join(cwd, "zoho-hooks.config.json"), "utf8")) as object;
    const flags = ["--target", "none", "--force", "--yes"];
    expect((await run(["init", "--products", "crm", ...flags], { cwd })).exitCode).toBe(0);
    expect(config()).toMatchObject({ products: { crm: {}, shop: { path: "webhooks/shop" } } });
    expect((await run(["init", "--products", "shop,desk", ...flags], { cwd })).exitCode).toBe(0);
    expect(config()).toMatchObject({ products: { shop: { path: "webhooks/shop" }, desk: {} } });
    expect(existsSync(join(cwd, ".env"))).toBe(false);
    const unread = shopProject({
      "zoho-hooks.config.json": '{"products":{"shop":{"path":"only"}}}',
      "only/schemas.mjs": "never run",
    });
    expect((await run(["init", "--products", "shop", ...flags], { cwd: unread })).exitCode).toBe(0);
  });
});
