import { appFindings, portFindings, projectRoutes } from "../checks/doctor/app.ts";
import { nodeFindings, permissionFindings } from "../checks/doctor/environment.ts";
import { type CheckedProject, type Finding, runCheck, silentContext, skipped } from "../checks/doctor/finding.ts";
import { findListener } from "../checks/doctor/listener.ts";
import { logFindings } from "../checks/doctor/log.ts";
import { checkSettings } from "../checks/doctor/settings.ts";
import { ngrokFindings, publicUrlFindings } from "../checks/doctor/tunnel.ts";
import { zohoFindings } from "../checks/doctor/zoho.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode } from "../util/errors.ts";
import type { Define } from "./command.ts";
import { addStoreFlag } from "./flags/log.ts";

interface DoctorOptions {
  readonly store?: string;
  readonly profile?: string;
}

export const define: Define = (command, act) => {
  addStoreFlag(command)
    .option(
      "--profile <name>",
      "the sign-in to check (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
    .addHelpText(
      "before",
      examples("zoho-hooks doctor", "zoho-hooks doctor --json | jq 'select(.outcome == \"failed\")'"),
    )
    .addHelpText("after", HELP)
    .action(act(doctor));
};

const HELP = `
✓ is fine, ! works but not for long or not for everyone, ✗ loses deliveries or does not work, – could not be asked. Below
it is what to do. Changes nothing. -v shows more of each. The exit code is 8 if anything is ✗.`;

/** Wide enough for every id. */
const ID_WIDTH = 17;

async function doctor(context: Context, options: DoctorOptions): Promise<ExitCode> {
  const startedAt = performance.now();
  const findings = await context.waiting("checking this project, ngrok and Zoho", () => checkAll(context, options));
  for (const { details, ...finding } of findings) {
    const shown = details !== undefined && (context.verbose || context.json);
    context.report({ type: "check", idWidth: ID_WIDTH, ...finding, ...(shown ? { details } : {}) });
  }
  const count = (outcome: Finding["outcome"]): number => findings.filter((each) => each.outcome === outcome).length;
  const counts = {
    passed: count("passed"),
    warning: count("warning"),
    failed: count("failed"),
    skipped: count("skipped"),
  };
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  context.report({ type: "check-summary", ...counts, seconds });
  return counts.failed === 0 ? ExitCode.ok : ExitCode.expectation;
}

/** All parts at once, in the order in which they depend on one another for the reader. */
async function checkAll(context: Context, { store, profile }: DoctorOptions): Promise<readonly Finding[]> {
  const read = await checkSettings(context, store === undefined ? undefined : { store });
  const { config } = read;
  const listener = await findListener(config);
  const project: CheckedProject = { context: silentContext(context), config, listener, profile };
  // Before the others load their libraries: a receiver that is slow to answer would pass for another program.
  const port = await runCheck("port", context, () => portFindings(project));
  const routes = () => projectRoutes(project, products);
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
    runCheck("node", context, () => nodeFindings(project)),
    read.findings,
    runCheck("permissions", context, () => permissionFindings(project)),
    runCheck("log.health", context, async () =>
      read.isTrusted || store !== undefined
        ? logFindings(project, hasTarget)
        : [skipped("log.health", "not read: the folder is not trusted")],
    ),
    port,
    runCheck("app", context, (signal) => appFindings(project, routes, signal)),
    runCheck("ngrok.token", context, (signal) => ngrokFindings(project, signal)),
    runCheck("public-url", context, (signal) => publicUrlFindings(project, signal)),
    zohoFindings(project),
  ]);
  return parts.flat();
}
