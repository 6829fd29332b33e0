import { exec } from "node:child_process";
import { type EventMatch, eventNames, findEvent, findProduct } from "../contract/event-names.ts";
import { chosenFormat, requireProduct } from "../contract/named.ts";
import type { Format, Product } from "../contract/product.ts";
import { projectProducts, warnOfUnknownVariables } from "../custom/project-products.ts";
import { splitUrl } from "../delivery/delivery.ts";
import { CREDENTIAL_VARIABLES } from "../delivery/secret.ts";
import { appUrl } from "../delivery/target-url.ts";
import type { Context } from "../project/context.ts";
import type { SecretOptions } from "../project/given-secrets.ts";
import type { Config } from "../project/load.ts";
import { deadlineOf } from "../recognition/reply.ts";
import { readFixture } from "../samples/fixtures.ts";
import { usageError } from "../util/errors.ts";
import { readExact } from "../util/json.ts";
import { recordsOf } from "./endpoint/samples.ts";
import type { Sample, Subject } from "./endpoint/subject.ts";

export interface CheckOptions extends SecretOptions {
  readonly product?: string;
  readonly format?: string;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly summary?: string;
  readonly countCmd?: string;
  readonly yes?: boolean;
}

/** Where neither the flag nor the URL names a product. */
const DEFAULT_PRODUCT = "crm";

export async function chooseSubject(
  context: Context,
  config: Config,
  to: string,
  options: CheckOptions,
): Promise<Subject> {
  const products = await projectProducts(context, { config, schemas: false });
  warnOfUnknownVariables(context, config, products);
  const product = chooseProduct(products, to, options.product);
  const format = chosenFormat(product, options.format);
  const { withinMs } = deadlineOf(product.title, format.answer, context.overrides?.answerWithinMs);
  const samples = samplesOf(context, config, product, format);
  const [first] = samples;
  if (first === undefined) {
    throw usageError(`${product.id} ${format.id} has no sample that could be sent`, "choose another --format");
  }
  const url = appUrl(to, product.id, config.settings, "check");
  return {
    product,
    format,
    url,
    sample: first.sample,
    update: samples.find(
      ({ match, sample }) =>
        !match.event.once && !match.event.designed && recordsOf(format, sample.data, sample.event).length > 0,
    )?.sample,
    secrets: config.secrets,
    variables: CREDENTIAL_VARIABLES,
    deadlineMs: withinMs,
    count: options.countCmd === undefined ? undefined : await counter(context, options.countCmd),
  };
}

function chooseProduct(products: readonly Product[], to: string, id: string | undefined): Product {
  if (id !== undefined) return requireProduct(products, id, "--product");
  const last = splitUrl(to).path.split("/").at(-1) ?? "";
  return findProduct(products, last) ?? requireProduct(products, DEFAULT_PRODUCT);
}

interface Choice {
  readonly match: EventMatch;
  readonly sample: Sample;
}

/** In the order of the format's events. */
function samplesOf({ packageRoot }: Context, { root }: Config, product: Product, format: Format): readonly Choice[] {
  return eventNames(format).flatMap((name) => {
    const match = name.includes("<") ? undefined : findEvent(format, name);
    const fixture = match && readFixture({ root, packageRoot }, { product, format, name: match.name });
    if (match === undefined || fixture === undefined) return [];
    const sample = {
      event: match.name,
      data: readExact(fixture.text),
      records: format.records(fixture.data, match.name),
    };
    return [{ match, sample }];
  });
}

const COUNT_TIMEOUT_MS = 10_000;

/** Runs the command once, so that a mistake in it is found before anything is sent. */
async function counter(context: Context, command: string): Promise<() => Promise<number>> {
  const { cwd, env, signal } = context;
  const count = (): Promise<number> =>
    new Promise((resolve, reject) => {
      exec(command, { cwd, env, signal, timeout: COUNT_TIMEOUT_MS }, (error, stdout, stderr) => {
        const printed = stdout.trim();
        if (signal.aborted) reject(signal.reason);
        else if (error === null && /^\d{1,15}$/.test(printed)) resolve(Number(printed));
        else {
          const found =
            error === null
              ? `printed ${JSON.stringify(printed.slice(0, 80))}`
              : `failed: ${stderr.trim().slice(0, 200)}`;
          reject(usageError(`--count-cmd: the command ${found}`, "it must print one whole number, and exit with 0"));
        }
      });
    });
  await count();
  return count;
}
