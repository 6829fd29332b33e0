import type { Command } from "commander";
import type { Fixture } from "../config/fixture-store.ts";
import { loadConfig } from "../config/load.ts";
import type { Context } from "../context.ts";
import { ExitCode } from "../core/errors.ts";
import type { Product } from "../core/product.ts";
import type { Define } from "./command.ts";
import { configuredProducts } from "./configured-products.ts";
import { eject } from "./fixtures/eject.ts";
import {
  allSamples,
  type FixtureOptions,
  findFixture,
  requireFixture,
  requireSample,
  type Sample,
} from "./fixtures/samples.ts";
import { tellMistypedModules } from "./mistyped-modules.ts";
import { chosenFormat, requireProduct } from "./options.ts";

export const define: Define = (command, act) => {
  withFormat(command.command("show"))
    .description("Print the sample that send uses for an event.")
    .argument("<product>", "product, such as crm")
    .argument("<event>", "event, such as Leads.create")
    .action(act(show));
  withFormat(command.command("path"))
    .description("Print the path of that sample: the project's copy if there is one, else the built-in one.")
    .argument("<product>", "product, such as crm")
    .argument("<event>", "event, such as Leads.create")
    .action(act(path));
  withFormat(command.command("list"))
    .description("List all samples, and which of them are the project's own.")
    .argument("[product]", "only this product")
    .action(act(list));
  withFormat(command.command("eject"))
    .description("Copy samples into the project, to change them: send then uses your copy.")
    .argument("[product]", "product, such as crm")
    .argument("[event]", "event, such as Leads.create")
    .option("--all", "all events of the product, or of all products")
    .option("--force", "overwrite copies that you have changed")
    .addHelpText("after", EJECT_HELP)
    .action(act(eject));
};

const EJECT_HELP = `
Copies go to .zoho-hooks/fixtures/<product>/<format>/<event>.json. A copy that you have changed is only overwritten if
you agree, or with --force.

Examples:
  $ zoho-hooks fixtures eject crm Leads.create
  $ zoho-hooks fixtures eject crm Invoices.create     a module without its own sample gets the general one
  $ zoho-hooks fixtures eject desk --all
`;

function withFormat(command: Command): Command {
  return command.option(
    "--format <format>",
    "format of the sample (default: the one in the settings, or else the product's first)",
  );
}

async function show(context: Context, id: string, name: string, options: FixtureOptions): Promise<ExitCode> {
  const { sample, fixture } = await locate(context, id, name, options);
  context.report({ type: "text", text: fixture.text, json: { ...fixtureLine(sample, fixture), text: fixture.text } });
  return ExitCode.ok;
}

async function path(context: Context, id: string, name: string, options: FixtureOptions): Promise<ExitCode> {
  const { sample, fixture } = await locate(context, id, name, options);
  context.report({ type: "text", text: `${fixture.path}\n`, json: fixtureLine(sample, fixture) });
  if (fixture.template) {
    context.report({
      type: "notice",
      message: `this is a template: it is filled in for ${sample.match.name} when it is used`,
    });
  }
  return ExitCode.ok;
}

async function list(context: Context, id: string | undefined, options: FixtureOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const { root, settings } = config;
  const products = await configuredProducts(config);
  const chosen = id === undefined ? products : [requireProduct(products, id)];
  const samples = chosen.flatMap((product: Product) => {
    const formats = options.format === undefined ? product.formats : [chosenFormat(product, options.format, settings)];
    return formats.flatMap((format) => allSamples(product, format));
  });
  const found = samples.map((sample) => ({ sample, fixture: findFixture(context.packageRoot, root, sample) }));
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
  const sample = requireSample(await configuredProducts(config), id, name, options, config.settings);
  const fixture = requireFixture(context, config.root, sample);
  if (fixture.template) tellMistypedModules(context, [sample.product], [sample.match.name]);
  return { sample, fixture };
}

function originText(fixture: Fixture | undefined): string {
  if (fixture === undefined) return "none yet";
  return `${fixture.origin === "project" ? "the project's own" : "built-in"}${fixture.template ? ", from a template" : ""}`;
}

function fixtureLine({ product, format, match }: Sample, fixture: Fixture | undefined) {
  const { path = null, origin = null, template = false } = fixture ?? {};
  return { type: "fixture", product: product.id, format: format.id, event: match.name, path, origin, template };
}
