// What `--json` prints, as types. They are a public interface: docs/json-schema.json and the lists of docs/json.md are made from
// them, and within a version members are only added. `null`: there is none, or it is not known. A member with `?` is left out
// where it does not apply. `@printedBy`: the commands.

import type { ChannelLine, RecordLine } from "../channels/lines.ts";
import type { CheckLine, CheckSummaryLine } from "../checks/lines.ts";
import type { EmulatedDeliveryLine, EmulatedRequestLine, EmulatorLine } from "../emulator/lines.ts";
import type { ForwardLine, TargetLine } from "../forward/lines.ts";
import type { DriftLine } from "../history/lines.ts";
import type { GapLine, ReadyLine, Role, SummaryLine, TunnelLine } from "../listener/lines.ts";
import type { StatsLine } from "../log/lines.ts";
import type { ProductLine } from "../own-products/lines.ts";
import type { ApiAccess } from "../project/inspector-access.ts";
import type { MissedLine, ReconcileLine } from "../reconcile/lines.ts";
import type { SendSummaryLine, SentLine } from "../send/lines.ts";
import type { HeaderPair, Time } from "../util/json-line.ts";
import type { VerifiedLine, VerifySummaryLine } from "../verify/lines.ts";
import type { ApiRequestLine, SignInLine } from "../zoho-api/lines.ts";
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
