import type { Finding } from "../checks/finding.ts";
import { checkLine } from "../checks/lines.ts";
import { runChecks } from "../checks/run.ts";
import { checkProject } from "../doctor/run.ts";
import { examples } from "../terminal/help.ts";
import type { ExitCode } from "../util/errors.ts";
import type { CommandContext, Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .addHelpText(
      "before",
      examples("zoho-hooks doctor", "zoho-hooks doctor --json | jq 'select(.outcome == \"failed\")'"),
    )
    .addHelpText("after", HELP)
    .action(act(doctor));
};

const HELP = `
✓ is fine, ! works with limits, ✗ loses deliveries or keeps listen from starting, – could not be checked. Below each is
what to do. Changes nothing. -v shows more of each. The exit code is 8 if anything is ✗.`;

/** Wide enough for every id. */
const ID_WIDTH = 17;

async function doctor(context: CommandContext): Promise<ExitCode> {
  async function* findings(): AsyncGenerator<Finding> {
    yield* await context.waiting("checking this project, ngrok and Zoho", () => checkProject(context));
  }
  return runChecks(context, findings(), {
    show({ details, ...finding }) {
      const shown = context.verbose || context.json ? details : undefined;
      context.report({ ...checkLine({ ...finding, details: shown }), person: { idWidth: ID_WIDTH } });
    },
  });
}
