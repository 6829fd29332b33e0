import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Delivery, HeaderPair } from "../../src/delivery/delivery.ts";
import { readPayload } from "../../src/delivery/payload.ts";
import { noSecrets, type Secrets, secret } from "../../src/delivery/secrets.ts";
import { configureProducts } from "../../src/model/configure.ts";
import type { FormatSettings } from "../../src/model/format-settings.ts";
import type { Format } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { decideReply } from "../../src/recognition/reply.ts";
import { prepare } from "../../src/samples/prepare.ts";
import { UserError } from "../../src/util/errors.ts";

const now = new Date("2025-01-15T10:30:00Z");
const url = "http://127.0.0.1:4460/webhooks/zoho/forms";
const sample = { SingleLine: "Zoë & Söhne", Email: "mei@example.com", Tags: ["a", "b"], 'say "it"': "x=1&y" };
const auth = (value: string, origin = "ZOHO_WEBHOOK_AUTH"): Secrets => ({
  for: (credential) => (credential === "auth" ? [secret(value, origin)] : []),
  all: () => [],
});

function forms(settings: FormatSettings & { format?: string } = {}) {
  const used = configureProducts(products, { forms: { format: "wire", ...settings } });
  const product = used.find(({ id }) => id === "forms");
  const format = product?.formats[0];
  if (product === undefined || format === undefined) throw new Error("there is no Zoho Forms");
  return { product, format };
}

function sent(format: Format, body: unknown, secrets = noSecrets): Delivery {
  return prepare({ product: "forms", format, url, body, headers: [], secrets, now }).delivery;
}

describe("a custom sample", () => {
  it.each([
    ["json", "POST", "application/json"],
    ["form", "POST", "application/x-www-form-urlencoded"],
    ["multipart", "POST", /^multipart\/form-data; boundary=/],
    ["query", "GET", undefined],
  ] as const)("is encoded as %s and read back the same", (encoding, method, type) => {
    const delivery = sent(forms({ encoding }).format, sample);
    const contentType = delivery.headers.find(([name]) => name === "content-type")?.[1];
    expect(delivery.method).toBe(method);
    if (type === undefined) expect(contentType).toBeUndefined();
    else expect(contentType).toMatch(type);
    const read = readPayload(delivery);
    if (!read.ok) throw new Error(read.problem.reason);
    const { 'say "it"': quoted, ...plain } = sample;
    expect(read.payload).toMatchObject({ kind: encoding, data: plain });
    // Browsers write a quote in a part's name like this, and nothing else is specified.
    const key = encoding === "multipart" ? "say %22it%22" : 'say "it"';
    expect(read.payload.data).toHaveProperty([key], quoted);
  });

  it("keeps every text through a form and through multipart", () => {
    const text = fc.dictionary(fc.stringMatching(/^[A-Za-z_]{1,8}$/), fc.string({ minLength: 1 }), { minKeys: 2 });
    fc.assert(
      fc.property(text, fc.constantFrom("form", "multipart", "query"), (data, encoding) => {
        const read = readPayload(sent(forms({ encoding }).format, data));
        if (!read.ok) throw new Error(read.problem.reason);
        if (read.payload.wrappedIn === undefined) expect(read.payload.data).toEqual(data);
      }),
    );
  });

  it("is the same bytes each time", () => {
    const once = sent(forms({ encoding: "multipart" }).format, sample);
    expect(sent(forms({ encoding: "multipart" }).format, sample)).toEqual(once);
  });
});

describe.each([
  ["a header", { header: "X-Webhook-Secret" }],
  ["a parameter", { parameter: "key" }],
  ["basic authentication", { basic: "zoho" }],
] as const)("a fixed value in %s", (_name, place) => {
  const { product, format } = forms({ auth: place });
  const verdicts = (delivery: Delivery, secrets: Secrets) =>
    receive({ products, product, delivery, secrets, now }).verdicts.map(({ verdict }) => verdict);

  it("proves the sender", () => {
    const delivery = sent(format, sample, auth("s3cret & more"));
    expect(verdicts(delivery, auth("s3cret & more"))).toEqual(["passed"]);
    expect(verdicts(delivery, auth("another"))).toEqual(["failed"]);
    expect(verdicts(delivery, noSecrets)).toEqual(["unconfigured"]);
  });

  it("is required once it is configured", () => {
    const bare = sent(format, sample);
    expect(verdicts(bare, noSecrets)).toEqual(["absent"]);
    const receipt = receive({ products, product, delivery: bare, secrets: auth("x"), now });
    expect(receipt.verdicts).toMatchObject([{ verdict: "failed", proves: "sender" }]);
    expect(decideReply(receipt, { schema: "warn", onInvalid: "reject" }).reply.status).toBe(401);
  });

  it("never appears in a reason", () => {
    for (const delivery of [sent(format, sample, auth("s3cret")), sent(format, sample)]) {
      const { verdicts: all } = receive({ products, product, delivery, secrets: auth("s3cret"), now });
      expect(JSON.stringify(all)).not.toContain("s3cret");
    }
  });

  it("is added to a body that is sent as it is", () => {
    const delivery = sent(format, Buffer.from('{"a":1}'), auth("x"));
    expect(delivery.body.toString()).toBe('{"a":1}');
    expect(verdicts(delivery, auth("x"))).toEqual(["passed"]);
  });
});

describe("a fixed parameter", () => {
  const { product } = forms({ auth: { parameter: "key" } });
  const verdict = (target: string, type: string, body: string) =>
    receive({
      products,
      product,
      delivery: { method: "POST", url: target, headers: [["content-type", type]], body: Buffer.from(body) },
      secrets: auth("right"),
      now,
    }).verdicts[0]?.verdict;

  it("is read from the URL, a form and JSON", () => {
    const form = "application/x-www-form-urlencoded";
    expect(verdict("/webhooks/zoho/forms?key=right", "application/json", '{"a":1}')).toBe("passed");
    expect(verdict("/webhooks/zoho/forms", form, "a=1&key=right")).toBe("passed");
    expect(verdict("/webhooks/zoho/forms", "application/json", '{"a":1,"key":"right"}')).toBe("passed");
  });

  it("fails with a second, wrong value", () => {
    expect(verdict("/webhooks/zoho/forms?key=right&key=wrong", "application/json", '{"a":1}')).toBe("failed");
    expect(verdict("/webhooks/zoho/forms?key=right", "application/json", '{"a":1,"key":"wrong"}')).toBe("failed");
  });
});

describe("a body that no format knows", () => {
  const post = (id: string, secrets: Secrets, body = '{"hello":"world"}', ...more: HeaderPair[]) => {
    const product = products.find((each) => each.id === id);
    const headers: readonly HeaderPair[] = [["content-type", "application/json"], ...more];
    const delivery = { method: "POST", url: "/", headers, body: Buffer.from(body) };
    return receive({ products, product, delivery, secrets, now });
  };
  const guideSecret: Secrets = {
    for: (credential) => (credential === "secret" ? [secret("x", "S")] : []),
    all: () => [],
  };

  it("is custom on the product's URL, unless the guide's signature is required", () => {
    expect(post("crm", noSecrets)).toMatchObject({ format: "workflow", event: "webhook", known: true });
    const unsigned = post("crm", guideSecret);
    expect(unsigned).toMatchObject({ format: "workflow", event: "webhook", custom: true });
    expect(decideReply(unsigned, { schema: "warn", onInvalid: "reject" }).reply.status).toBe(401);
  });

  it("is custom with any secret where the config names the format", () => {
    const [crm] = configureProducts(products, { crm: { format: "workflow" } });
    const delivery = { method: "POST", url: "/", headers: [], body: Buffer.from('{"event":"order.paid"}') };
    const receipt = receive({ products, product: crm, delivery, secrets: guideSecret, now });
    expect(receipt).toMatchObject({ format: "workflow", event: "webhook", known: true, verdicts: [] });
  });

  it("is rejected for its wrong signature, not for a missing one", () => {
    const forged = post("books", guideSecret, undefined, ["x-zoho-webhook-signature", "0".repeat(64)]);
    expect(decideReply(forged, { schema: "warn", onInvalid: "reject" })).toMatchObject({
      reply: { status: 401 },
      reason: expect.stringContaining("finance-signature: the signature does not match"),
    });
  });

  it("is not recognised when it is empty", () => {
    for (const body of ["{}", "[]"]) expect(post("crm", noSecrets, body).event).toBeUndefined();
  });
});

describe("the settings of a product", () => {
  it("make the chosen format the default", () => {
    const [crm] = configureProducts(products, { crm: { format: "wire" } });
    expect(crm?.formats.map(({ id }) => id)).toEqual(["wire", "guide", "workflow"]);
    expect(products[0].formats[0].id).toBe("guide");
  });

  it.each([
    [{ crm: { format: "wir" } }, "did you mean wire?"],
    [{ crm: { format: "zzzzzzzz" } }, "formats: guide, wire, workflow"],
    [{ books: { audience: "webhookId:7" } }, undefined],
    [{ desk: { encoding: "form" } as const }, undefined],
  ])("are rejected where they do not apply: %j", (settings, hint) => {
    try {
      configureProducts(products, settings);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.exitCode).toBe(2);
      expect(error.hint).toBe(hint);
      expect(error.message).toContain(Object.keys(settings)[0]);
    }
  });
});
