import { parseHeader } from "../delivery/delivery.ts";
import { disableSchemaJit } from "../model/schema.ts";
import { warnOfUnknownVariables } from "../own-products/project-products.ts";
import { reportHintsOnce } from "../receiver/notices.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { counted } from "../util/units.ts";
import type { ReportingWorkspace, Run } from "../workspace/workspace.ts";
import { type InputFile, type InputItem, inputItems } from "./inputs.ts";
import type { VerifiedReport, VerifySummaryLine } from "./lines.ts";
import type { LoggedInput } from "./logged.ts";
import type { InputPayload } from "./read-input.ts";
import { openVerifier, type VerifierOptions } from "./verifier.ts";
import type { VerifyOutcome } from "./verify-payload.ts";

export interface VerifyOptions extends VerifierOptions {
  readonly header?: readonly string[];
  readonly url?: string;
}

/** From this count on, compiling schemas saves time. */
const MANY_PAYLOADS = 50;

/** Verifies the payloads of files, or a delivery of the log: a report of each, and a summary of several. */
export async function* verify(
  workspace: ReportingWorkspace,
  input: readonly InputFile[] | LoggedInput,
  options: VerifyOptions,
): Run<VerifiedReport | VerifySummaryLine> {
  const [files, logged] = "payload" in input ? [[], input] : [input, undefined];
  const products = await workspace.products({ schemasOf: options.product });
  warnOfUnknownVariables(workspace, { ...workspace.config, secrets: workspace.secrets() }, products);
  const given = readGiven(options);
  const items = inputItems(files, given.contentType);
  // Before these, no more is decided than they need.
  const first = logged === undefined ? await takeFirst(items) : [{ ...logged, isLast: false }];
  const payloads = first.flatMap(({ payload }) => payload ?? []);
  const verifier = await openVerifier(workspace, products, options, payloads);
  if (options.signature !== undefined) await requireOnePayload(options.signature, payloads.length, items);
  // In the process of `listen` it would slow down the receiver.
  if (first.length < MANY_PAYLOADS && workspace.listenerUrl === undefined) disableSchemaJit();
  const reportHint = reportHintsOnce(workspace, products);
  const tally = new OutcomeTally();
  let skipped = 0;
  for await (const { file, payload, isLast } of inTurn(first, items)) {
    let isRead = true;
    if (payload !== undefined) {
      const report = await verifier.verify(file, withGiven(payload, given));
      isRead = (yield report) !== false;
      reportHint(report.person.receipt);
      tally.add(report.outcome);
    } else if (!isLast) skipped++;
    if (isLast && skipped > 0) {
      workspace.report({ type: "notice", message: `${file}: skipped ${counted(skipped, "line")} without a delivery` });
      skipped = 0;
    }
    if (!isRead) break;
  }
  if (tally.count > 1) yield tally.summary();
  return tally.exitCode();
}

async function takeFirst(items: AsyncIterator<InputItem, void>): Promise<readonly InputItem[]> {
  const first: InputItem[] = [];
  while (first.length < MANY_PAYLOADS) {
    const next = await items.next();
    if (next.done) break;
    first.push(next.value);
  }
  return first;
}

/** Throws a usage error for an empty signature, and for one that is given for several payloads: `count` and those of `others`. */
async function requireOnePayload(signature: string, count: number, others: AsyncIterable<InputItem>): Promise<void> {
  if (signature.trim() === "") throw usageError("--signature is empty", "give it the value of the header");
  if (count < 2) return;
  let several = count;
  for await (const { payload } of others) if (payload !== undefined) several++;
  throw usageError(
    `--signature works with one payload, and there are ${several}`,
    "verify them one by one, or give deliveries with their headers, as listen --json prints them",
  );
}

async function* inTurn(first: readonly InputItem[], others: AsyncIterable<InputItem>) {
  yield* first;
  yield* others;
}

/** Counts payloads by outcome; the worst one decides the exit code. */
class OutcomeTally {
  readonly #outcomes: Record<VerifyOutcome, number> = {
    valid: 0,
    custom: 0,
    no_key: 0,
    invalid: 0,
    masked: 0,
    missing_signature: 0,
    wrong_signature: 0,
  };
  count = 0;

  add(outcome: VerifyOutcome): void {
    this.count++;
    this.#outcomes[outcome]++;
  }

  summary(): VerifySummaryLine {
    return { type: "verify_summary", count: this.count, ...this.#outcomes };
  }

  exitCode(): ExitCode {
    const { wrong_signature, missing_signature, masked, invalid, no_key } = this.#outcomes;
    if (wrong_signature + missing_signature + masked > 0) return ExitCode.proofFailed;
    if (invalid > 0) return ExitCode.schemaInvalid;
    return no_key > 0 ? ExitCode.credentials : ExitCode.ok;
  }
}

/** Headers and a URL that were given for every payload. */
type Given = ReturnType<typeof readGiven>;

function readGiven({ url, header = [] }: VerifyOptions) {
  // Anything else has no query, and a signature over it would fail for no visible reason.
  if (url !== undefined && !url.startsWith("/") && !/^https?:\/\/./i.test(url)) {
    throw usageError(
      `--url: ${JSON.stringify(url)} is not a URL`,
      "write it as https://example.com/webhooks/zoho/books?event=invoice.created, or from its path on",
    );
  }
  const typed = header.map(parseHeader);
  const contentType = typed.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  // A content type alone says nothing about a signature.
  const isComplete = typed.some(([name]) => name.toLowerCase() !== "content-type");
  return { url, headers: typed, contentType, isComplete };
}

/** A given header replaces those of its name. */
function withGiven(payload: InputPayload, { url, headers, isComplete }: Given): InputPayload {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const others = payload.delivery.headers.filter(([name]) => !names.has(name.toLowerCase()));
  const delivery = { ...payload.delivery, url: url ?? payload.delivery.url, headers: [...others, ...headers] };
  return { ...payload, delivery, complete: payload.complete || isComplete };
}
