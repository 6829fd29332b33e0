import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { noSecrets, type Secrets, secret } from "../../src/delivery/secrets.ts";
import { parse } from "../../src/library/parse.ts";
import { findProduct } from "../../src/model/event-names.ts";
import { GUIDE_FORMAT, type Product } from "../../src/model/product.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { checkSchema, customSchema } from "../../src/model/schema.ts";
import { customProduct } from "../../src/own-products/own-format.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { decideReply } from "../../src/recognition/reply.ts";
import { posted } from "../support/deliveries.ts";
import { designedBodies } from "../support/designed-bodies.ts";
import { deliveryOf, type FixtureCase, fixtureCases, fixtureTime } from "../support/fixture-cases.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

function productOf(id: string): Product {
  const product = findProduct(products, id);
  if (product === undefined) throw new Error(`there is no product ${id}`);
  return product;
}

describe("a body that its user designed", () => {
  let listener: Listener;
  beforeAll(async () => {
    listener = await startListener(["--schema", "enforce", "--no-store"]);
  });
  afterAll(() => listener.stop());

  it("is not refused by listen that enforces schemas, and has no schema", async () => {
    for (const [i, { product, type, body }] of designedBodies.entries()) {
      const { status, text } = await listener.post(`/webhooks/zoho/${product}`, body, { "content-type": type });
      expect([status, text], body).toEqual([200, "OK"]);
      expect(await listener.event(i + 1), body).toMatchObject({ product, known: true, custom: true, schema: null });
    }
    expect(designedBodies).toHaveLength(20);
  });

  it("is no failure of verify, which never says that it is valid", async () => {
    for (const { product, type, body } of designedBodies) {
      const argv = ["verify", "--product", product, "-H", `content-type: ${type}`];
      const { exitCode, out } = await run(argv, { stdin: body });
      expect([exitCode, out], body).toEqual([0, expect.stringContaining("\n  – custom: no schema to check\n")]);
      expect(out).not.toContain("✓");
    }
  });

  it("is an event in the library", () => {
    for (const { product, body } of designedBodies)
      expect(parse(product, body), body).toMatchObject({ ok: true, known: true, issues: [] });
  });

  it("may carry the signature that its product puts on such bodies", () => {
    const key = secret("zohohooksDemo2024", "ZOHO_WEBHOOK_SECRET");
    const secrets: Secrets = { ...noSecrets, for: (credential) => (credential === "secret" ? [key] : []) };
    const checked = designedBodies.flatMap(({ product: id, type, body }) => {
      const product = productOf(id);
      const [signature] = product.formats.flatMap(({ body: { customEvent }, proofs }) =>
        customEvent === undefined ? [] : proofs.filter(({ proves }) => proves === "body"),
      );
      if (signature === undefined) return [];
      const delivery = signature.sign(posted(body, { type }), key, fixtureTime);
      const receipt = receive({ products, product, delivery, secrets, now: fixtureTime });
      expect(receipt, body).toMatchObject({ custom: true, verdicts: [{ id: signature.id, verdict: "passed" }] });
      return [id];
    });
    expect(new Set(checked)).toEqual(new Set(["books", "expense", "inventory", "invoice", "subscriptions", "webinar"]));
  });
});

/** Members that one of several senders may choose as well, each beside one mark of a format: that is not enough. */
describe.each([
  ["crm", { ids: ["4876876000001402117"] }, { module: "Leads", operation: "insert", token: "t" }, { channel_id: "1" }],
  [
    "recruit",
    { ids: ["523186000000977214"] },
    { module: "Candidates", operation: "update", token: "t" },
    { server_time: 1 },
  ],
  [
    "subscriptions",
    { event_id: "90300000005330101" },
    { event_type: "order_paid", created_time: "2025-01-15", created_date: "2025-01-15", data: {}, payload: "{}" },
    { event_time: "2025-01-15T10:30:00+0000" },
  ],
  [
    "mail",
    { zuid: "7" },
    { subject: "Hi", sender: "Mei", summary: "Hi", html: "<p>Hi</p>", size: 7 },
    { toAddress: "orders@example.com" },
  ],
  [
    "mail",
    { entityId: "1" },
    { title: "Call", action: "changed", assignee: "7", status: 1, summary: "Call" },
    { nameSpaceId: "2" },
  ],
  ["signals", { rule_id: "1" }, { version: 1, attempt: 1, account: {}, events: [] }, { target_id: "2" }],
] as const)("to %s a body with one mark, %j,", (product, mark, plain, other) => {
  const receiptOf = (data: object): Receipt =>
    receive({
      products,
      product: productOf(product),
      delivery: posted(JSON.stringify(data)),
      secrets: noSecrets,
      now: fixtureTime,
    });

  it("is custom, whatever plain members it has beside it", () => {
    for (const [name, value] of Object.entries(plain))
      expect(receiptOf({ ...mark, [name]: value }), name).toMatchObject({ custom: true });
    expect(receiptOf({ ...mark, ...plain })).toMatchObject({ custom: true });
  });

  it("is one of the format, right or wrong, with a second one", () => {
    expect(receiptOf({ ...mark, ...other })).toMatchObject({ format: "wire", custom: false });
  });
});

describe("a body that two own products may have sent", () => {
  let checks = 0;
  const schema = customSchema(z.object({ event: z.string() }), (check) => {
    checks++;
    return check();
  });
  const own = (id: string): Product =>
    customProduct({
      ...{ id, title: id, folder: id, source: id, encoding: "json", methods: [] },
      ...{ records: undefined, auth: undefined, signature: undefined },
      eventAt: { body: ["event"] },
      events: [{ name: "order.paid", summary: "An order was paid", schema }],
    });

  it("is checked with the user's schema once it is known which, not to find out", () => {
    const input = { delivery: posted('{"event":"order.paid"}'), secrets: noSecrets, now: fixtureTime };
    const two = [own("shop"), own("market")];
    const receipt = receive({ ...input, products: two, schemas: false });
    expect([receipt.product, receipt.ambiguousWith, checks]).toEqual(["shop", ["market order.paid"], 0]);
    expect(receive({ ...input, products: two }).schema).toMatchObject({ ok: true });
    expect(checks).toBe(1);
  });
});

interface Mutant {
  readonly of: FixtureCase;
  readonly label: string;
  readonly body: unknown;
}

/** Ten of a sample: a member is away, renamed or of another type, in turn for each, and then for the members of its objects. */
function mutantsOf(of: FixtureCase): readonly Mutant[] {
  const body: unknown = JSON.parse(of.text);
  const places = [...membersOf(body, []), ...membersOf(body, []).flatMap((path) => membersOf(at(body, path), path))];
  const changes: readonly (readonly [string, (owner: Record<string, unknown>, name: string) => void])[] = [
    ["without", (owner, name) => delete owner[name]],
    [
      "renamed",
      (owner, name) => {
        owner[`${name}_`] = owner[name];
        delete owner[name];
      },
    ],
    ["of another type:", (owner, name) => Object.assign(owner, { [name]: isObject(owner[name]) ? "text" : { a: 1 } })],
  ];
  const all = places.flatMap((path, i) =>
    changes.map((_, j) => ({ path, change: changes[(i + j) % changes.length], turn: j })),
  );
  return all
    .sort((a, b) => a.turn - b.turn)
    .slice(0, 10)
    .flatMap(({ path, change }) => {
      if (change === undefined) return [];
      const copy: unknown = structuredClone(body);
      change[1](at(copy, path.slice(0, -1)) as Record<string, unknown>, path.at(-1) ?? "");
      return [{ of, label: `${of.label} ${change[0]} ${path.join(".")}`, body: copy }];
    });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((each, key) => (each as Record<string, unknown>)[key], value);
}

/** Paths of an object's members; of a list, those of its first element. */
function membersOf(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
  if (Array.isArray(value)) return membersOf(value[0], [...path, "0"]);
  return isObject(value) ? Object.keys(value).map((key) => [...path, key]) : [];
}

function receiptOf({ of, body }: Mutant, product: Product): Receipt {
  const { method, url, headers } = deliveryOf(of, JSON.parse(of.text));
  const others = headers.filter(([name]) => !/^content-/i.test(name));
  const delivery = posted(JSON.stringify(body), { method, url, headers: others });
  return receive({ products, product, delivery, secrets: noSecrets, now: fixtureTime });
}

const isGreen = ({ known, schema }: Receipt): boolean => known && schema?.ok === true;

describe("ten mutants of each sample", () => {
  const samples = fixtureCases().filter(
    ({ path, text, match }) => path !== undefined && /^\s*[[{]/.test(text) && !match.event.custom,
  );
  const mutants = samples.flatMap(mutantsOf);
  // Without the member that tells its event, a body may be one of another event of its format.
  const wrong = mutants.filter(({ of, body }) =>
    [of.match.event, ...of.format.events].every(({ schema }) => !checkSchema(schema, body).ok),
  );

  it("are enough", () => {
    expect(samples.filter(({ format }) => format.id === GUIDE_FORMAT).length).toBeGreaterThanOrEqual(90);
    expect([mutants.length > 3000, wrong.length > 2000]).toEqual([true, true]);
  });

  it("have no green tick where they are wrong", () => {
    const green = wrong.filter((mutant) => {
      const receipt = receiptOf(mutant, mutant.of.product);
      // Without its event's name, the guide's body may be the whole record that another format is.
      return isGreen(receipt) && receipt.format === mutant.of.format.id;
    });
    expect(green.map(({ label }) => label)).toEqual([]);
  });

  it("are judged where the user says that they are the guide's", () => {
    const accepted = wrong
      .filter(({ of }) => of.format.id === GUIDE_FORMAT)
      .filter((mutant) => {
        const { product, format } = mutant.of;
        const receipt = receiptOf(mutant, { ...product, formats: [format] });
        return receipt.custom || isGreen(receipt);
      });
    expect(accepted.map(({ label }) => label)).toEqual([]);
  });

  it("are judged where no user designs the webhooks of their product", () => {
    const accepted = wrong
      .filter(({ of }) => of.product.formats.every(({ body }) => body.customEvent === undefined))
      .filter((mutant) => {
        const receipt = receiptOf(mutant, mutant.of.product);
        return decideReply(receipt, { schema: "enforce", onInvalid: "reject" }).reply.status !== 422;
      });
    expect(accepted.map(({ label }) => label)).toEqual([]);
  });
});
