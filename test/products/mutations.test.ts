import { describe, expect, it } from "vitest";
import { noSecrets } from "../../src/delivery/secrets.ts";
import type { Product } from "../../src/model/product.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { checkSchema } from "../../src/model/schema.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { posted } from "../support/deliveries.ts";
import { deliveryOf, type FixtureCase, fixtureCases } from "../support/fixture-cases.ts";

type Path = readonly (string | number)[];

interface Mutant {
  readonly label: string;
  readonly of: FixtureCase;
  readonly body: unknown;
  /** Nothing known is left: the only member of the envelope is dropped, or has an unknown name. */
  readonly isBare: boolean;
  /** The changed member is still there, under its name. */
  readonly isKept: boolean;
}

/** The members of a fixture's envelope, by their paths in the body; empty for a custom body. */
function members({ format }: FixtureCase, body: unknown): readonly Path[] {
  const object = Array.isArray(body) ? body[0] : body;
  const envelope = format.body.envelope?.(object as object);
  const start = format.body.layout === "list" ? [0] : [];
  return (envelope?.names ?? [])
    .filter((name) => Object.hasOwn(object as object, name))
    .map((name) => [...start, name]);
}

function memberOf(body: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], body);
}

/** A copy of a body with one member replaced, renamed or, without a value, dropped. */
function changed(body: unknown, path: Path, name: string | undefined, value?: unknown): unknown {
  const copy = structuredClone(body);
  const owner = memberOf(copy, path.slice(0, -1)) as Record<string, unknown>;
  const key = String(path.at(-1));
  const entries = Object.entries(owner).flatMap(([each, old]): [string, unknown][] =>
    each !== key ? [[each, old]] : name === undefined ? [] : [[name, value]],
  );
  for (const each of Object.keys(owner)) delete owner[each];
  Object.assign(owner, Object.fromEntries(entries));
  return copy;
}

const ofAnotherProduct = (of: FixtureCase): string =>
  of.product.id === "desk" ? "invoice_created" : of.product.id === "books" ? "Ticket_Add" : "Ticket.Create";

/** The ids of a fixture's records, by their paths in the body, at most three members deep. */
function ids({ format, name }: FixtureCase, body: unknown): readonly Path[] {
  const records = format.body.records(body, name);
  const find = (value: unknown, path: Path): readonly Path[] =>
    typeof value === "object" && value !== null && path.length < 4
      ? Object.entries(value).flatMap(([key, each]) => find(each, [...path, Array.isArray(value) ? Number(key) : key]))
      : path.length > 1 && records.includes(String(value))
        ? [path]
        : [];
  return find(body, []);
}

function mutantsOf(of: FixtureCase): readonly Mutant[] {
  const body: unknown = JSON.parse(of.text);
  const paths = members(of, body);
  if (paths.length === 0) return [];
  const mutants = [...paths, ...ids(of, body)].flatMap((path) => {
    const key = path.at(-1) as string;
    const old = memberOf(body, path);
    const label = path.join(".");
    const wrong = typeof old === "object" ? "text" : { a: 1 };
    const isOnly = paths.length === 1 && path === paths[0];
    const kept = [
      { label: `null ${label}`, body: changed(body, path, key, null) },
      { label: `retype ${label}`, body: changed(body, path, key, wrong) },
      ...(typeof old === "string" && of.name.endsWith(old)
        ? [{ label: `swap ${label}`, body: changed(body, path, key, ofAnotherProduct(of)) }]
        : []),
    ];
    const lost = [
      { label: `drop ${label}`, body: changed(body, path, undefined) },
      ...(typeof key === "string"
        ? [{ label: `rename ${label}`, body: changed(body, path, `${key.slice(0, 2)}${key.slice(3)}`, old) }]
        : []),
    ];
    return [
      ...kept.map((mutant) => ({ ...mutant, isBare: false, isKept: true })),
      ...lost.map((mutant) => ({ ...mutant, isBare: isOnly, isKept: false })),
    ];
  });
  const moved = Array.isArray(body)
    ? { label: "take out of its list", body: body[0] as unknown }
    : { label: "put into a list", body: [body] };
  return [...mutants, { ...moved, isBare: false, isKept: true }].map((mutant) => ({ ...mutant, of }));
}

function receiptOf({ of, body }: Mutant, product: Product | undefined): Receipt {
  const { url, headers } = deliveryOf(of, JSON.parse(of.text));
  return receive({
    products,
    product,
    delivery: posted(JSON.stringify(body), { url, headers: headers.filter(([name]) => !/^content/i.test(name)) }),
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
}

const isGreen = ({ known, schema }: Receipt): boolean => known && schema?.ok === true;

function isAllowed({ of, body }: Mutant): boolean {
  return checkSchema(of.match.event.schema, body).ok;
}

describe("a fixture with one member of its envelope broken", () => {
  // One of each family: its other members have the same body but for their name.
  const cases = new Map(
    fixtureCases().map((each) => [`${each.product.id} ${each.format.id} ${each.match.event.name}`, each]),
  );
  // Within a product there is less to take it for.
  const ofEachFormat = new Map([...cases.values()].map((each) => [each.format, each]));

  it.each([
    ["with its product named", (of: FixtureCase) => of.product, ofEachFormat],
    ["without a product", () => undefined, cases],
  ] as const)(
    "is never green, custom or another product's, and has a nearest match, %s",
    { timeout: 60_000 },
    (title, productOf, all) => {
      const counts = { mutants: 0, allowed: 0, schemaIssues: 0, unknownEvent: 0, unrecognised: 0 };
      const wrong: string[] = [];
      for (const mutant of [...all.values()].flatMap(mutantsOf)) {
        const { of, label } = mutant;
        const receipt = receiptOf(mutant, productOf(of));
        const { product, format, event, known, custom, nearest, schema, ambiguousWith } = receipt;
        const isTwin = ambiguousWith.some((each) => each.startsWith(`${of.product.id} `));
        const isOwn = product === of.product.id || isTwin;
        const report = (what: string): number =>
          wrong.push(`${of.label}, ${label}: ${what} (${product} ${format} ${event})`);
        counts.mutants++;
        if (isGreen(receipt)) {
          counts.allowed++;
          // Without its event's name, a body may be one of another format of its product.
          const isOther = isOwn && format !== of.format.id && !mutant.isKept;
          if (!isOther && !isAllowed(mutant)) report("green");
        } else if (known && schema !== undefined) counts.schemaIssues++;
        else if (event !== undefined) counts.unknownEvent++;
        else counts.unrecognised++;
        if (known && !isOwn && product !== undefined && !isAllowed(mutant)) report("another product's");
        // The guide's body is one of a webhook that a user designs, unless it is whole.
        const isDesigned =
          of.format.id === "guide" && of.product.formats.some((each) => each.body.customEvent !== undefined);
        if (custom && !mutant.isBare && !isDesigned) report("custom");
        if (format === undefined && !mutant.isBare && nearest === undefined) report("nothing near");
      }
      process.stdout.write(`mutations ${title}: ${JSON.stringify(counts)}\n`);
      expect(wrong).toEqual([]);
    },
  );
});
