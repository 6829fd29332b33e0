import { exec } from "node:child_process";
import { splitUrl } from "../../delivery/delivery.ts";
import { appPaths, findAppPath } from "../../delivery/paths.ts";
import { appUrl } from "../../delivery/target.ts";
import { type EventMatch, eventNames, findEvent, findProduct } from "../../model/event-names.ts";
import { chosenFormat, requireOneEvent, requireProduct } from "../../model/named.ts";
import type { Format } from "../../model/product.ts";
import { deadlineOf } from "../../model/sender.ts";
import { warnOfUnknownVariables } from "../../own-products/project-products.ts";
import type { Config } from "../../project/load.ts";
import { readFixture } from "../../samples/fixtures.ts";
import { usageError } from "../../util/errors.ts";
import { readExact } from "../../util/json.ts";
import type { ReportingWorkspace } from "../../workspace/workspace.ts";
import { recordsOf, type Subject } from "./samples.ts";

interface SubjectOptions {
  readonly product?: string;
  readonly format?: string;
  readonly event?: string;
  readonly countCmd?: string;
}

/** Product where neither the flag nor the URL names one. */
const DEFAULT_PRODUCT = "crm";

export async function chooseSubject(
  workspace: ReportingWorkspace,
  config: Config,
  to: string,
  { product: id, format: formatId, event, countCmd }: SubjectOptions,
): Promise<Subject> {
  if (countCmd === "")
    throw usageError("--count-cmd names no command", "leave it out, or give one that prints a number");
  const products = await workspace.products({ schemas: false });
  warnOfUnknownVariables(workspace, config, products);
  const { path } = splitUrl(appUrl(to, undefined, config.settings, "check"));
  const named = findAppPath(appPaths(config.settings.paths), path)?.product ?? path.split("/").at(-1) ?? "";
  const product =
    id === undefined
      ? (findProduct(products, named) ?? requireProduct(products, DEFAULT_PRODUCT))
      : requireProduct(products, id, "--product");
  const format = chosenFormat(product, formatId, event);
  const wanted = event === undefined ? undefined : requireOneEvent(product, format, event);
  const matches = wanted === undefined ? matchesOf(format) : [wanted, ...matchesOf(format)];
  const roots = { root: config.root, packageRoot: workspace.packageRoot };
  const samples = matches.flatMap((match) => {
    const fixture = readFixture(roots, { product, format, name: match.name });
    if (fixture === undefined) return [];
    const { event: kind, name } = match;
    const data = readExact(fixture.text);
    const canRepeat = !kind.once && !kind.custom && recordsOf(format, data, name).length > 0;
    return [{ event: name, data, records: format.body.records(fixture.data, name), canRepeat }];
  });
  const [sample] = samples;
  if (sample === undefined)
    throw usageError(`${product.id} ${format.id} has no sample that could be sent`, "choose another --format");
  if (wanted !== undefined && sample.event !== wanted.name)
    throw usageError(`there is no sample of ${product.id} ${wanted.name}`, "choose another --event");
  return {
    product,
    format,
    url: appUrl(to, product.id, config.settings, "check"),
    sample,
    update: samples.find(({ canRepeat }) => canRepeat),
    secrets: config.secrets,
    deadlineMs: deadlineOf(product.title, format.sender?.answer, workspace.overrides?.answerWithinMs).withinMs,
    count: countCmd === undefined ? undefined : await counter(workspace, countCmd),
  };
}

/** The events of a format, in order. */
function matchesOf(format: Format): readonly EventMatch[] {
  const names = eventNames(format).filter((name) => !name.includes("<"));
  return names.flatMap((name) => findEvent(format, name) ?? []);
}

const COUNT_TIMEOUT_MS = 10_000;

/** Runs the command once, so that a mistake in it is found before anything is sent. */
async function counter({ cwd, env, signal }: ReportingWorkspace, command: string): Promise<() => Promise<number>> {
  const count = (): Promise<number> =>
    new Promise((resolve, reject) => {
      exec(command, { cwd, env, signal, timeout: COUNT_TIMEOUT_MS }, (error, stdout, stderr) => {
        const printed = stdout.trim();
        if (signal.aborted) return reject(signal.reason);
        if (error === null && /^\d{1,15}$/.test(printed)) return resolve(Number(printed));
        const found =
          error === null ? `printed ${JSON.stringify(printed.slice(0, 80))}` : `failed: ${stderr.trim().slice(0, 200)}`;
        reject(usageError(`--count-cmd: the command ${found}`, "it must print one whole number, and exit with 0"));
      });
    });
  await count();
  return count;
}
