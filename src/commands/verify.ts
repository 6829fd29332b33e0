import { loadConfig } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import { ExitCode, usageError } from "../core/errors.ts";
import { foreignInput } from "../core/foreign-input.ts";
import type { Verdict } from "../core/product.ts";
import type { VerifiedReport } from "../core/report.ts";
import { expectFewChecks } from "../core/schema-check.ts";
import { counted, parseDuration } from "../core/units.ts";
import { type InputPayload, readVerifyInput, type VerifyInput } from "../core/verify-input.ts";
import {
  explainProofs,
  issuePositions,
  problemPosition,
  type VerifyPayloadInput,
  verifyPayload,
} from "../core/verify-payload.ts";
import type { Define } from "./command.ts";
import { configuredProducts } from "./configured-products.ts";
import { hintTeller } from "./hint-teller.ts";
import { addSecretOptions, collect, givenSecrets, parseHeader, readUserFile, type SecretOptions } from "./options.ts";
import { openPublicKeys } from "./public-keys.ts";
import { tellUnknownVariables } from "./unknown-variables.ts";
import { candidatesFor } from "./verify/candidates.ts";
import { expandPaths } from "./verify/expand-paths.ts";
import { withHeaders, withUrl } from "./verify/given-parts.ts";
import { inputNames, readLogged } from "./verify/inputs.ts";
import { keyedProducts } from "./verify/keyed-products.ts";
import { haveNewKeys, refuseUnchecked } from "./verify/unchecked.ts";
import { withChannels } from "./verify/with-channels.ts";

interface VerifyOptions extends SecretOptions {
  readonly product?: string;
  readonly event?: string;
  readonly logged?: string;
  readonly store?: string;
  readonly format?: string;
  readonly signature?: string;
  readonly header?: readonly string[];
  readonly contentType?: string;
  readonly url?: string;
  readonly tolerance?: string;
  readonly explain?: boolean;
  readonly showExpected?: boolean;
}

export const define: Define = (command, act) => {
  addSecretOptions(
    command
      .argument("[file...]", "payload files, or patterns such as 'samples/*.json'; - or nothing for standard input")
      .option("--logged <n>", "verify a delivery from the event log: its number, or last")
      .option("--store <path>", "for --logged: the log's file (default: .zoho-hooks/events.db in the project)")
      .option("-p, --product <product>", "the product (default: recognised from the body)")
      .option("-e, --event <event>", "the event (default: recognised from the body)")
      .option("--format <format>", "the format, such as guide (default: recognised from the body)")
      .option(
        "-s, --signature <value>",
        "the signature or token that came in a header: its value, without the header's name",
      )
      .option("-H, --header <name: value>", "a header that came with it (repeatable)", collect)
      .option("--url <url>", "the URL that it was sent to: the finance products sign its query, too")
      .option("--content-type <type>", "treat each input as one body of this content type"),
  )
    .option("--tolerance <time>", "how old a timestamped signature may be, such as 30d (default: 5m)")
    .option("--explain", "find out why a signature or token is wrong, by trying the usual mistakes")
    .option("--show-expected", "also print the correct value; implies --explain")
    .addHelpText("after", HELP)
    .action(act(verify));
};

const HELP = `
An input may be a JSON payload; one JSON payload per line; lines of listen --json, which are deliveries with their
headers; a form; or multipart. Its content shows which. The bytes are taken exactly as they are: a newline that an editor
added at the end of a file counts, too (--explain notices that).

A body without headers is checked for its shape, and for the token in it. That its signature could not be checked is
reported, but is no failure, unless you give --signature, -H or --secret-file. A line of listen --json has its headers:
there, a missing signature is a failure if a secret is configured.

Exit codes: 0 all fine; 3 a signature or token is wrong, or was masked; 4 not valid: unreadable, unknown, or not as the
schema says (if both apply: 3); 2 a wrong flag or a missing file, and then nothing was checked.

Examples:
  $ zoho-hooks verify payload.json
  $ zoho-hooks verify 'samples/**/*.json' --product books
  $ zoho-hooks verify --logged last --explain
  $ zoho-hooks verify payload.json --signature 8f2c… --explain
  $ zoho-hooks listen --json | tee log.ndjson; zoho-hooks verify log.ndjson
`;

/** The query of anything else would be none, and a signature over it would fail without a word on why. */
function refuseOtherUrl(url: string | undefined): void {
  if (url === undefined || url.startsWith("/") || /^https?:\/\/./i.test(url)) return;
  throw usageError(
    `--url: ${JSON.stringify(url)} is not a URL`,
    "write it as https://example.com/webhooks/zoho/books?event=invoice.created, or from its path on",
  );
}

/** From here on compiled schemas make up for the time that compiling takes. */
const MANY_PAYLOADS = 50;

async function verify(context: Context, files: readonly string[], options: VerifyOptions): Promise<ExitCode> {
  const logged = await readLogged(context, files, options);
  const names = logged === undefined ? expandPaths(context, inputNames(context, files, options)) : [];
  const config = loadConfig(context, { flags: flagSettings(options), secrets: await givenSecrets(context, options) });
  const products = await configuredProducts(config);
  tellUnknownVariables(context, config, products);
  refuseOtherUrl(options.url);
  const headers = (options.header ?? []).map(parseHeader);
  const contentType = options.contentType ?? headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  const inputs: (VerifyInput & { readonly file: string })[] =
    logged === undefined ? [] : [{ file: logged.file, payloads: [logged.payload], skipped: 0 }];
  for (const file of names) {
    const bytes = file === "-" ? await context.stdin.read() : readUserFile(context.cwd, file);
    inputs.push({ file, ...readVerifyInput(bytes, contentType) });
  }
  const sent = [headers, ...inputs.flatMap(({ payloads }) => payloads.map(({ delivery }) => delivery.headers))];
  const keys = await openPublicKeys(context, config, keyedProducts(products, sent, options));
  const wanted = {
    ...candidatesFor(products, options),
    signature: signatureOf(options),
    requireProofs: options.secretFile !== undefined,
    secrets: await withChannels(context, keys.secrets),
    now: context.now(),
    limits: { toleranceMs: config.settings.tolerance, setting: "--tolerance" },
  };
  const count = inputs.reduce((sum, { payloads }) => sum + payloads.length, 0);
  if (wanted.signature !== undefined && count > 1) {
    throw usageError(
      `--signature belongs to one payload, and there are ${count}`,
      "verify them one by one, or give deliveries with their headers, as listen --json prints them",
    );
  }

  if (count < MANY_PAYLOADS) expectFewChecks();
  const tellHint = hintTeller(context, products);
  const tally = { ok: 0, "proof-failed": 0, invalid: 0 };
  let masked = 0;
  for (const { file, payloads, skipped } of inputs) {
    for (const payload of payloads) {
      const given = withUrl(withHeaders(payload, headers, contentType), options.url);
      let report = reportOn(file, given, wanted, options);
      if (await haveNewKeys(report.receipt, keys)) report = reportOn(file, given, wanted, options);
      context.report(logged?.shown(report) ?? report);
      tellHint(report.receipt);
      tally[report.outcome]++;
      if (report.outcome === "proof-failed" && !report.receipt.verdicts.some(isFailed)) masked++;
    }
    if (skipped > 0)
      context.report({
        type: "notice",
        message: `${file}: ${counted(skipped, "line holds", "lines hold")} no delivery`,
      });
  }
  if (count > 1) {
    const { ok, invalid, "proof-failed": unproven } = tally;
    context.report({ type: "verify-summary", count, ok, proofFailed: unproven - masked, masked, invalid });
  }
  if (tally["proof-failed"] > 0) return ExitCode.proofFailed;
  return tally.invalid > 0 ? ExitCode.schemaInvalid : ExitCode.ok;
}

function isFailed({ verdict }: Verdict): boolean {
  return verdict === "failed";
}

function flagSettings({ tolerance }: VerifyOptions): Partial<Settings> {
  return tolerance === undefined ? {} : { tolerance: parseDuration(tolerance, "--tolerance") };
}

function signatureOf({ signature }: VerifyOptions): string | undefined {
  if (signature?.trim() === "") throw usageError("--signature is empty", "give it the value of the header");
  return signature;
}

function reportOn(
  file: string,
  payload: InputPayload,
  wanted: Omit<VerifyPayloadInput, "payload">,
  { header = [], explain = false, showExpected = false }: VerifyOptions,
): VerifiedReport {
  const product = wanted.product ?? wanted.products.find((each) => each.id === payload.product);
  const verified = verifyPayload({ ...wanted, product, payload });
  refuseUnchecked(verified, wanted.signature !== undefined, header.length > 0);
  const foreign = foreignInput(payload, verified.receipt);
  // What was kept is as old as it was then, for the reason as for the verdict.
  const judgedAt = { ...wanted, now: payload.at ?? wanted.now };
  return {
    type: "verified",
    file,
    line: payload.line,
    outcome: verified.outcome,
    receipt: verified.receipt,
    body: payload.delivery.body,
    bytes: payload.delivery.body.length,
    positions: issuePositions(verified, payload),
    problemPosition: problemPosition(verified, payload),
    explanations: explain || showExpected ? explainProofs(verified, judgedAt, showExpected) : [],
    showExpected,
    notes: foreign === undefined ? verified.notes : [...verified.notes, foreign],
  };
}
