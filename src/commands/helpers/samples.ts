import { randomUUID } from "node:crypto";
import { type Delivery, headerValue, splitUrl, withHeader } from "../../body/delivery.ts";
import { problemText, readPayload } from "../../body/payload.ts";
import { redactPersonal } from "../../body/redact.ts";
import { type Fixture, projectFixturePath, readFixture } from "../../config/fixtures.ts";
import type { Settings } from "../../config/settings.ts";
import type { Context } from "../../context.ts";
import { type EventMatch, eventNames, findEvent } from "../../core/event-names.ts";
import { maskBody } from "../../core/mask.ts";
import type { Format, Product } from "../../core/product.ts";
import { usageError } from "../../util/errors.ts";
import { prettyJson } from "../../util/json-print.ts";
import { chosenFormat, requireOneEvent, requireProduct } from "./options.ts";

export interface FixtureOptions {
  readonly format?: string;
}

/** A sample together with what it is a sample of. */
export interface Sample {
  readonly product: Product;
  readonly format: Format;
  readonly match: EventMatch;
}

/** The one event that a user named. A family's own name is no event. */
export function requireSample(
  products: readonly Product[],
  id: string,
  name: string,
  options: FixtureOptions,
  settings: Settings,
): Sample {
  const product = requireProduct(products, id);
  const format = chosenFormat(product, options.format, settings);
  return { product, format, match: requireOneEvent(product, format, name) };
}

/** The sample's file. Throws a usage error where an event of the user's own has none yet. */
export function requireFixture({ packageRoot }: Context, root: string, sample: Sample): Fixture {
  const fixture = findFixture(packageRoot, root, sample);
  if (fixture !== undefined) return fixture;
  const { product, format, match } = sample;
  throw usageError(
    `there is no sample of ${product.id} ${match.name}`,
    `put one at ${projectFixturePath(root, product, format, match)}`,
  );
}

export function findFixture(
  packageRoot: string,
  root: string,
  { product, format, match }: Sample,
): Fixture | undefined {
  return readFixture({ root, packageRoot }, product, format, match);
}

/** Every event that a format lists, families under each name that is known. */
export function allSamples(product: Product, format: Format): readonly Sample[] {
  return eventNames(format).flatMap((name) => {
    const match = findEvent(format, name);
    return match === undefined || match.name.includes("<") ? [] : [{ product, format, match }];
  });
}

const FORM = "application/x-www-form-urlencoded";

/** A delivery's content as the text of a fixture: secrets never go along. Throws a UserError where it cannot be one. */
export function sampleText(
  { n, delivery }: { readonly n: number; readonly delivery: Delivery },
  redact: boolean,
): string {
  // A query is the content of a request without a body, and is masked as the form that it is written like.
  const hasBody = delivery.body.length > 0;
  const content = hasBody ? delivery.body : Buffer.from(splitUrl(delivery.url).query);
  const type = hasBody ? (headerValue(delivery, "content-type") ?? "") : FORM;
  const masked = maskBody(content, type);
  const body = redact ? redactPersonal(masked, type, randomUUID()) : masked;
  const { path } = splitUrl(delivery.url);
  const read = readPayload({ ...(hasBody ? delivery : withHeader(delivery, "content-type", FORM)), url: path, body });
  if (!read.ok) throw usageError(`the body of #${n} cannot be a sample: ${problemText(read.problem)}`);
  const { text, data } = read.payload;
  if (text === undefined && (typeof data !== "object" || data === null)) {
    throw usageError(`the body of #${n} cannot be a sample: it is ${data === undefined ? "empty" : "plain text"}`);
  }
  return `${prettyJson(text ?? JSON.stringify(data))}\n`;
}
