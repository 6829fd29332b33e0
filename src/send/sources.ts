import { existsSync } from "node:fs";
import { relative } from "node:path";
import { readPayload } from "../delivery/payload.ts";
import { appUrl } from "../delivery/target.ts";
import { echoChallenge } from "../model/challenge.ts";
import { eventNames, findEvent, findFormat } from "../model/event-names.ts";
import { chosenFormat, requireEvent, requireOneEvent, requireProduct, splitEvent } from "../model/named.ts";
import type { Format, Probe, Product } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import { warnOfMistypedModules, warnOfUnknownVariables } from "../own-products/project-products.ts";
import type { Config } from "../project/load.ts";
import { openTips } from "../project/tips.ts";
import { verifyProof } from "../recognition/authenticate.ts";
import { receive } from "../recognition/receive.ts";
import { assign } from "../samples/edit-body.ts";
import { type FixtureKey, fixtureKeysOf, projectFixturePath, readFixture } from "../samples/fixtures.ts";
import { isSignature, prepare } from "../samples/prepare.ts";
import { UserError, usageError } from "../util/errors.ts";
import { readExact } from "../util/json.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { asData, readGivenBody, warnOfReserialising } from "./given-body.ts";
import type { SendPlan } from "./plan.ts";

/** A sample, body or challenge that any number of deliveries can be made from. */
export interface Source {
  readonly product: Product;
  readonly format: Format;
  /** Undefined for a challenge, and for a body given with --data in which no event is recognised. */
  readonly event?: string;
  readonly url: string;
  /** Data to serialise, or bytes to send as they are; undefined for a challenge. */
  readonly body?: unknown;
  /** The ids of the records that the data is about. */
  readonly records?: readonly string[];
  readonly contentType?: string;
  readonly probe?: Probe;
  /** How to get the body of the other format. */
  readonly tip?: string;
}

type Found = Omit<Source, "url" | "tip">;

interface Input {
  readonly workspace: ReportingWorkspace;
  readonly plan: SendPlan;
  readonly config: Config;
  readonly products: readonly Product[];
}

/** Reads and checks everything that the plan names: after this only the network can fail. */
export async function readSources(
  workspace: ReportingWorkspace,
  plan: SendPlan,
  config: Config,
): Promise<readonly Source[]> {
  const products = await workspace.products({ schemasOf: plan.product });
  warnOfUnknownVariables(workspace, config, products);
  const [product, event] = (!plan.event && splitEvent(products, plan.product ?? "")) || [];
  const named = product === undefined ? plan : { ...plan, product, event };
  const found = await findSources({ workspace, plan: named, config, products });
  const tips = await openTips(workspace, config.root);
  const shown = new Set<string>();
  const sources = found.map((each) => {
    const tip = otherFormat(each);
    const url = appUrl(plan.to, each.product.id, config.settings);
    if (tip === undefined || shown.has(tip) || !tips.isNew(tip)) return { ...each, url };
    shown.add(tip);
    return { ...each, url, tip };
  });
  await tips.remember();
  return sources;
}

const OTHER_FORMATS = [
  { id: "wire", other: "guide", tip: "to send the Webhooks Guide's body instead: --format guide" },
  { id: "guide", other: "wire", tip: "to send Zoho's own body instead: --format wire" },
] as const;

/** How to get what Zoho posts in place of the guide's body, or the other way round. */
function otherFormat({ product, format, event, probe }: Found): string | undefined {
  const wanted = OTHER_FORMATS.find(({ id }) => id === format.id);
  const other = wanted && findFormat(product, wanted.other);
  if (other === undefined || event === undefined || probe !== undefined) return undefined;
  return findEvent(other, event) === undefined ? undefined : wanted?.tip;
}

async function findSources(input: Input): Promise<readonly Found[]> {
  const { workspace, plan, config, products } = input;
  if (plan.data !== undefined) return [await bodySource(input, plan.data)];
  if (plan.all) return allSamples(plan, products).flatMap((sample) => sampleSource(input, sample) ?? []);
  const product = requireProduct(products, plan.product ?? "");
  if (plan.challenge !== undefined) return challengeSources(product, plan);
  const format = chosenFormat(product, plan.format, plan.event);
  if (plan.event === undefined) {
    const some = eventNames(format).slice(0, 8).join(", ");
    const others = product.formats.flatMap(({ id }) => (id === format.id ? [] : [id]));
    const more = others.length === 0 ? "" : ` (--format ${others.join(", --format ")} for others)`;
    throw usageError(
      `send ${product.id} needs an event`,
      `such as ${some}${more}; zoho-hooks products ${product.id} lists them, --all sends every one`,
    );
  }
  const sample = { product, format, name: requireOneEvent(product, format, plan.event).name };
  // The user's own sample makes the module a known one.
  if (!existsSync(projectFixturePath(config.root, sample))) warnOfMistypedModules(workspace, [product], [sample.name]);
  return [sampleSource(input, sample)].flatMap((each) => each ?? []);
}

function allSamples(plan: SendPlan, products: readonly Product[]): readonly FixtureKey[] {
  const wanted = plan.product === undefined ? products : [requireProduct(products, plan.product)];
  // Without a product, those that lack the format are skipped; a named product must have it.
  const able = wanted.filter(
    (each) => plan.product !== undefined || plan.format === undefined || findFormat(each, plan.format),
  );
  if (able.length === 0) throw usageError(`no product has a format ${JSON.stringify(plan.format)}`);
  return able.flatMap((product) => fixtureKeysOf(product, chosenFormat(product, plan.format)));
}

/** An event of a custom product may have no sample yet. With --all that is a warning only, and there is no source. */
function sampleSource({ workspace, plan, config: { root } }: Input, sample: FixtureKey): Found | undefined {
  const { product, format, name: event } = sample;
  const name = `${product.id} ${event}`;
  const fixture = readFixture({ root, packageRoot: workspace.packageRoot }, sample);
  if (fixture === undefined) {
    const hint = `put one at ${relative(workspace.cwd, projectFixturePath(root, sample))}`;
    if (!plan.all || product.folder === undefined)
      throw usageError(`there is no sample of ${name}`, `${hint}, or give a body with --data`);
    workspace.report({ type: "warning", message: `${name} has no sample`, hint });
    return undefined;
  }
  checkAssignments(fixture.data, plan, name);
  const records = format.body.records(fixture.data, event);
  return { product, format, event, body: readExact(fixture.text), records };
}

async function bodySource({ workspace, plan, config, products }: Input, data: string): Promise<Found> {
  const given = await readGivenBody(workspace, data, plan);
  const { bytes, contentType } = given;
  const named = plan.product === undefined ? undefined : requireProduct(products, plan.product);
  const delivery = { method: "POST", url: "/", headers: [["content-type", contentType]] as const, body: bytes };
  const { secrets } = config;
  const seen = receive({ products, product: named, delivery, secrets, now: workspace.now(), schemas: false });
  const product = named ?? products.find((each) => each.id === seen.product);
  if (product === undefined) {
    throw usageError("the product cannot be recognised from the body", "name it: zoho-hooks send crm --data …");
  }
  const format = chosenFormat(product, plan.format ?? formatSeen(product, plan, seen), plan.event);
  const event = plan.event === undefined ? seen.event : requireEvent(product, format, plan.event).name;
  const change = plan.assignments.length > 0 ? "--set" : plan.fresh ? "--seed" : undefined;
  if (change === undefined) {
    const signs = format.proofs.some(
      (proof) => proof.proves === "body" && secrets.for(proof.credential, product.id).length > 0,
    );
    warnOfReserialising(workspace, given, signs && !plan.faults.noSignature);
    const source = { product, format, event, body: bytes, contentType };
    warnOfWrongToken(workspace, source, { plan, config });
    return source;
  }
  const body = asData(given, change);
  checkAssignments(body, plan, `${product.id} ${event ?? "body"}`);
  const records = event === undefined ? [] : format.body.records(body, event);
  return { product, format, event, body, records, contentType };
}

/** A body that is sent as it is may have a wrong token, or none. Checks the request: send itself adds what is in a header or the URL. */
function warnOfWrongToken(
  workspace: ReportingWorkspace,
  { product, format, event, body, contentType }: Found,
  { plan: { headers }, config: { secrets } }: Pick<Input, "plan" | "config">,
): void {
  const about = { product: product.id, format, event, url: "http://localhost/", body, contentType };
  const { delivery } = prepare({ ...about, headers, secrets, now: workspace.now() });
  const read = readPayload(delivery);
  if (!read.ok) return;
  for (const proof of format.proofs) {
    if (isSignature(proof)) continue;
    const { payload } = read;
    const { verdict, reason } = verifyProof(proof, product, { delivery, payload, secrets, now: workspace.now() });
    if (verdict !== "failed") continue;
    workspace.report({
      type: "warning",
      message: `${reason}; your body is sent as it is`,
      hint:
        proof.credential === "token"
          ? "an app that checks the token will reject it: put the right one into the body, or use --set or --seed, with which send inserts it"
          : "an app that checks the value will reject it: leave it out of the body and of -H, and send inserts the right one",
    });
  }
}

/** The format seen in a body. A custom event fits every body, so it does not count against the event that was named. */
function formatSeen({ formats }: Product, { event }: SendPlan, seen: Receipt): string | undefined {
  const format = formats.find(({ id }) => id === seen.format);
  const isAny = format?.body.customEvent !== undefined && format.body.customEvent === seen.event;
  return isAny && event !== undefined && findEvent(format, event) === undefined ? undefined : seen.format;
}

/** Finds a wrong path of --set before anything is sent. */
function checkAssignments(data: unknown, plan: SendPlan, name: string): void {
  try {
    plan.assignments.reduce(assign, data);
  } catch (error) {
    if (error instanceof UserError && plan.all) throw usageError(`${name}: ${error.message}`, error.hint);
    throw error;
  }
}

/** The challenge of the format of the flag or of the settings; of the first that has one, where that has none. */
function challengeSources(product: Product, plan: SendPlan): readonly Found[] {
  const usual = chosenFormat(product, plan.format);
  const has = (format: Format): boolean => isChallenged(format) || (plan.challenge === true && !!format.setup?.probes);
  const format = (plan.format === undefined ? [usual, ...product.formats].find(has) : undefined) ?? usual;
  if (isChallenged(format)) return [{ product, format }];
  return requireProbes(product, format, plan).map((probe) => ({ product, format, probe }));
}

/** The guide's challenge, which must be echoed. */
function isChallenged(format: Format): boolean {
  return format.setup?.handshake === echoChallenge;
}

/** The probes that Zoho itself sends. A product without known probes has nothing to try. */
function requireProbes(product: Product, { id, setup }: Format, plan: SendPlan): readonly Probe[] {
  const probes = setup?.probes;
  if (probes === undefined) {
    const guide = product.formats.find(isChallenged);
    throw usageError(
      `format ${id} of ${product.title} has no known challenge`,
      guide === undefined
        ? "leave --challenge out, and send one of its events"
        : `for the guide's challenge, use --format ${guide.id}`,
    );
  }
  if (plan.challenge !== true)
    throw usageError(`the probe of ${product.title} has no value`, "use --challenge without one");
  if (plan.count > 1) {
    throw usageError(`the probe of ${product.title} is sent once`, "leave --count out");
  }
  return probes;
}
