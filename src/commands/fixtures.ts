import { join, relative } from "node:path";
import type { Command } from "commander";
import { eventNames, findEvent } from "../contract/event-names.ts";
import { chosenFormat, requireOneEvent, requireProduct } from "../contract/named.ts";
import type { Product } from "../contract/product.ts";
import { projectProducts, warnOfMistypedModules } from "../custom/project-products.ts";
import type { Sample } from "../events/sample.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { type Fixture, projectFixturePath, readBuiltInFixture, readFixture } from "../samples/fixtures.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { readText, writeFileAtomically } from "../util/files.ts";
import { rejectLinks } from "../util/links.ts";
import type { Define } from "./command.ts";

interface FixtureOptions {
  readonly format?: string;
}

export const define: Define = (command, act) => {
  command.addHelpText("before", examples("zoho-hooks fixtures list crm", "zoho-hooks fixtures eject crm Leads.create"));
  withFormat(command.command("show"))
    .description("Print the sample that send uses for an event.")
    .addHelpText(
      "before",
      examples("zoho-hooks fixtures show crm Leads.create", "zoho-hooks fixtures show crm Leads.create --format wire"),
    )
    .argument("<product>", "product, such as crm")
    .argument("<event>", "event, such as Leads.create")
    .action(act(show));
  withFormat(command.command("list"))
    .description("List all samples, and which of them are the project's own.")
    .addHelpText("before", examples("zoho-hooks fixtures list crm"))
    .argument("[product]", "only this product")
    .action(act(list));
  withFormat(command.command("eject"))
    .description("Copy samples into the project, to change them: send then uses your copy.")
    .argument("[product]", "product, such as crm")
    .argument("[event]", "event, such as Leads.create")
    .option("--all", "all events of the product, or of all products")
    .option("--force", "overwrite copies that you have changed")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks fixtures eject crm Leads.create",
        "zoho-hooks fixtures eject crm Invoices.create     a module without its own sample gets the general one",
        "zoho-hooks fixtures eject desk --all",
      ),
    )
    .addHelpText("after", EJECT_HELP)
    .action(act(eject));
};

const EJECT_HELP = `
Copies go to .zoho-hooks/fixtures/<product>/<format>/<event>.json. A copy that you have changed is only overwritten if
you agree, or with --force.`;

function withFormat(command: Command): Command {
  return command.option(
    "--format <format>",
    "format of the sample (default: wire, what Zoho posts, or the one in the settings)",
  );
}

async function show(context: Context, id: string, name: string, options: FixtureOptions): Promise<ExitCode> {
  const { sample, fixture } = await locate(context, id, name, options);
  context.report({ type: "text", text: fixture.text, json: { ...fixtureLine(sample, fixture), text: fixture.text } });
  return ExitCode.ok;
}

async function list(context: Context, id: string | undefined, options: FixtureOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(context, { config });
  const chosen = id === undefined ? products : [requireProduct(products, id)];
  const found = chosen
    .flatMap((product) => {
      const { format } = options;
      return allSamples(product, format === undefined ? undefined : [chosenFormat(product, format)]);
    })
    .map((sample) => ({ sample, fixture: findFixture(context, config, sample) }));
  context.report({
    type: "table",
    columns: ["product", "format", "event", "sample"],
    rows: found.map(({ sample, fixture }) => [
      sample.product.id,
      sample.format.id,
      sample.match.name,
      originText(fixture),
    ]),
    json: found.map(({ sample, fixture }) => fixtureLine(sample, fixture)),
  });
  return ExitCode.ok;
}

async function locate(context: Context, id: string, name: string, options: FixtureOptions) {
  const config = loadConfig(context);
  const product = requireProduct(await projectProducts(context, { config }), id);
  const format = chosenFormat(product, options.format, name);
  const sample = { product, format, match: requireOneEvent(product, format, name) };
  const { match } = sample;
  const fixture = findFixture(context, config, sample);
  if (fixture === undefined) {
    const place = projectFixturePath(config.root, product, format, match);
    throw usageError(`there is no sample of ${product.id} ${match.name}`, `put one at ${place}`);
  }
  if (fixture.template) warnOfMistypedModules(context, [product], [match.name]);
  return { sample, fixture };
}

function findFixture({ packageRoot }: Context, { root }: Config, { product, format, match }: Sample) {
  return readFixture({ root, packageRoot }, product, format, match);
}

/** Every event, those of families under each known name. */
function allSamples(product: Product, formats = product.formats): readonly Sample[] {
  return formats.flatMap((format) =>
    eventNames(format).flatMap((name) => {
      const match = findEvent(format, name);
      return match === undefined || match.name.includes("<") ? [] : [{ product, format, match }];
    }),
  );
}

function originText(fixture: Fixture | undefined): string {
  if (fixture === undefined) return "none yet";
  return `${fixture.origin === "project" ? "the project's own" : "built-in"}${fixture.template ? ", from a template" : ""}`;
}

function fixtureLine({ product, format, match }: Sample, fixture: Fixture | undefined) {
  const { path = null, origin = null, template = false } = fixture ?? {};
  return { type: "fixture", product: product.id, format: format.id, event: match.name, path, origin, template };
}

interface EjectOptions extends FixtureOptions {
  readonly all?: boolean;
  readonly force?: boolean;
}

interface Copy {
  readonly sample: Sample;
  readonly path: string;
  readonly text: string;
  /** `changed`: the project has a copy that differs from the built-in sample. */
  readonly state: "new" | "same" | "changed";
}

/** Decides about every copy, asks once if a changed copy would be lost, then writes. */
async function eject(
  context: Context,
  id: string | undefined,
  name: string | undefined,
  options: EjectOptions,
): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(context, { config });
  const chosen = chosenSamples(products, { id, name, ...options });
  const copies = chosen.map((each) => planCopy(context, config, each));
  const overwrite = await mayOverwrite(context, copies, options);
  const outcomes = copies.map((copy) => ({ ...copy, outcome: outcomeOf(copy, overwrite) }));
  for (const { sample, path, text, outcome } of outcomes) {
    // A copy makes the module a known one, so later commands do not warn.
    if (outcome === "copied") warnOfMistypedModules(context, [sample.product], [sample.match.name]);
    if (outcome === "copied" || outcome === "overwritten") writeFileAtomically(path, text);
  }
  context.report({
    type: "table",
    columns: ["", "file"],
    rows: outcomes.map(({ outcome, path }) => [outcome, relative(context.cwd, path)]),
    json: outcomes.map(({ sample, path, outcome }) => ({
      type: "file",
      action: outcome,
      path,
      product: sample.product.id,
      format: sample.format.id,
      event: sample.match.name,
    })),
    ...(outcomes.some(({ outcome }) => outcome === "kept")
      ? { footer: "files that were kept differ from the built-in samples; --force overwrites them" }
      : {}),
  });
  return ExitCode.ok;
}

function chosenSamples(
  products: readonly Product[],
  {
    id,
    name,
    all,
    format: flag,
  }: EjectOptions & { readonly id: string | undefined; readonly name: string | undefined },
): readonly Sample[] {
  if (name !== undefined && all === true) throw usageError(`--all and the event ${name} exclude each other`);
  const named = id === undefined ? undefined : requireProduct(products, id);
  if (name === undefined && all !== true) {
    const [noun, example] = named === undefined ? ["product", "crm"] : ["event", named.id];
    const format = flag === undefined ? "" : ` --format ${flag}`;
    throw usageError(
      `no ${noun} given`,
      `name one, or copy all samples: zoho-hooks fixtures eject ${example} --all${format}`,
    );
  }
  if (named?.folder !== undefined) {
    const place = join(named.folder, "fixtures");
    throw usageError(`the samples of ${named.id} are already the project's own`, `they are in ${place}`);
  }
  const chosen = named === undefined ? products.filter(({ folder }) => folder === undefined) : [named];
  return chosen.flatMap((product) => {
    const format = chosenFormat(product, flag, name);
    return name === undefined
      ? allSamples(product, [format])
      : { product, format, match: requireOneEvent(product, format, name) };
  });
}

function planCopy({ packageRoot }: Context, { root }: Config, sample: Sample): Copy {
  const { product, format, match } = sample;
  const fixture = readBuiltInFixture({ packageRoot }, product, format, match);
  if (fixture === undefined) throw new Error(`${product.id} ${format.id} ${match.name} has no fixture`);
  const path = projectFixturePath(root, product, format, match);
  rejectLinks(root, path);
  const old = readText(path);
  const state = old === undefined ? "new" : old === fixture.text ? "same" : "changed";
  return { sample, path, text: fixture.text, state };
}

/** With `--all` changed copies are kept and named; a single one that is not copied is an error. */
async function mayOverwrite(context: Context, copies: readonly Copy[], options: EjectOptions): Promise<boolean> {
  const changed = copies.filter(({ state }) => state === "changed");
  if (options.force === true) return true;
  const [first] = changed;
  if (first === undefined) return false;
  const what = changed.length === 1 ? relative(context.cwd, first.path) : `${changed.length} changed copies`;
  const prompts = await context.prompts();
  if (prompts !== undefined) return prompts.confirm({ message: `Overwrite ${what}?` });
  if (options.all === true) return false;
  throw usageError(`${what} already exists and was changed`, "--force overwrites it");
}

function outcomeOf({ state }: Copy, overwrite: boolean): "copied" | "overwritten" | "unchanged" | "kept" {
  if (state === "new") return "copied";
  if (state === "same") return "unchanged";
  return overwrite ? "overwritten" : "kept";
}
