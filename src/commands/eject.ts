import { relative } from "node:path";
import { projectFixturePath, readBuiltInFixture } from "../config/fixture-store.ts";
import { loadConfig } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { readText } from "../config/settings-file.ts";
import { writeWholeFile } from "../config/write-file.ts";
import type { Context } from "../context.ts";
import { ExitCode, usageError } from "../core/errors.ts";
import type { Product } from "../core/product.ts";
import { products } from "../products/index.ts";
import { chosenFormat, requireProduct } from "./options.ts";
import { allSamples, type FixtureOptions, requireSample, type Sample } from "./samples.ts";

interface EjectOptions extends FixtureOptions {
  readonly all?: boolean;
  readonly force?: boolean;
}

/** One copy that is asked for. `changed`: the project has one already, and it is not as it comes with this package. */
interface Copy {
  readonly sample: Sample;
  readonly path: string;
  readonly text: string;
  readonly state: "new" | "same" | "changed";
}

type Outcome = "copied" | "overwritten" | "unchanged" | "kept";

/** Decides about every copy first, asks once where there is something to lose, then writes. */
export async function eject(
  context: Context,
  id: string | undefined,
  name: string | undefined,
  options: EjectOptions,
): Promise<ExitCode> {
  const { root, settings } = loadConfig(context);
  const copies = chosenSamples(id, name, options, settings).map((sample) => planCopy(context, root, sample));
  const overwrite = await mayOverwrite(context, copies, options);
  const outcomes = copies.map((copy) => ({ ...copy, outcome: outcomeOf(copy, overwrite) }));
  for (const { path, text, outcome } of outcomes) {
    if (outcome === "copied" || outcome === "overwritten") writeWholeFile(path, text);
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
      ? { footer: "what was kept differs from the built-in sample; --force overwrites it" }
      : {}),
  });
  return ExitCode.ok;
}

function chosenSamples(
  id: string | undefined,
  name: string | undefined,
  options: EjectOptions,
  settings: Settings,
): readonly Sample[] {
  if (id !== undefined && name !== undefined) {
    if (options.all === true) throw usageError(`--all and the event ${name} exclude each other`);
    return [requireSample(id, name, options, settings)];
  }
  if (options.all !== true) {
    const [what, example] = id === undefined ? ["which product", "crm"] : ["which event", id];
    throw usageError(`say ${what} to copy`, `name it, or take every one: zoho-hooks fixtures eject ${example} --all`);
  }
  const chosen = id === undefined ? products : [requireProduct(products, id)];
  return chosen.flatMap((product: Product) => allSamples(product, chosenFormat(product, options.format, settings)));
}

function planCopy({ packageRoot }: Context, root: string, sample: Sample): Copy {
  const { product, format, match } = sample;
  const fixture = readBuiltInFixture({ packageRoot }, product, format, match);
  if (fixture === undefined) throw new Error(`${product.id} ${format.id} ${match.name} has no fixture`);
  const path = projectFixturePath(root, product, format, match);
  const old = readText(path);
  const state = old === undefined ? "new" : old === fixture.text ? "same" : "changed";
  return { sample, path, text: fixture.text, state };
}

/** A single copy that cannot be made is an error; of many, those that were changed are kept and named. */
async function mayOverwrite(context: Context, copies: readonly Copy[], options: EjectOptions): Promise<boolean> {
  const changed = copies.filter(({ state }) => state === "changed");
  if (options.force === true) return true;
  const [first] = changed;
  if (first === undefined) return false;
  const what = changed.length === 1 ? relative(context.cwd, first.path) : `${changed.length} changed copies`;
  const prompts = await context.prompts();
  if (prompts !== undefined) return prompts.confirm({ message: `Overwrite ${what}?` });
  if (options.all === true) return false;
  throw usageError(`${what} is there already and has been changed`, "--force overwrites it");
}

function outcomeOf({ state }: Copy, overwrite: boolean): Outcome {
  if (state === "new") return "copied";
  if (state === "same") return "unchanged";
  return overwrite ? "overwritten" : "kept";
}
