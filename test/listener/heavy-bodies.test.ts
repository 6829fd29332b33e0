import { afterEach, expect, it, vi } from "vitest";
import { products } from "../../src/products/index.ts";
import { nearestEvents } from "../../src/recognition/nearest.ts";
import { receive } from "../../src/recognition/receive.ts";
import { type HumanListener, startHumanListener } from "../support/human-listener.ts";

let listener: HumanListener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  vi.restoreAllMocks();
});

function receipt(product: string, contentType: string, body: string) {
  return receive({
    products,
    product: products.find(({ id }) => id === product),
    delivery: {
      method: "POST",
      url: `/webhooks/zoho/${product}`,
      headers: [["content-type", contentType]],
      body: Buffer.from(body),
    },
    secrets: { for: () => [], all: () => [] },
    now: new Date(),
  });
}

it("compares an event's name of more than 10,000 characters with no known ones", () => {
  const [crm] = products.filter(({ id }) => id === "crm");
  const [format] = crm?.formats ?? [];
  if (crm === undefined || format === undefined) throw new Error("crm has no format");
  const near = (length: number) => nearestEvents(crm, format, `${"x".repeat(length)}Leads.create`);
  expect(near(10)).toContain("Leads.create");
  expect(near(10_000)).toEqual([]);
});

it("lists no characters of a text", () => {
  const keys = vi.spyOn(Object, "keys");
  receipt("books", "text/plain", "a".repeat(1_000));
  expect(keys.mock.results.filter(({ value }) => value.length >= 1_000)).toEqual([]);
});

it("lists no entries of a list to find its members", () => {
  const keys = vi.spyOn(Object, "keys");
  receipt("books", "application/json", `[${"1,".repeat(1_000)}1]`);
  expect(keys.mock.results.filter(({ value }) => value.length >= 1_000)).toEqual([]);
});

it("shows the start of a large body with --verbose, without its secrets", async () => {
  listener = await startHumanListener(["-v", "--no-store"]);
  const body = JSON.stringify({ token: "hunter2", text: "ü".repeat(100_000), last: "end" });
  const headers = { "content-type": "application/json" };
  await fetch(`${listener.url}/webhooks/zoho/desk`, { method: "POST", headers, body });
  const [, left] = await listener.shown(/… (\d+) more bytes are not shown/);
  expect(Number(left)).toBe(Buffer.byteLength(body) - 65_535);
  const { out } = await listener.stop();
  expect(out).toContain("[masked]");
  expect(out).not.toMatch(/hunter2|\(65\d+ bytes|"end"/);
});
