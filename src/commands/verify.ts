import { present } from "../operations/present.ts";
import { openWorkspace } from "../operations/workspace.ts";
import { examples } from "../terminal/help.ts";
import type { ExitCode } from "../util/errors.ts";
import { parseDuration } from "../util/units.ts";
import { expandPaths, inputFile, inputNames, loggedNumber, requireReadable } from "../verify/inputs.ts";
import { type VerifyOptions, verify } from "../verify/verify.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { CommandContext, Define } from "./command.ts";
import { collect } from "./flags/index.ts";

export const define: Define = (command, act) => {
  command
    .argument("[file...]", "payload files, or patterns such as 'samples/*.json'; - or nothing for standard input")
    .optionsGroup("Main options:")
    .option("--logged <n>", "verify a delivery from the event log: its number, or last")
    .option("-p, --product <product>", "the product (default: recognised from the body)")
    .option("-s, --signature <value>", "the signature or token that came in a header, without the header's name")
    .option("-H, --header <name: value>", "a header that came with it (repeatable)", collect)
    .option("--explain", "find out why a signature or token is wrong, by trying the usual mistakes")
    .optionsGroup("More options:")
    .option("-e, --event <event>", "the event (default: recognised from the body)")
    .option("--format <format>", "the format, such as guide (default: recognised from the body)")
    .option("--url <url>", "the URL that it was sent to: the finance products also sign its query")
    .option("--tolerance <time>", "how old a timestamped signature may be, such as 30d (default: 5m)")
    .option("--show-expected", "also print the correct value; implies --explain");
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks verify payload.json",
        "zoho-hooks verify 'samples/**/*.json' --product books",
        "zoho-hooks verify --logged last --explain",
        "zoho-hooks verify payload.json --signature 8f2c… --explain",
        "zoho-hooks listen --json | tee log.ndjson; zoho-hooks verify log.ndjson",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(verifyInputs));
};

interface VerifyFlags extends VerifyOptions {
  readonly logged?: string;
  readonly tolerance?: string;
}

async function verifyInputs(context: CommandContext, files: readonly string[], flags: VerifyFlags): Promise<ExitCode> {
  const { logged = loggedNumber(context, files), tolerance, ...options } = flags;
  const names =
    flags.logged === undefined && logged !== undefined ? [] : expandPaths(context, inputNames(context, files, flags));
  const toleranceMs = tolerance === undefined ? undefined : parseDuration(tolerance, "--tolerance");
  const workspace = openWorkspace(context, { flags: { tolerance: toleranceMs } });
  for (const name of names) if (name !== "-") requireReadable(context.cwd, name);
  const input =
    logged === undefined ? names.map((name) => inputFile(context, name)) : await readLogged(workspace, logged);
  return present(context, verify(workspace, input, options));
}

/** Loaded on demand: no other input needs the log. */
async function readLogged(workspace: Workspace, which: string) {
  const { parseNumber } = await import("../history/open-log.ts");
  const { loggedInput } = await import("../verify/logged.ts");
  return loggedInput(workspace, parseNumber(which));
}

const HELP = `
An input may be a JSON payload; one JSON payload per line; lines of listen --json, which are deliveries with their
headers; a form; or multipart. Its content shows which, unless -H 'content-type: …' says it. The bytes are taken exactly as they are, including a
newline that an editor added at the end of a file (--explain notices that).

Without headers, only the schema and a token in the body are checked. A signature that cannot be checked is reported, but
is a failure only with --signature or -H. A line of listen --json has its headers: there, a missing
signature is a failure if a secret is configured.

Exit codes: 0 all ok; 3 a signature or token is wrong, or was masked; 4 not valid: unreadable, unknown, or not
matching the schema (if both apply: 3); 6 a delivery is not verified, since no key is set or it has no signature; 2 a
wrong flag or a missing file, and then nothing was checked.`;
