import { existsSync } from "node:fs";
import { relative } from "node:path";
import { projectFixturePath } from "../../config/fixture-store.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { mistypedModule } from "../../core/mistyped-module.ts";
import type { Sample } from "../fixtures/samples.ts";
import { tellMistypedModules } from "../mistyped-modules.ts";

/** A custom module may have any name. What is all but certainly a slip is not sent for one, unless something says so. */
export function refuseMistyped(context: Context, config: Config, { product, format, match }: Sample): void {
  const found = mistypedModule([product], match.name);
  const sample = projectFixturePath(config.root, product, format, match);
  if (found === undefined || existsSync(sample)) return;
  if (!found.isSlip) {
    tellMistypedModules(context, [product], [match.name]);
    return;
  }
  const { module, near } = found;
  const meant = match.name.replace(module, near);
  throw usageError(
    `${product.title} has no known module ${module}, but it has ${near}`,
    `did you mean ${meant}? If ${module} is your own module, add --custom-module, or put a sample at ${relative(context.cwd, sample)}`,
  );
}
