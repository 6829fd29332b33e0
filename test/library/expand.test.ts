import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NotificationLike } from "../../src/library/connect.ts";
import { type App, errorOf, startApp } from "../support/app.ts";

let app: App;
beforeEach(async () => {
  app = await startApp();
  await app.connect().accessToken();
  app.sent.length = 0;
});
afterEach(() => app.zoho.close());

const event = (ids: readonly string[], operation = "update"): NotificationLike => ({ module: "Leads", ids, operation });
const DOE = { Last_Name: "Doe", Company: "Acme", Email: "doe@acme.example" };

async function createLeads(count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await app.zoho.crm.create("Leads", { ...DOE, Last_Name: `${i}` })).id);
  return ids;
}

describe("expand", () => {
  it("reads the records of a notification as a whole, in its order", async () => {
    const [one = "", two = ""] = await createLeads(2);
    const { records, gone, credits } = await app.connect().expand(event([two, one]));
    expect(records).toMatchObject([
      { id: two, Last_Name: "1", Company: "Acme" },
      { id: one, Last_Name: "0", Email: "doe@acme.example" },
    ]);
    expect([gone, credits]).toEqual([[], 2]);
    expect(two).toMatch(/^\d{19}$/);
  });

  it("reads a hundred records with some of their fields for one credit", async () => {
    const ids = await createLeads(150);
    const { records, gone, credits } = await app.connect().expand(event(ids), { fields: { Leads: ["Last_Name"] } });
    expect(records.map(({ id }) => id)).toEqual(ids);
    expect(records[0]).toEqual({ id: ids[0], Last_Name: "0" });
    expect([gone, credits, app.sent.length]).toEqual([[], 2, 2]);
  });

  it("names those that no longer exist", async () => {
    const [one = "", two = ""] = await createLeads(2);
    await app.zoho.crm.delete("Leads", two);
    expect(await app.connect().expand(event([one, two]))).toMatchObject({
      records: [{ id: one }],
      gone: [two],
      credits: 2,
    });
    const fields = { Leads: ["Company"] };
    const some = await app.connect().expand(event([one, two]), { fields });
    expect(some).toEqual({ records: [{ id: one, Company: "Acme" }], gone: [two], credits: 1 });
    expect(await app.connect().expand(event([two]), { fields })).toEqual({ records: [], gone: [two], credits: 1 });
  });

  it("asks nothing for deleted records, and each id once", async () => {
    const [one = ""] = await createLeads(1);
    expect(await app.connect().expand(event([one], "delete"))).toEqual({ records: [], gone: [one], credits: 0 });
    expect(app.sent).toEqual([]);
    expect((await app.connect().expand(event([one, one]))).records).toHaveLength(1);
  });

  it("reads records of Bigin and Recruit, where a request costs three credits", async () => {
    const { id } = await app.zoho.bigin.create("Contacts", { Last_Name: "Doe" });
    const contact = { module: "Contacts", ids: [id], operation: "insert" };
    expect(await app.connect().expand(contact, { product: "bigin" })).toMatchObject({ records: [{ id }], credits: 1 });
    const candidate = await app.zoho.recruit.create("Candidates", { Last_Name: "Doe" });
    const inserted = { module: "Candidates", ids: [candidate.id], operation: "insert" };
    expect(await app.connect().expand(inserted, { product: "recruit" })).toMatchObject({ gone: [], credits: 3 });
  });

  it("refuses more fields than Zoho answers, and what is no notification", async () => {
    const fields = { Leads: Array.from({ length: 51 }, (_, i) => `F${i}`) };
    expect(await errorOf(app.connect().expand(event(["1"]), { fields }))).toMatchObject({
      code: "misuse",
      message: "fields names 51 fields of Leads",
      hint: "name 1 to 50",
    });
    const { message } = await errorOf(app.connect().expand({} as NotificationLike));
    expect(message).toBe("expand needs the module and the ids of a notification");
  });
});
