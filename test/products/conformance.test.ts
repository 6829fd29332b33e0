import { readdirSync } from "node:fs";
import { relative, sep } from "node:path";
import { describe, expect, it } from "vitest";
import { readPayload } from "../../src/delivery/payload.ts";
import { noSecrets } from "../../src/delivery/secrets.ts";
import { configureProducts } from "../../src/model/configure.ts";
import { findEvent } from "../../src/model/event-names.ts";
import type { Product } from "../../src/model/product.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { checkSchema, pathText } from "../../src/model/schema.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { decideReply } from "../../src/recognition/reply.ts";
import { fixtureFiles } from "../../src/samples/fixtures.ts";
import { freshen, seededRandom } from "../../src/samples/fresh.ts";
import { parseJson, readExact } from "../../src/util/json.ts";
import { prettyJson } from "../../src/util/json-print.ts";
import { deliveryOf, type FixtureCase, fixtureCases, fixturesFolder, fixtureTime } from "../support/fixture-cases.ts";
import { changedAt, requiredPaths } from "../support/schema-paths.ts";
import { testSecrets as secrets } from "../support/test-secrets.ts";

const cases = fixtureCases();
const now = fixtureTime;

describe("the fixtures", () => {
  it("has a file for every event, and no file without an event", () => {
    const missing = cases.flatMap(({ product, format, match, path }) =>
      path === undefined ? `${product.id}/${format.id}/${fixtureFiles({ format, name: match.name }).at(-1)?.name}` : [],
    );
    expect([...new Set(missing)], "files that are missing below fixtures/").toEqual([]);
    const onDisk = readdirSync(fixturesFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(fixturesFolder, `${entry.parentPath}/${entry.name}`).split(sep).join("/"));
    const used = new Set(cases.map(({ path }) => path));
    expect(
      onDisk.filter((file) => !used.has(file)),
      "files below fixtures/ that no event is named after",
    ).toEqual([]);
  });

  it("has a file with the name of each event that is not a family", () => {
    const fixed = cases.filter(({ match }) => match.event.members.length === 0);
    expect(fixed.length).toBeGreaterThan(70);
    for (const each of fixed.filter(({ path }) => path !== undefined))
      expect(each.path).toBe(`${each.product.id}/${each.format.id}/${each.name}.json`);
  });
});

it.each(cases.filter(({ path }) => path !== undefined).map((each) => [each.label, each] as const))(
  "%s",
  (_label, each) => {
    // A test of its own for each would cost more than what it checks.
    const check = (name: string, body: () => void): void => {
      try {
        body();
      } catch (error) {
        throw new Error(name, { cause: error });
      }
    };
    const parsed = parseJson(each.text);
    const data: unknown = parsed.ok ? parsed.value : undefined;
    const delivery = deliveryOf(each, readExact(each.text));
    const signed = deliveryOf(each, readExact(each.text), secrets);

    check("has a fixture that is unchanged by parsing and serialising", () => {
      expect(each.text, "two spaces a level, a value a line, a line's end at the end").toBe(
        `${prettyJson(each.text)}\n`,
      );
    });

    check("is recognised and valid, with the product given and without", () => {
      const schema = each.match.event.custom ? undefined : { ok: true, issues: [] };
      for (const product of [each.product, undefined]) {
        const receipt = receive({ products, product, delivery, secrets: noSecrets, now });
        // A user-defined body has no members to recognise it by.
        if (product === undefined && each.format.body.customEvent !== undefined && receipt.product === undefined)
          continue;
        // Without a product it may be recognised as a twin, with the same event.
        const twin = product === undefined && each.format.body.twins?.includes(receipt.product ?? "");
        const expected = twin ? { ...said(receipt), event: each.name } : { ...said(receipt), ...named(each) };
        expect(said(receipt)).toEqual({ ...expected, known: true, schema });
      }
    });

    check("passes each of its proofs when signed", () => {
      const receipt = receive({ products, product: setUpFor(each), delivery: signed, secrets, now });
      expect(receipt.verdicts.map(({ id, verdict }) => [id, verdict])).toEqual(
        each.format.proofs.map(({ id }) => [id, "passed"]),
      );
      expect(receipt.schema?.issues ?? []).toEqual([]);
    });

    if (coversBody(each))
      check("is rejected with any byte changed", () => {
        for (const at of spread(signed.body.length, 8)) {
          const body = Buffer.from(signed.body);
          body[at] = (body[at] ?? 0) ^ 1;
          const receipt = receive({ products, product: each.product, delivery: { ...signed, body }, secrets, now });
          expect(decideReply(receipt, { schema: "off", onInvalid: "reject" }).accepted, `byte ${at}`).toBe(false);
        }
      });

    if (!coversBody(each))
      check("never reports a changed body as genuine", () => {
        const body = Buffer.concat([signed.body, Buffer.from("\n")]);
        const receipt = receive({ products, product: setUpFor(each), delivery: { ...signed, body }, secrets, now });
        for (const { proves, verdict } of receipt.verdicts) expect([proves, verdict]).toEqual(["sender", "passed"]);
        expect(receipt.verdicts).toHaveLength(each.format.proofs.length);
      });

    check("has the ids of its records in its body", () => {
      const records = each.format.body.records(data, each.name);
      if (!each.match.event.open) expect(records).not.toEqual([]);
      for (const record of records) {
        if (!each.match.event.open)
          expect(record, "an id as long as Zoho's are, or ZeptoMail's").toMatch(/^(\d{17,19}|[0-9a-f]{20})$/);
        expect(each.text).toContain(record);
      }
    });

    check("has the same identity with another body only if it can happen once", () => {
      const other = { ...delivery, body: Buffer.concat([delivery.body, Buffer.from("\n")]) };
      const [first, second] = [delivery, other].map(
        (one) => receive({ products, product: each.product, delivery: one, secrets: noSecrets, now }).identity,
      );
      expect(first).toBeDefined();
      const hasOwn = each.format.body.identity?.(data, each.name) !== undefined;
      expect(first === second).toBe(each.match.event.once || hasOwn);
    });

    check("is invalid without any required member, and names it", () => {
      const paths = requiredPaths(each.match.event.schema, data);
      if (!each.match.event.open) expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) {
        const { issues } = checkSchema(each.match.event.schema, changedAt(data, path, undefined));
        expect(issues.map(({ at, received }) => [at, received])).toEqual([[written(path), "nothing"]]);
      }
    });

    check("is invalid when the envelope names another event", () => {
      for (const member of Object.keys(Object(data))) {
        const changed = changedAt(data, [member], "renamed");
        const claimed = claimedEvent(each, changed);
        if (claimed === each.match.event || (each.match.event.open && claimed === undefined)) continue;
        const { issues } = checkSchema(each.match.event.schema, changed);
        expect(issues.map(({ at }) => at)).toEqual([written([member])]);
      }
    });

    check("is valid with unknown fields", () => {
      const extra = JSON.parse(each.text, (_key, value: unknown) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? { ...value, Custom_Field_7: [1] }
          : value,
      );
      expect(checkSchema(each.match.event.schema, extra).issues).toEqual([]);
    });

    check("has no time later than the event, except future dates", () => {
      const times = [...texts(data).filter(([, text]) => /^\d{4}-\d\d-\d\d/.test(text)), ...moments(data)];
      const past = times.filter(
        ([name]) => !/expir|due|next|closing|until|from|^end|start_date|^startTime|ends_at/i.test(name),
      );
      // Some bodies have no times.
      if (past.length === 0) return;
      expect(
        past
          .map(([, text]) => text.slice(0, 19).padEnd(19, "T10:30:00"))
          .sort()
          .at(-1),
        "the latest time in it, when the world of the fixtures is",
      ).toBe("2025-01-15T10:30:00");
    });

    check("is not ahead of the clock once its times are refreshed, except future dates", () => {
      const sent = new Date("2026-03-01T12:00:00.000Z");
      const fresh = freshen(data, seededRandom(1), sent, each.format.body.records(data, each.name));
      const times = timesIn(fresh).filter(([name]) => !TO_COME.test(name));
      for (const [name, at] of times) expect(at, name).toBeLessThanOrEqual(sent.getTime());
      const at = (name: string) => times.filter(([each]) => each === name).map(([, time]) => time);
      const chat = [...at("opened_time"), ...at("attended_time"), ...at("end_time")];
      expect(chat).toEqual(chat.toSorted((a, b) => a - b));
    });

    check("contains no real address or secret", () => {
      for (const [name, text] of texts(data)) {
        if (name === "token") expect(text).toBe("YOUR_NOTIFICATION_TOKEN");
        if (text.includes("@")) expect(text).toMatch(/^[\w.]+@example\.(com|org)$/);
      }
    });

    check("has a one-line summary with a capital and without full stop", () => {
      expect(each.match.event.summary).toMatch(/^[A-Z][^\n]{8,80}[^.\s]$/);
    });
  },
);

function claimedEvent(each: FixtureCase, data: unknown) {
  const delivery = deliveryOf(each, data);
  const read = readPayload(delivery);
  const name = read.ok ? each.format.body.recognise(read.payload, delivery) : undefined;
  return name === undefined ? undefined : findEvent(each.format, name)?.event;
}

/** The product as configured by a user of this format. */
function setUpFor({ product, format }: FixtureCase): Product | undefined {
  return configureProducts([product], { [product.id]: { format: format.id } })[0];
}

function written(path: readonly string[]): string {
  return pathText(path.map((key) => (/^\d+$/.test(key) ? Number(key) : key)));
}

function coversBody({ format }: FixtureCase): boolean {
  return format.proofs.some(({ proves }) => proves === "body");
}

function named(each: FixtureCase) {
  return { product: each.product.id, format: each.format.id, event: each.name };
}

function said({ product, format, event, known, schema }: Receipt) {
  return { product, format, event, known, schema };
}

/** Positions across a length, including both ends. */
function spread(length: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / (count - 1)));
}

/** Every text in a value, with the name of its member. */
function texts(value: unknown, name = ""): readonly (readonly [string, string])[] {
  if (typeof value === "string") return [[name, value]];
  if (Array.isArray(value)) return value.flatMap((item) => texts(item, name));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([member, item]) => texts(item, member));
}

/** Names of times in the future: due, expiring or planned. */
const TO_COME =
  /expir|due|^next_|_ends_at$|^end_?date|^start_date$|^(start|end)Time|^closing_date$|^Start_DateTime$|(^|_)(from|to|until)$/i;

/** Every time in a value, in whatever notation, with the name of its member; a day counts as its first moment. */
function timesIn(value: unknown): readonly (readonly [string, number])[] {
  const written = texts(value).filter(([, text]) => /^\d{4}-\d\d-\d\d|^[A-Z][a-z]{2,8} \d{1,2}, \d{4}/.test(text));
  return [...written, ...moments(value)].map(([name, text]) => [name, Date.parse(text)]);
}

/** Every number or text that counts milliseconds since 1970, with the name of its member. */
function moments(value: unknown, name = ""): readonly (readonly [string, string])[] {
  if (/^17\d{11}$/.test(String(value))) return [[name, new Date(Number(value)).toISOString()]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([member, item]) => moments(item, member));
}
