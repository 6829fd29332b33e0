import { existsSync } from "node:fs";
import { relative } from "node:path";
import { assign } from "../contract/edit-body.ts";
import { eventNames, findEvent, findFormat } from "../contract/event-names.ts";
import { chosenFormat, requireEvent, requireOneEvent, requireProduct } from "../contract/named.ts";
import type { Format, Probe, Product } from "../contract/product.ts";
import { projectProducts, warnOfMistypedModules, warnOfUnknownVariables } from "../custom/project-products.ts";
import type { HeaderPair } from "../delivery/delivery.ts";
import { CREDENTIAL_VARIABLES, type Secrets } from "../delivery/secret.ts";
import { appUrl } from "../delivery/target-url.ts";
import type { Sample } from "../events/sample.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { echoChallenge } from "../recognition/handshake.ts";
import { type Receipt, receive } from "../recognition/receive.ts";
import { type FixtureRoots, projectFixturePath, readFixture } from "../samples/fixtures.ts";
import { UserError, usageError } from "../util/errors.ts";
import { readExact } from "../util/json.ts";
import { asData, type OwnBody, readOwnBody, warnOfReserialising, warnOfToken } from "./own-body.ts";
import type { SendPlan } from "./plan.ts";

/** A sample, body or challenge that any number of deliveries can be made from. */
export interface Subject {
  readonly product: Product;
  readonly format: Format;
  /** Undefined for a challenge, and for a body given with --data in which no event is recognised. */
  readonly event: string | undefined;
  readonly url: string;
  /** Data to serialise, or bytes to send as they are; undefined for a challenge. */
  readonly body: unknown;
  /** The ids of the records that the data is about. */
  readonly records: readonly string[];
  readonly contentType: string | undefined;
  readonly probe?: Probe;
}

/** Reads and checks everything that the plan names: after this only the network can fail. */
export async function chooseSubjects(context: Context, plan: SendPlan, config: Config): Promise<readonly Subject[]> {
  const products = await projectProducts(context, { config });
  warnOfUnknownVariables(context, config, products);
  if (plan.data !== undefined) return [await ownSubject(context, plan, config, products, plan.data)];
  if (plan.all) return allSubjects(context, plan, config, products);
  const product = requireProduct(products, plan.product ?? "");
  const format =
    plan.challenge === undefined ? chosenFormat(product, plan.format, plan.event) : challengeFormat(product, plan);
  if (plan.challenge !== undefined) {
    const empty = { event: undefined, body: undefined, records: [], contentType: undefined };
    const challenge = subject(plan, config, { product, format, ...empty });
    return isChallenged(format)
      ? [challenge]
      : requireProbes(product, format, plan).map((probe) => ({ ...challenge, probe }));
  }
  if (plan.event === undefined) {
    const some = eventNames(format).slice(0, 8).join(", ");
    const others = product.formats.flatMap(({ id }) => (id === format.id ? [] : [id]));
    const more = others.length === 0 ? "" : ` (--format ${others.join(", --format ")} for others)`;
    throw usageError(
      `send ${product.id} needs an event`,
      `such as ${some}${more}; zoho-hooks products ${product.id} lists them, --all sends every one`,
    );
  }
  const sample = { product, format, match: requireOneEvent(product, format, plan.event) };
  // The user's own sample makes the module a known one.
  if (!existsSync(projectFixturePath(config.root, product, format, sample.match)))
    warnOfMistypedModules(context, [product], [sample.match.name]);
  return [sampleSubject(context, plan, config, sample)];
}

function allSubjects(
  context: Context,
  plan: SendPlan,
  config: Config,
  products: readonly Product[],
): readonly Subject[] {
  const wanted = plan.product === undefined ? products : [requireProduct(products, plan.product)];
  const chosen = wanted.flatMap((product: Product) => {
    // Without a product, those that lack the format are skipped; a named product must have it.
    const has = plan.product !== undefined || plan.format === undefined || findFormat(product, plan.format);
    return has ? [{ product, format: chosenFormat(product, plan.format) }] : [];
  });
  if (chosen.length === 0)
    throw usageError(
      `${wanted === products ? "no product" : `none of ${wanted.map(({ id }) => id).join(", ")}`} has a format ${JSON.stringify(plan.format)}`,
    );
  const subjects = chosen.flatMap(({ product, format }) =>
    format.events.length === 0
      ? []
      : eventNames(format)
          .filter((name) => !name.includes("<"))
          .map((name) => ({ product, format, match: requireEvent(product, format, name) }))
          .filter((sample) => hasSample(context, config, sample))
          .map((sample) => sampleSubject(context, plan, config, sample)),
  );
  return subjects;
}

function sampleSubject(context: Context, plan: SendPlan, config: Config, { product, format, match }: Sample): Subject {
  const fixture = readFixture(rootsOf(context, config), product, format, match);
  if (fixture === undefined) {
    throw usageError(
      `there is no sample of ${product.id} ${match.name}`,
      `put one at ${relative(context.cwd, projectFixturePath(config.root, product, format, match))}, or give a body with --data`,
    );
  }
  checkAssignments(fixture.data, plan, `${product.id} ${match.name}`);
  const records = format.records(fixture.data, match.name);
  const body = readExact(fixture.text);
  return subject(plan, config, { product, format, event: match.name, body, records, contentType: undefined });
}

/** An event of a user-defined product may have no sample yet. With --all that is a warning only. */
function hasSample(context: Context, config: Config, { product, format, match }: Sample): boolean {
  if (product.folder === undefined || readFixture(rootsOf(context, config), product, format, match)) return true;
  const path = relative(context.cwd, projectFixturePath(config.root, product, format, match));
  context.report({ type: "warning", message: `${product.id} ${match.name} has no sample`, hint: `put one at ${path}` });
  return false;
}

function rootsOf({ packageRoot }: Context, { root }: Config): FixtureRoots {
  return { root, packageRoot };
}

async function ownSubject(
  context: Context,
  plan: SendPlan,
  config: Config,
  products: readonly Product[],
  data: string,
): Promise<Subject> {
  const own = await readOwnBody(context, data, plan.headers);
  const named = plan.product === undefined ? undefined : requireProduct(products, plan.product);
  const seen = recogniseOwn(context, config, own, products, named);
  const product = named ?? products.find((each) => each.id === seen.product);
  if (product === undefined) {
    throw usageError("the product cannot be recognised from the body", "name it: zoho-hooks send crm --data …");
  }
  const format = chosenFormat(product, plan.format ?? formatSeen(product, plan, seen), plan.event);
  const event = plan.event === undefined ? seen.event : requireEvent(product, format, plan.event).name;
  const { contentType } = own;
  const change = plan.assignments.length > 0 ? "--set" : plan.fresh ? "--seed" : undefined;
  if (change === undefined) {
    const signs = format.proofs.some(
      (proof) => proof.proves === "body" && config.secrets.for(proof.credential, product.id).length > 0,
    );
    warnOfReserialising(context, own, signs && plan.faults.noSignature !== true);
    // The format that the body is sent as may have no token.
    warnOfToken(
      context,
      seen.verdicts.filter(({ id }) => format.proofs.some((proof) => proof.id === id)),
    );
    return subject(plan, config, { product, format, event, body: own.bytes, records: [], contentType });
  }
  const body = asData(own, change);
  checkAssignments(body, plan, `${product.id} ${event ?? "body"}`);
  const records = event === undefined ? [] : format.records(body, event);
  return subject(plan, config, { product, format, event, body, records, contentType });
}

/** A catch-all format fits every body, so it does not count against the event that was named. */
function formatSeen({ formats }: Product, { event }: SendPlan, seen: Receipt): string | undefined {
  const format = formats.find(({ id }) => id === seen.format);
  const isAny = format?.catchAll !== undefined && format.catchAll === seen.event;
  return isAny && event !== undefined && findEvent(format, event) === undefined ? undefined : seen.format;
}

function recogniseOwn(
  context: Context,
  config: Config,
  own: OwnBody,
  products: readonly Product[],
  product: Product | undefined,
) {
  const delivery = {
    method: "POST",
    url: "/",
    headers: [["content-type", own.contentType]] as const,
    body: own.bytes,
  };
  return receive({ products, product, delivery, secrets: config.secrets, now: context.now(), schemas: false });
}

function subject({ to }: SendPlan, { settings }: Config, about: Omit<Subject, "url">): Subject {
  return { ...about, url: appUrl(to, about.product.id, settings) };
}

/** Finds a wrong path of --set before anything is sent. */
function checkAssignments(data: unknown, plan: SendPlan, what: string): void {
  try {
    plan.assignments.reduce((value, each) => assign(value, each), data);
  } catch (error) {
    if (error instanceof UserError && plan.all) throw usageError(`${what}: ${error.message}`, error.hint);
    throw error;
  }
}

/** The format of the flag or of the settings; the first that has a challenge, where that has none. */
function challengeFormat(product: Product, { format: flag, challenge }: SendPlan): Format {
  const usual = chosenFormat(product, flag);
  const has = (format: Format): boolean => isChallenged(format) || (challenge === true && format.probes !== undefined);
  return (flag === undefined ? [usual, ...product.formats].find(has) : undefined) ?? usual;
}

/** The guide's challenge, which must be echoed. */
function isChallenged(format: Format): boolean {
  return format.handshake === echoChallenge;
}

/** The probes that Zoho itself sends. A product without known probes has nothing to try. */
function requireProbes(product: Product, format: Format, plan: SendPlan): readonly Probe[] {
  const { probes } = format;
  if (probes === undefined) {
    const guide = product.formats.find(isChallenged);
    throw usageError(
      `format ${format.id} of ${product.title} has no known challenge`,
      guide === undefined
        ? "leave --challenge out, and send one of its events"
        : `for the guide's challenge, use --format ${guide.id}`,
    );
  }
  if (plan.challenge !== true)
    throw usageError(`the probe of ${product.title} has no value`, "use --challenge without one");
  if (plan.count > 1 || plan.repeat > 0 || plan.breakage !== undefined) {
    throw usageError(
      `the probe of ${product.title} is sent once, and complete`,
      "leave --count, --repeat, --malformed and --truncate out",
    );
  }
  return probes;
}

/** The header with the configured secret, for a probe that carries one: later deliveries are signed with it. */
export function handedOver({ handsOver }: Probe, product: Product, secrets: Secrets): readonly HeaderPair[] {
  if (handsOver === undefined) return [];
  const [secret] = secrets.for(handsOver.credential, product.id);
  if (secret !== undefined) return [[handsOver.header, secret.reveal()]];
  throw usageError(
    `the probe of ${product.title} carries a secret in ${handsOver.header}, and none is configured`,
    `set ${CREDENTIAL_VARIABLES[handsOver.credential]} to a value of your choice: send uses it to sign later events, too`,
  );
}
