// What `--json` prints, as types. They are a public interface: docs/json-schema.json and the lists of docs/json.md are made from
// them, and within a version members are only added. `null`: there is none, or it is not known. A member with `?` is left out
// where it does not apply. `@printedBy`: the commands.

import type { ChannelLine, RecordLine } from "../channels/lines.ts";
import type { ForwardLine, TargetLine } from "../forward/lines.ts";
import type { GapLine, ReadyLine, Role, SummaryLine, TunnelLine } from "../listener/lines.ts";
import type { ApiAccess } from "../project/inspector-access.ts";
import type { MissedLine, ReconcileLine } from "../reconcile/lines.ts";
import type { Time } from "../util/json-line.ts";
import type { WebhookFailureLine, WebhookLine } from "../zoho-webhooks/lines.ts";

/** A line of standard output. Each has `"v":1` in front of its members. */
export type Line =
  | ReadyLine
  | InspectorLine
  | EventLine
  | ForwardLine
  | TargetLine
  | TunnelLine
  | GapLine
  | ChannelLine
  | WebhookLine
  | WebhookFailureLine
  | RecordLine
  | WarningLine
  | MissedLine
  | ReconcileLine
  | DriftLine
  | SummaryLine
  | SentLine
  | SendSummaryLine
  | VerifiedLine
  | VerifySummaryLine
  | CheckLine
  | CheckSummaryLine
  | EmulatorLine
  | EmulatedRequestLine
  | EmulatedDeliveryLine
  | StoreLine
  | StoreInitLine
  | StatsLine
  | DifferenceLine
  | CurlLine
  | PrunedLine
  | ProductLine
  | SettingLine
  | ProfileLine
  | SignInLine
  | ApiRequestLine
  | FolderLine
  | FixtureLine
  | FileLine
  | KeyPairLine
  | TextLine
  | CompletionLine
  | SuggestionsLine;

type HeaderPair = readonly [name: string, value: string];

/** The page of the inspector. @printedBy ui */
interface InspectorLine {
  readonly type: "inspector";
  /** With its token. */
  readonly url: string;
  /** [The API for tests](testing.md#in-any-language). */
  readonly api: ApiAccess;
  /** Another process serves it. */
  readonly already_running: boolean;
}

/** What a delivery shows by itself. */
export interface ReceiptMembers {
  readonly product: string | null;
  readonly format: string | null;
  readonly event: string | null;
  /** False if product and format are recognised, but the event is none of theirs. */
  readonly known: boolean;
  /** A body without a schema, since its user designed it. */
  readonly custom: boolean;
  /** Other products and events that fit. */
  readonly ambiguous_with: readonly string[];
  /** The event that an unrecognised body is closest to, or that a custom one could have been meant as. */
  readonly nearest: Nearest | null;
  /** Ids of the records. */
  readonly records: readonly string[];
  /** Its signatures and tokens. */
  readonly signatures: readonly Signature[];
  /** Null if no schema was checked. */
  readonly schema: SchemaResult | null;
  /** Why the body is unreadable; in `verified`, why it is not an event. */
  readonly problem: string | null;
  /** A second delivery with the same one is a duplicate. */
  readonly identity: string | null;
  /** A known pitfall of such a delivery. */
  readonly hint: string | null;
}

interface Nearest {
  readonly product: string;
  readonly format: string;
  readonly events: readonly string[];
  /** Required members that it lacks. */
  readonly missing: readonly string[];
}

interface Signature {
  readonly id: string;
  /** `nothing`: an address of `--allow-ip`. */
  readonly covers: "body" | "sender" | "nothing";
  /**
   * `missing_signature`: there is none, although a key is set; `no_key`: there is no key to verify it with; `unsigned`: there is
   * none, and none is required.
   */
  readonly result: "verified" | "wrong_signature" | "missing_signature" | "no_key" | "unsigned";
  readonly reason: string;
  /** A known cause of a failure. */
  readonly match?: "reserialised" | "changed" | "unknown_key" | "too_old" | "too_new" | "seconds";
}

interface SchemaResult {
  readonly ok: boolean;
  readonly issues: readonly SchemaIssue[];
}

interface SchemaIssue {
  /** `data.ids[0]`; empty for the payload itself. */
  readonly path: string;
  readonly expected: string;
  readonly received: string;
  /** Of `verified`: the place in the file, counted from 1. */
  readonly line?: number;
  /** Of `verified`: the place in the file, counted from 1. */
  readonly column?: number;
}

/**
 * A delivery, received now or read from the log. It is valid input for [`verify`](verifying.md). From the log, it also has `state`,
 * `remote`, `reconstructed`, `masked`, `bytes`, `cut`, `attempts` and `forwards`.
 * @printedBy listen, events
 */
export interface EventLine extends ReceiptMembers, Partial<LoggedMembers> {
  readonly type: "event";
  /** Its number in the log; 0 if it could not be recorded. */
  readonly n: number;
  readonly at: Time;
  readonly method: string;
  readonly path: string;
  /** Pairs of a name and a value. */
  readonly headers: readonly HeaderPair[];
  /** The exact bytes, except masked secrets. */
  readonly body_b64: string;
  /** Parsed, long ids as text; null if it could not be read. */
  readonly body: unknown;
  /** Number of the delivery that this one repeats. */
  readonly duplicate_of: number | null;
  /** The answer to the sender; null while your app is still to give it, with `--respond mirror`. */
  readonly status: number | null;
  /** Why the answer was not a plain 200. */
  readonly refusal: string | null;
}

/** Facts that only the log has about a delivery: members of an `event` line from there. */
export interface LoggedMembers {
  /** [What the words mean](receiving.md#what-the-sender-is-answered). */
  readonly state: "received" | "waiting" | "delivered" | "failed" | "duplicate" | "rejected";
  /** The sender's address. */
  readonly remote: string | null;
  /** [`reconcile`](missed.md) made it: nobody sent it. */
  readonly reconstructed: boolean;
  /** Secrets in path, headers or body are masked, so they are not exactly what came. */
  readonly masked: boolean;
  /** Length of the body as received. */
  readonly bytes: number;
  /** `body_b64` is only its start, since it was rejected. */
  readonly cut: boolean;
  /** Oldest first. */
  readonly attempts: readonly AttemptMembers[];
  /** One for each target. */
  readonly forwards: readonly ForwardMembers[];
}

/** A request to a target. */
export interface AttemptMembers {
  /** Counts from 1 for each delivery and target. */
  readonly attempt: number;
  readonly target: string;
  readonly at: Time;
  /** Null if no answer came. Of a queue (`bullmq://`), 200 once Redis has the job; the terminal shows `queued`. */
  readonly status: number | null;
  readonly latency_ms: number;
  readonly error: string | null;
  /** The start of the answer. */
  readonly reply: string | null;
  /** Whether `replay` made it, with the `same` bytes that came or with `edited` ones. */
  readonly replay: "same" | "edited" | null;
}

export interface ForwardMembers {
  readonly target: string;
  readonly state: "waiting" | "delivered" | "failed";
  readonly attempts: number;
  /** When the next attempt is due. */
  readonly due_at: Time | null;
}

/** Something that needs attention. @printedBy every command */
export interface WarningLine {
  readonly type: "warning";
  readonly message: string;
  readonly hint: string | null;
}

/** The differences between the deliveries of an event and its schema. @printedBy listen, events */
interface DriftLine {
  readonly type: "drift";
  readonly product: string;
  readonly format: string;
  readonly event: string;
  /** How many were compared. */
  readonly deliveries: number;
  /** There were too many fields to compare all. */
  readonly partial: boolean;
  /** Fields that the schema does not have. */
  readonly unknown: readonly UnknownField[];
  /** Optional fields that never came. */
  readonly unseen: readonly UnseenField[];
  /** Fields of another type, and missing required ones, which are `seen` as `nothing`. */
  readonly conflicts: readonly FieldConflict[];
}

interface UnknownField {
  readonly path: string;
  readonly types: readonly ("object" | "array" | "string" | "number" | "boolean" | "null")[];
  readonly count: number;
}

interface UnseenField {
  readonly path: string;
  readonly expected: string;
}

interface FieldConflict {
  readonly path: string;
  readonly expected: string;
  readonly seen: string;
  readonly count: number;
}

/** A request and its answer; with `--dry-run` the request that was not sent. @printedBy send, replay */
export interface SentLine {
  readonly type: "sent";
  /** Its number in the log. Of `replay`. */
  readonly n?: number;
  readonly product: string | null;
  readonly event: string | null;
  readonly format: string | null;
  readonly url: string;
  /** Null if no answer came. Of a queue (`bullmq://`), 200 once Redis has the job; the terminal shows `queued`. */
  readonly status: number | null;
  readonly latency_ms: number | null;
  readonly error: string | null;
  /** Without `--dry-run`. */
  readonly hint?: string | null;
  /** The start of the answer. Without `--dry-run`. */
  readonly reply?: string | null;
  /** How it was signed or broken: `signed with ZOHO_WEBHOOK_SECRET`. Without `--dry-run`. */
  readonly notes?: readonly string[];
  /** With `--dry-run`. */
  readonly request?: PreparedRequest;
}

interface PreparedRequest {
  readonly method: string;
  readonly url: string;
  /** Pairs of a name and a value. */
  readonly headers: readonly HeaderPair[];
  /** The exact bytes. */
  readonly body_b64: string;
  readonly body: string;
  /** As a curl command, with `--curl`. */
  readonly curl?: string;
}

/** Counts several requests. @printedBy send */
export interface SendSummaryLine {
  readonly type: "send_summary";
  readonly count: number;
  readonly ok: number;
  readonly failed: number;
  readonly seconds: number;
  /** How many had each status, or without an answer each code of an error. */
  readonly statuses: { readonly [name: string]: number };
  /** How long the target took to answer. */
  readonly latency_ms: Percentiles;
}

interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What of a payload is right and what is wrong. @printedBy verify */
export interface VerifiedLine extends ReceiptMembers {
  readonly type: "verified";
  /** As you wrote it; `-` for standard input. */
  readonly file: string;
  /** Where the payload begins in a file of several. */
  readonly line: number | null;
  /** `custom`: a body without a schema; `no_key`: not verified, for want of a key or a signature; `masked`: its secrets are masked. */
  readonly outcome: "valid" | "custom" | "invalid" | "wrong_signature" | "missing_signature" | "no_key" | "masked";
  /** When it arrived. With `--logged`. */
  readonly at?: Time;
  /** What the sender was answered. With `--logged`. */
  readonly status?: number | null;
  /** Where an unreadable body stops being JSON. */
  readonly problem_at?: TextPosition | null;
  readonly notes: readonly string[];
  /** The exact bytes, except masked secrets. */
  readonly body_b64: string;
  /** Parsed, long ids as text; null if it could not be read. */
  readonly body: unknown;
  /** With `--explain`. */
  readonly explanations?: readonly Explanation[];
}

interface TextPosition {
  readonly line: number;
  readonly column: number;
}

interface Explanation {
  /** Id of the signature or token. */
  readonly id: string;
  /** The signed string, or a description of it. */
  readonly canonical: string;
  /** What was tried. */
  readonly findings: readonly Finding[];
  /** The likely cause if no finding matches. */
  readonly likely: LikelyCause | null;
  /** The value that came. With `--show-expected`. */
  readonly received?: string | null;
  /** The value that would have been right. With `--show-expected`. */
  readonly expected?: string | null;
}

interface LikelyCause {
  readonly meaning: string;
  readonly remedy?: string;
}

interface Finding {
  readonly id: string;
  readonly matches: boolean;
  readonly meaning: string;
  readonly remedy?: string;
}

/** Counts several payloads by their `outcome`. @printedBy verify */
interface VerifySummaryLine {
  readonly type: "verify_summary";
  readonly count: number;
  readonly valid: number;
  readonly custom: number;
  readonly invalid: number;
  readonly wrong_signature: number;
  readonly missing_signature: number;
  readonly no_key: number;
  readonly masked: number;
}

/** A result. @printedBy check, doctor */
export interface CheckLine {
  readonly type: "check";
  /** Stable, such as `zoho.clock`. */
  readonly id: string;
  /** `warning`: works, with limits; `skipped`: could not be checked, and `text` says why. */
  readonly outcome: "passed" | "warning" | "failed" | "skipped";
  readonly text: string;
  /** Of `check`: `sent`, `came back`, `why`. */
  readonly details: { readonly [name: string]: string };
  readonly remedy: string | null;
  /** `outcome`, `id` and `text` in one line without paths, addresses, ids and quoted names, to show in public. */
  readonly shareable: string;
}

/** Counts the results. @printedBy check, doctor */
interface CheckSummaryLine {
  readonly type: "check_summary";
  readonly passed: number;
  readonly warning: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** An emulator that answers. @printedBy emulate */
interface EmulatorLine {
  readonly type: "emulator";
  readonly url: string;
  /** The variables of `--env`. */
  readonly env: { readonly [name: string]: string };
}

/** A request to the emulator. @printedBy emulate */
export interface EmulatedRequestLine {
  readonly type: "emulated_request";
  readonly at: Time;
  readonly n: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Null without an answer. */
  readonly status: number | null;
  readonly latency_ms: number;
  /** What the emulator does not have. */
  readonly lacks: string | null;
  /** The command that answers it, or what to change in the request. */
  readonly hint: string | null;
}

/** A delivery of the emulator. @printedBy emulate */
export interface EmulatedDeliveryLine {
  readonly type: "emulated_delivery";
  readonly at: Time;
  readonly n: number;
  readonly product: string;
  readonly event: string;
  readonly url: string;
  /** Null without an answer. */
  readonly status: number | null;
  readonly latency_ms: number | null;
  readonly error: string | null;
  /** Where the receiver lacks the variables. */
  readonly hint: string | null;
  /** The fault that was asked for. */
  readonly fault: string | null;
  /** Number of the delivery that was sent again. */
  readonly again: number | null;
}

/** The event log. @printedBy store status */
interface StoreLine {
  readonly type: "store";
  /** Its address without the password, or its path. */
  readonly log: string;
  /** Null for a SQLite file. */
  readonly server_version: string | null;
  readonly bytes: number;
  readonly receivers: readonly ReceiverMembers[];
  readonly waiting: readonly WaitingMembers[];
}

interface ReceiverMembers {
  readonly pid: number;
  readonly host: string | null;
  readonly role: Role;
  readonly url: string | null;
  readonly since: Time;
}

interface WaitingMembers {
  readonly target: string;
  readonly count: number;
  readonly oldest_at: Time | null;
}

/** The tables of a shared log were created. @printedBy store init */
interface StoreInitLine {
  readonly type: "store_init";
  /** Its address without the password. */
  readonly log: string;
  /** False: it existed. */
  readonly created: boolean;
}

/** Deliveries of the log by what became of them. */
interface LogCounts {
  readonly received: number;
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Accepted bodies without a schema, which are counted as one of the others as well. */
  readonly custom: number;
}

/** Counts the deliveries of the log. @printedBy events stats */
export interface StatsLine extends LogCounts {
  readonly type: "stats";
  /** The counts of each. */
  readonly products: { readonly [name: string]: LogCounts };
  /** Hours with deliveries, oldest first. */
  readonly hours: readonly HourCounts[];
  /** How long the target took to answer; null if it never did. */
  readonly latency_ms: CountedPercentiles | null;
}

interface HourCounts extends LogCounts {
  readonly at: Time;
  readonly product: string;
}

interface CountedPercentiles extends Percentiles {
  readonly count: number;
}

/** A place where the payloads of two deliveries differ. @printedBy events diff */
interface DifferenceLine {
  readonly type: "difference";
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** The value as JSON, as it was written. */
  readonly before: string | null;
  /** The value as JSON, as it was written. */
  readonly after: string | null;
}

/** The command that posts a delivery to the local receiver again. @printedBy events show --curl */
interface CurlLine {
  readonly type: "curl";
  readonly n: number;
  readonly command: string;
}

/** Deliveries were removed from the log. @printedBy events prune */
interface PrunedLine {
  readonly type: "pruned";
  /** How many. */
  readonly removed: number;
  /** Size of the log now. */
  readonly bytes: number;
  readonly keep_ms: number;
  readonly max_bytes: number;
  /** Number of the oldest that is left. */
  readonly oldest: number | null;
  /** How many wait for your app, which are never removed. */
  readonly waiting: number;
}

/** A product with its formats and events. @printedBy products */
interface ProductLine {
  readonly type: "product";
  readonly id: string;
  readonly title: string;
  /** The default first. */
  readonly formats: readonly FormatMembers[];
}

interface FormatMembers {
  readonly id: string;
  /** Where it is known from. */
  readonly source: string;
  readonly evidence?: "doc" | "seen" | "modelled";
  readonly signatures: readonly SignatureScheme[];
  /** The answer that the sender expects. */
  readonly answer?: string;
  /** How it checks a URL before it saves a webhook. */
  readonly probe?: string;
  readonly events: readonly EventMembers[];
}

interface SignatureScheme {
  readonly id: string;
  readonly title: string;
  readonly covers: "body" | "sender" | "nothing";
  /** The variable of its key. */
  readonly variable: string;
  /** Of a product of your own: the code of the sender. */
  readonly deluge?: string;
}

interface EventMembers {
  readonly name: string;
  readonly summary: string;
  /** It happens once to a record, so that a second delivery is a duplicate even with another body. */
  readonly once: boolean;
  /** The known values of a name with a placeholder. */
  readonly members: readonly string[];
}

/** A setting. @printedBy config show */
interface SettingLine {
  readonly type: "setting";
  /** As the config file has it: `tunnel.domain`. */
  readonly key: string;
  /** Null if it is not set. */
  readonly value: unknown;
  /** What sets it. */
  readonly origin: string | null;
}

/** A profile. @printedBy whoami */
interface ProfileLine {
  readonly type: "profile";
  readonly name: string;
  /** It is the one in use. */
  readonly used: boolean;
  readonly data_centre: string;
  readonly environment: string;
  readonly scopes: readonly string[];
  readonly secrets_in: "keyring" | "file";
}

/** A sign-in to Zoho. @printedBy login, logout, whoami */
export interface SignInLine {
  readonly type: "sign_in";
  readonly state: "signed_in" | "current" | "signed_out";
  readonly profile: string;
  readonly data_centre: string;
  readonly environment: string;
  readonly accounts_url: string;
  readonly api_url: string | null;
  readonly client_id: string | null;
  readonly scopes: readonly string[];
  /** In words: the keyring, a file or the environment. */
  readonly secrets_in: string;
  readonly token_expires_at: Time | null;
}

/** A request to Zoho, its secrets masked. @printedBy any command with `--dry-run` or `--verbose` */
export interface ApiRequestLine {
  readonly type: "api_request";
  /** False with `--dry-run`. */
  readonly sent: boolean;
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string | null;
  readonly status: number | null;
  readonly error: string | null;
  readonly latency_ms: number | null;
}

/** A folder that you trust. @printedBy trust --list */
interface FolderLine {
  readonly type: "folder";
  readonly folder: string;
  /** With all folders below it, whatever their files decide. */
  readonly below: boolean;
  readonly decisions: readonly string[];
}

/** The sample of an event. @printedBy fixtures */
export interface FixtureLine {
  readonly type: "fixture";
  readonly product: string;
  readonly format: string;
  readonly event: string;
  /** Null if there is none. */
  readonly path: string | null;
  readonly origin: "project" | "built-in" | null;
  /** It is the template of a family, filled in for the event. */
  readonly template: boolean;
  /** Of `fixtures show`. */
  readonly text?: string;
}

/** A file that a command has written or left as it is. @printedBy init, types, fixtures eject, events save-fixture */
export interface FileLine {
  readonly type: "file";
  readonly action: "created" | "changed" | "unchanged" | "written" | "saved" | "overwritten" | "copied" | "kept";
  readonly path: string;
  /** Number of the saved delivery. Of `events save-fixture`. */
  readonly n?: number;
  /** Of a sample. */
  readonly product?: string;
  /** Of a sample. */
  readonly format?: string;
  /** Of a sample. */
  readonly event?: string;
  /** Names, e-mails, phone numbers, addresses and ids were replaced. Of `events save-fixture`. */
  readonly redacted?: boolean;
  /** What was added or changed. Of `init`. */
  readonly entries?: readonly string[];
  /** How many have a type. Of `types`. */
  readonly events?: number;
}

/** A key pair of your own. @printedBy keygen */
interface KeyPairLine {
  readonly type: "key_pair";
  readonly private_key_file: string;
  readonly public_key_file: string;
  /** As PEM. */
  readonly public_key: string;
  readonly jwks_file: string;
}

/** A text: a sample of code, a page. @printedBy help, skill, types */
interface TextLine {
  readonly type: "text";
  readonly text: string;
}

/** A script for a shell. @printedBy completion */
interface CompletionLine {
  readonly type: "completion";
  readonly shell: string;
  readonly script: string;
}

/** What can replace the last word. For the scripts of `completion`. @printedBy completion words */
interface SuggestionsLine {
  readonly type: "suggestions";
  readonly suggestions: readonly Suggestion[];
  /** Names of files as well. */
  readonly files: boolean;
}

interface Suggestion {
  readonly value: string;
  readonly description: string;
}

/** An error that ends a command: a line of standard error, with `"v":1` in front. */
export interface ErrorLine {
  readonly error: {
    /** Stable, such as `usage`; `bug` for a defect of zoho-hooks. */
    readonly code: string;
    readonly message: string;
    /** What to do. */
    readonly hint?: string;
  };
}

/** A delivery in short. Only MCP and the page of the inspector ask for it, without `type`. */
export interface DeliveryRow {
  readonly type: "table";
  readonly n: number;
  readonly at: Time;
  readonly product: string | null;
  readonly event: string | null;
  /** Method and URL of what has no event. */
  readonly request?: string;
  readonly sender: Signature["result"];
  readonly schema_ok: boolean | null;
  readonly status: number | null;
  readonly refusal?: string;
  readonly state: LoggedMembers["state"];
  readonly bytes: number;
  readonly duplicate_of?: number;
  /** The last answer of the app; null if none came. */
  readonly app_status?: number | null;
}
