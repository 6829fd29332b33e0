import { describe, expect, it } from "vitest";
import { eventNames } from "../../src/model/event-names.ts";
import { products } from "../../src/products/index.ts";
import { folderWith } from "../support/files.ts";
import { type GuideApp, startGuideApp } from "../support/guide-app.ts";
import { closeAfterEach, closeLater, SECRET, send, TOKEN } from "../support/send.ts";

closeAfterEach();

async function guideApp(): Promise<GuideApp> {
  return closeLater(await startGuideApp({ secret: SECRET, token: TOKEN }));
}

const guided = products.flatMap(({ id, formats }) => {
  const guide = formats.find((each) => each.id === "guide");
  return guide === undefined ? [] : { id, names: eventNames(guide) };
});
const events = guided.flatMap(({ id, names }) => names.map((event) => ({ product: id, event })));

function inGuideFormat() {
  return Object.fromEntries(guided.map(({ id }) => [id, { format: "guide" }]));
}

describe("an app written after the guide's handler", () => {
  it("accepts every event of every product as a new one", async () => {
    const app = await guideApp();
    const { exitCode, out } = await send("--all --format guide --to PORT", app);
    expect(out).toContain(`${events.length} ok, 0 failed`);
    expect(exitCode).toBe(0);
    expect(app.taken.map(({ product }) => product)).toEqual(events.map(({ product }) => product));
    expect(app.taken.filter(({ duplicate }) => duplicate)).toEqual([]);
  });

  it("accepts an event of each product where the settings choose the format", async () => {
    const app = await guideApp();
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ products: inGuideFormat() }) });
    for (const { id, names } of guided) {
      const { exitCode, out, err } = await send(`${id} ${names[0]} --to PORT`, app, { cwd });
      expect(exitCode, `${id}: ${out}${err}`).toBe(0);
    }
    expect(app.taken).toHaveLength(guided.length);
  });

  it("accepts an event of a module without a sample of its own", async () => {
    const app = await guideApp();
    expect((await send("crm Vehicles.create --format guide --to PORT", app)).exitCode).toBe(0);
    expect(app.taken).toMatchObject([{ product: "crm", duplicate: false }]);
  });

  it.each(guided.map(({ id, names }) => [id, names[0] ?? ""]))(
    "refuses a wrong or a missing signature of %s",
    async (product, event) => {
      const app = await guideApp();
      for (const flag of ["--bad-signature", "--no-signature"]) {
        const { exitCode, out } = await send(`${product} ${event} --format guide --to PORT ${flag}`, app);
        expect(exitCode).toBe(0);
        expect(out).toContain("refused, as it should be");
      }
      expect(app.taken).toEqual([]);
    },
  );

  it("refuses a wrong token, whose signature is right", async () => {
    const app = await guideApp();
    const { exitCode, out } = await send("crm Leads.create --format guide --to PORT --bad-token", app);
    expect(exitCode).toBe(0);
    expect(out).toContain("answer: Invalid token");
    expect(out).toContain("refused, as it should be: its token was wrong on purpose");
  });

  it("rejects a signature of another secret, with a hint at the cause", async () => {
    const app = await guideApp();
    const { exitCode, out } = await send("crm Leads.create --format guide --to PORT", app, {
      env: { ZOHO_WEBHOOK_SECRET: "another", ZOHO_WEBHOOK_TOKEN: TOKEN },
    });
    expect(exitCode).toBe(5);
    expect(out).toContain("often it uses a different secret or token");
  });

  it("sees a repeated delivery as a duplicate, and fresh ones as new", async () => {
    const app = await guideApp();
    const same = "crm Leads.create --format guide --to PORT --no-fresh --count 3";
    expect((await send(same, app)).exitCode).toBe(0);
    expect(app.taken.map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
    await send("crm Leads.create --format guide --to PORT --count 2", app);
    expect(app.taken.slice(3).map(({ duplicate }) => duplicate)).toEqual([false, false]);
  });

  it("echoes a challenge", async () => {
    const app = await guideApp();
    expect((await send("crm --challenge --to PORT", app)).exitCode).toBe(0);
    const { exitCode, out } = await send("desk --challenge of-my-own --to PORT", app);
    expect(exitCode).toBe(0);
    expect(out).toContain('answer: {"challenge":"of-my-own"}');
    expect(app.taken).toEqual([]);
  });
});
