import { describe, expect, it } from "vitest";
import { noSecrets } from "../../src/body/secret.ts";
import type { Product } from "../../src/core/product.ts";
import { type Receipt, receive } from "../../src/core/receive.ts";
import { checkSchema } from "../../src/core/schema.ts";
import { products } from "../../src/products/index.ts";
import { posted } from "../support/deliveries.ts";
import { deliveryOf, type FixtureCase, fixtureCases } from "../support/fixture-cases.ts";

type Path = readonly (string | number)[];

interface Mutant {
  readonly label: string;
  readonly of: FixtureCase;
  readonly body: unknown;
  /** How many members of the envelope are left. */
  readonly left: number;
}

/** The members of a fixture's envelope, by their paths in the body; empty for a user-designed body. */
function members({ format }: FixtureCase, body: unknown): readonly Path[] {
  const object = Array.isArray(body) ? body[0] : body;
  const envelope = format.envelope?.(object as object);
  const start = format.list ? [0] : [];
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

function mutantsOf(of: FixtureCase): readonly Mutant[] {
  const body: unknown = JSON.parse(of.text);
  const paths = members(of, body);
  if (paths.length === 0) return [];
  const mutants = paths.flatMap((path) => {
    const key = String(path.at(-1));
    const old = memberOf(body, path);
    const label = path.join(".");
    const left = paths.length - 1;
    return [
      { label: `drop ${label}`, body: changed(body, path, undefined), left },
      { label: `null ${label}`, body: changed(body, path, key, null), left },
      { label: `retype ${label}`, body: changed(body, path, key, typeof old === "object" ? "text" : { a: 1 }), left },
      { label: `rename ${label}`, body: changed(body, path, `${key.slice(0, 2)}${key.slice(3)}`, old), left },
      ...(typeof old === "string" && of.name.endsWith(old)
        ? [{ label: `swap ${label}`, body: changed(body, path, key, ofAnotherProduct(of)), left }]
        : []),
    ];
  });
  const moved = Array.isArray(body)
    ? { label: "take out of its list", body: body[0] as unknown }
    : { label: "put into a list", body: [body] };
  return [...mutants, { ...moved, left: paths.length }].map((mutant) => ({ ...mutant, of }));
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
  const mutants = fixtureCases().flatMap(mutantsOf);

  it.each([
    ["with its product named", (of: FixtureCase) => of.product],
    ["without a product", () => undefined],
  ])(
    "is never green, custom or another product's, and has a nearest match, %s",
    { timeout: 60_000 },
    (title, productOf) => {
      const counts = { mutants: 0, allowed: 0, schemaIssues: 0, unknownEvent: 0, unrecognised: 0 };
      const wrong: string[] = [];
      for (const mutant of mutants) {
        const { of, label } = mutant;
        const receipt = receiptOf(mutant, productOf(of));
        const { product, format, event, known, designed, nearest, schema, couldBe } = receipt;
        const isTwin = couldBe.some((each) => each.startsWith(`${of.product.id} `));
        const isOwn = product === of.product.id || isTwin;
        const report = (what: string): number =>
          wrong.push(`${of.label}, ${label}: ${what} (${product} ${format} ${event})`);
        counts.mutants++;
        if (isGreen(receipt)) {
          counts.allowed++;
          if (isOwn ? format === of.format.id && !isAllowed(mutant) : !isAllowed(mutant)) report("green");
        } else if (known && schema !== undefined) counts.schemaIssues++;
        else if (event !== undefined) counts.unknownEvent++;
        else counts.unrecognised++;
        if (known && !isOwn && product !== undefined && !isAllowed(mutant)) report("another product's");
        if (designed && mutant.left > 1) report("custom");
        if (format === undefined && mutant.left > 1 && nearest === undefined) report("nothing near");
      }
      process.stdout.write(`mutations ${title}: ${JSON.stringify(counts)}\n`);
      expect(wrong).toEqual([]);
    },
  );
});
