import { type Finding, type Found, skipped } from "../checks/finding.ts";
import { readPlan } from "../listener/plan.ts";
import { runRoutes } from "../listener/targets.ts";
import { eventPatterns } from "../model/event-names.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { checkApp, checkPort } from "./app.ts";
import { checkNode, checkPermissions } from "./environment.ts";
import { checkListener, findListener } from "./listener.ts";
import { checkLog } from "./log.ts";
import { bounded, type CheckedProject, fromError, silentContext } from "./project.ts";
import { CORRECT_IT, checkSecrets, readSettings } from "./settings.ts";
import { checkNgrok, checkPublicUrl } from "./tunnel.ts";
import { checkZoho } from "./zoho.ts";

/** All parts at once, in the order in which they depend on one another for the reader. */
export async function checkProject(context: Context): Promise<readonly Finding[]> {
  const read = await readSettings(context);
  const { config, isTrusted, readsLog } = read;
  const listener = await findListener(config);
  const project: CheckedProject = { context: silentContext(context), config, listener };
  const { signal } = context;
  /** The findings of a part. It neither takes longer than five seconds nor fails, so that it never costs the others. */
  const part = async (
    id: string,
    work: (signal: AbortSignal) => Promise<Found | readonly Found[]>,
    within = bounded<Found | readonly Found[]>,
  ): Promise<readonly Finding[]> => {
    const found = await within(signal, work).catch((error: unknown) => {
      signal.throwIfAborted();
      return fromError(error);
    });
    return [found].flat().map((each) => ({ id, ...each }));
  };
  const routes = () => runRoutes(config, eventPatterns(config.settings.events), products);
  // Before the others load their libraries: a receiver that is slow to answer would pass for another program.
  const port = await part("port", () => checkPort(project, () => routes().targets));
  const hasTarget = (target: string): boolean => {
    try {
      // A running listen may have got more targets by flags.
      return listener !== undefined || routes().has(target);
    } catch {
      // The line about the app says what is wrong with the targets.
      return true;
    }
  };
  const parts = await Promise.all([
    part("node", () => checkNode(project)),
    read.findings,
    part("secrets", async () => (read.hasSecrets ? checkSecrets(project, read.products) : []), ownLimits),
    part("permissions", () => checkPermissions(project)),
    part("log.health", async () =>
      readsLog ? checkLog(project, hasTarget) : skipped("not read: the folder is not trusted"),
    ),
    port,
    part("app", (limit) => checkApp(project, routes, limit)),
    part("ngrok.token", (limit) => checkNgrok(project, limit)),
    part("public-url", (limit) => checkPublicUrl(project, limit)),
    part("zoho.sign-in", () => checkZoho(project), ownLimits),
    part("listen", (limit) => checkListener(listener, limit)),
  ]);
  const findings = parts.flat();
  if (!isTrusted) return findings;
  const refusals = await part("listen", async () => {
    await readPlan(overrideContext(project.context, { project: read.project }), undefined, {});
    return [];
  });
  // Most of what keeps listen from starting has a line of its own.
  const others = refusals
    .map((each) => ({ ...each, text: read.short(each.text) }))
    .filter(({ outcome, text }) => outcome === "failed" && !findings.some((each) => each.text.includes(text)));
  const wouldNotStart = others.map(({ text, remedy = CORRECT_IT, ...each }) => {
    return { ...each, text: `it would not start: ${text}`, remedy };
  });
  return [...findings, ...wouldNotStart];
}

/** For a part whose requests have limits of their own. */
function ownLimits<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return work(signal);
}
