import { describe, expect, it } from "vitest";
import type { Product } from "../../src/model/product.ts";
import { products as registry } from "../../src/products/index.ts";
import { run } from "../support/run.ts";

const products: readonly Product[] = registry;

describe("products", () => {
  it("lists every format of every product with its number of events", async () => {
    const { exitCode, out, err } = await run(["products"]);
    expect([exitCode, err]).toEqual([0, ""]);
    const rows = out.split("\n").map((line) => line.split(/\s{2,}/));
    for (const { id, title, formats } of products) {
      for (const format of formats) {
        const row = rows.find((cells) => cells[0] === id && cells[2] === format.id);
        expect(row?.slice(1, 4)).toEqual([title, format.id, String(format.events.length)]);
      }
    }
  });

  it("shows a product's events, their source, and what each signature covers", async () => {
    const { exitCode, out } = await run(["products", "CRM"]);
    expect(exitCode).toBe(0);
    expect(out).toContain('source  Webhooks Guide for Zoho APIs 1.0, "Zoho CRM Webhook Payload"');
    expect(out).toMatch(/token: token in the body\n\s+covers the sender only.*ZOHO_WEBHOOK_TOKEN/);
    expect(out).toMatch(/guide-signature: x-zoho-signature.*\n\s+covers the body.*ZOHO_WEBHOOK_SECRET/);
    expect(out).toMatch(/^Leads\.create {2,}A lead was created$/m);
    expect(out).toMatch(/^<Module>\.create {2,}A record was created, in any module$/m);
  });

  it("shows for each format how its body is known, also as JSON", async () => {
    const shown = async (product: string) => [
      ...(await run(["products", product])).out.matchAll(/^ {2}known {3}(\w+):/gm),
    ];
    const [crm, mail, analytics] = await Promise.all(["crm", "mail", "analytics"].map(shown));
    expect(crm?.map(([, word]) => word)).toEqual(["doc", "doc", "doc"]);
    expect([...(mail ?? []), ...(analytics ?? [])].map(([, word]) => word)).toEqual(["seen", "modelled", "modelled"]);
    const [line] = (await run(["products", "mail", "--json"])).lines();
    expect(line?.formats).toMatchObject([{ id: "wire", evidence: "seen" }]);
  });

  it("says when SalesIQ checks a URL, and what of a finance record is not confirmed", async () => {
    const { out } = await run(["products", "salesiq"]);
    expect(out).toContain(
      "probe   HEAD when the URL of a webhook is changed: the webhook is saved only if the answer is 200",
    );
    expect(out).toContain(
      "probe   HEAD where the URL does not answer a ping: the webhook is saved only if the answer is 200",
    );
    const books = (await run(["products", "books"])).out;
    for (const [event, doubt] of [
      ["bill", true],
      ["creditnote", true],
      ["invoice", false],
    ] as const)
      expect(new RegExp(`^${event} .*\\(key not confirmed\\)$`, "m").test(books)).toBe(doubt);
  });

  it("shows the documented rules for answers", async () => {
    const { out } = await run(["products", "desk"]);
    expect(out.match(/^ {2}answer .*$/gm)).toEqual(["  answer  200 only, within 5 s; 410 removes the webhook"]);
    expect((await run(["products", "creator"])).out).toContain("answer  any 2xx, within 40 s");
  });

  it("shows what Zoho posts first, and says that it does not post the guide's body", async () => {
    for (const { id, formats } of registry as readonly Product[]) {
      const { out } = await run(["products", id]);
      const shown = [...out.matchAll(/ {2}format (\w+)( \(the default\))?\n( {2}Zoho does not post this body)?/g)];
      expect(shown[0]?.[1], id).toBe("wire");
      expect(shown.map(([, format]) => format).toSorted()).toEqual(formats.map((each) => each.id).toSorted());
      for (const [, format, isDefault, isDenied] of shown) {
        expect(isDenied !== undefined, `${id} ${format}`).toBe(format === "guide");
        expect(isDefault !== undefined).toBe(format === "wire" && formats.length > 1);
      }
    }
  });

  it("prints only names and summaries with --quiet", async () => {
    const { out } = await run(["products", "survey", "-q"]);
    expect(out.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^response_submitted {2,}\S/),
      expect.stringMatching(/^response_submitted {2,}\S/),
      expect.stringMatching(/^survey_completed {2,}\S/),
    ]);
  });

  it("prints one JSON line per product, with formats, signatures and events", async () => {
    const { lines, err } = await run(["products", "--json"]);
    expect(err).toBe("");
    expect(lines().map((line) => line.id)).toEqual(products.map(({ id }) => id));
    const [crm] = (await run(["products", "crm", "--json"])).lines();
    expect(crm).toEqual(lines()[0]);
    expect(crm).toMatchObject({
      v: 1,
      type: "product",
      id: "crm",
      title: "Zoho CRM",
      formats: expect.arrayContaining([
        expect.objectContaining({
          id: "guide",
          signatures: [
            { id: "token", covers: "sender", title: "token in the body", variable: "ZOHO_WEBHOOK_TOKEN" },
            expect.objectContaining({ id: "guide-signature", covers: "body", variable: "ZOHO_WEBHOOK_SECRET" }),
          ],
        }),
      ]),
    });
    expect(JSON.stringify(crm)).toContain(
      '{"name":"Leads.create","summary":"A lead was created","once":true,"members":[]}',
    );
  });

  it("suggests a product for a mistyped one", async () => {
    const { exitCode, out, err } = await run(["products", "boks"]);
    expect([exitCode, out]).toEqual([2, ""]);
    expect(err).toBe('error: there is no product "boks"\n  did you mean books?\n');
  });

  it("lists every product if none is similar", async () => {
    const { err } = await run(["products", "kitchen"]);
    for (const { id } of products) expect(err).toContain(id);
  });
});
