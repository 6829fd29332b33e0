import { join, relative } from "node:path";
import type { Command } from "commander";
import { chosenFormat, requireProduct } from "../model/named.ts";
import type { Product } from "../model/product.ts";
import { openWorkspace } from "../operations/workspace.ts";
import { projectProducts, warnOfMistypedModules } from "../own-products/project-products.ts";
import { type Config, loadConfig } from "../project/load.ts";
import {
  type Fixture,
  type FixtureKey,
  fileLine,
  fixtureKeysOf,
  projectFixturePath,
  readBuiltInFixture,
} from "../samples/fixtures.ts";
import { findFixture, fixtureLine, requireSample, type SampleOptions, showSample } from "../send/show-sample.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { readText, writeFileAtomically } from "../util/files.ts";
import { rejectLinks } from "../util/links.ts";
import type { CommandContext, Define } from "./command.ts";

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

async function show(
  context: CommandContext,
  product: string,
  event: string,
  options: SampleOptions,
): Promise<ExitCode> {
  context.report(await showSample(openWorkspace(context), product, event, options));
  return ExitCode.ok;
}

async function list(context: CommandContext, id: string | undefined, { format }: SampleOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemasOf: id });
  const found = (id === undefined ? products : [requireProduct(products, id)])
    .flatMap((product) => {
      const formats = format === undefined ? product.formats : [chosenFormat(product, format)];
      return formats.flatMap((each) => fixtureKeysOf(product, each));
    })
    .map((sample) => ({ sample, fixture: findFixture(context, config, sample) }));
  context.report({
    type: "table",
    columns: ["product", "format", "event", "sample"],
    rows: found.map(({ sample: { product, format, name }, fixture }) => [
      product.id,
      format.id,
      name,
      originText(fixture),
    ]),
    json: found.map(({ sample, fixture }) => fixtureLine(sample, fixture)),
  });
  return ExitCode.ok;
}

function originText(fixture: Fixture | undefined): string {
  if (fixture === undefined) return "none yet";
  return `${fixture.origin === "project" ? "the project's own" : "built-in"}${fixture.template ? ", from a template" : ""}`;
}

interface EjectOptions extends SampleOptions {
  readonly all?: boolean;
  readonly force?: boolean;
}

interface Copy {
  readonly sample: FixtureKey;
  readonly path: string;
  readonly text: string;
  /** `changed`: the project has a copy that differs from the built-in sample. */
  readonly state: "copied" | "unchanged" | "changed";
}

/** Decides about every copy, asks once if a changed copy would be lost, then writes. */
async function eject(
  context: CommandContext,
  id: string | undefined,
  event: string | undefined,
  options: EjectOptions,
): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemasOf: id });
  const copies = samplesToEject(products, id, event, options).map((each) => planCopy(context, config, each));
  const overwrite = await mayOverwrite(context, copies, options);
  const outcomes = copies.map(({ sample, path, text, state }) => {
    const action = state !== "changed" ? state : overwrite ? "overwritten" : "kept";
    // A copy makes the module a known one, so later commands do not warn.
    if (action === "copied") warnOfMistypedModules(context, [sample.product], [sample.name]);
    if (action === "copied" || action === "overwritten") writeFileAtomically(path, text);
    return fileLine(sample, action, path);
  });
  context.report({
    type: "table",
    columns: ["", "file"],
    rows: outcomes.map(({ action, path }) => [action, relative(context.cwd, path)]),
    json: outcomes,
    footer: outcomes.some(({ action }) => action === "kept")
      ? "files that were kept differ from the built-in samples; --force overwrites them"
      : undefined,
  });
  return ExitCode.ok;
}

function samplesToEject(
  products: readonly Product[],
  id: string | undefined,
  event: string | undefined,
  { all = false, format }: EjectOptions,
): readonly FixtureKey[] {
  if (event !== undefined && all) throw usageError(`--all and the event ${event} exclude each other`);
  const named = id === undefined ? undefined : requireProduct(products, id);
  if (event === undefined && !all) {
    const [noun, example] = named === undefined ? ["product", "crm"] : ["event", named.id];
    const flag = format === undefined ? "" : ` --format ${format}`;
    throw usageError(
      `no ${noun} given`,
      `name one, or copy all samples: zoho-hooks fixtures eject ${example} --all${flag}`,
    );
  }
  if (named?.folder !== undefined) {
    const place = join(named.folder, "fixtures");
    throw usageError(`the samples of ${named.id} are already the project's own`, `they are in ${place}`);
  }
  const chosen = named === undefined ? products.filter(({ folder }) => folder === undefined) : [named];
  return chosen.flatMap((product) =>
    event === undefined ? fixtureKeysOf(product, chosenFormat(product, format)) : requireSample(product, format, event),
  );
}

function planCopy({ packageRoot }: CommandContext, { root }: Config, sample: FixtureKey): Copy {
  const fixture = readBuiltInFixture(packageRoot, sample);
  if (fixture === undefined) throw new Error(`${sample.product.id} ${sample.name} has no fixture`);
  const { text } = fixture;
  const path = projectFixturePath(root, sample);
  rejectLinks(root, path);
  const old = readText(path);
  return { sample, path, text, state: old === undefined ? "copied" : old === text ? "unchanged" : "changed" };
}

/** With `--all` changed copies are kept and named; a single one that is not copied is an error. */
async function mayOverwrite(context: CommandContext, copies: readonly Copy[], options: EjectOptions): Promise<boolean> {
  const changed = copies.filter(({ state }) => state === "changed");
  if (options.force === true) return true;
  const [first] = changed;
  if (first === undefined) return false;
  const name = changed.length === 1 ? relative(context.cwd, first.path) : `${changed.length} changed copies`;
  const prompts = await context.prompts();
  if (prompts !== undefined) return prompts.confirm({ message: `Overwrite ${name}?` });
  if (options.all === true) return false;
  throw usageError(`${name} already exists and was changed`, "--force overwrites it");
}
