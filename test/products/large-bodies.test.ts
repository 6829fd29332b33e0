import fc from "fast-check";
import { expect, it } from "vitest";
import { formFields, readPayload } from "../../src/delivery/payload.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { payloadOf, posted } from "../support/deliveries.ts";
import { testSecrets as secrets } from "../support/test-secrets.ts";

const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=x";
const parts = (count: number): string =>
  `${'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n'.repeat(count)}--x--\r\n`;
/** Without a limit each took 10 to 15 s. */
const LONGEST_MS = 8_000;

// Anybody can post such a megabyte, and all other deliveries wait while it is evaluated.
it.each([
  ["a list of very many entries", `[${"1,".repeat(500_000)}1]`, "application/json"],
  ["an object of very many keys", `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`)}}`, "application/json"],
])("evaluates %s quickly", (_, body, type) => {
  const evaluate = () => receive({ products, delivery: posted(body, { type }), secrets, now: new Date() });
  expect(cpuMs(evaluate)).toBeLessThan(LONGEST_MS);
});

it.each([
  ["1001 fields", `${"a&".repeat(1000)}a`, FORM],
  ["500,000 names", "a&".repeat(500_000), FORM],
  ["broken percent signs", "%ff%zz=%&".repeat(110_000), FORM],
  ["wrappers that hold no JSON", "data=[&".repeat(140_000), FORM],
  ["1001 parts", parts(1001), MULTIPART],
])("rejects a form of %s", (_, body, type) => {
  const product = products.find(({ id }) => id === "books");
  const delivery = posted(body, { type, headers: [["x-zoho-webhook-signature", "0f".repeat(32)]] });
  const evaluate = () => {
    const { problem, verdicts } = receive({ products, product, delivery, secrets, now: new Date() });
    expect(problem).toEqual({ status: 400, reason: expect.stringContaining("more than 1000 form fields") });
    expect(verdicts).toEqual([]);
  };
  expect(cpuMs(evaluate)).toBeLessThan(LONGEST_MS);
});

it.each([
  ["1000 fields", `${"a&".repeat(999)}a`, FORM],
  ["1000 parts", parts(1000), MULTIPART],
])("reads a form of %s", (_, body, type) => {
  expect(payloadOf(posted(body, { type })).fields).toHaveLength(1000);
});

it("reads JSON with the content type of a form and any number of &", () => {
  const text = "&nbsp;".repeat(2000);
  expect(payloadOf(posted(JSON.stringify({ text }), { type: FORM }))).toMatchObject({ kind: "json", data: { text } });
});

it("reads the fields of a form or query as URLSearchParams does", () => {
  const form = fc
    .array(fc.constantFrom("a", "b", "&", "=", "?", "+", "%41", "%ff", "%", "é"))
    .map((all) => all.join(""));
  fc.assert(
    fc.property(form, (text) => {
      expect(formFields(text)).toEqual([...new URLSearchParams(`?${text}`)]);
    }),
  );
});

it("reads very many names without a value quickly", () => {
  const read = () => expect(formFields("abcdefghijklmnopq&".repeat(300_000))).toHaveLength(300_000);
  expect(cpuMs(read)).toBeLessThan(LONGEST_MS);
});

it("finds the JSON in a field after others with such a name", () => {
  const read = readPayload(posted('json=%7B&data={"a":1}', { type: FORM }));
  expect(read).toMatchObject({ ok: true, payload: { data: { a: 1 }, wrappedIn: "data" } });
});
