import type { ChannelReport, RecordReport, Registered } from "../channels/reports.ts";
import type { ForwardReport, TargetReport } from "../forward/reports.ts";
import type { DriftLine, DriftsReport } from "../history/lines.ts";
import type { Message } from "../process/messages.ts";
import type { Context } from "../project/context.ts";
import type { ApiAccess } from "../project/inspector-access.ts";
import type { EventReport } from "../receiver/event-report.ts";
import type { Unsigned } from "../recognition/unsigned.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { WebhookFailureReport, WebhookReport } from "../zoho-webhooks/reports.ts";

/** All that a running `listen` reports. */
export type ListenReport =
  | Message
  | ApiRequestLine
  | ChannelReport
  | DriftLine
  | DriftsReport
  | EventReport
  | ForwardReport
  | GapReport
  | ReadyReport
  | RecordReport
  | SummaryReport
  | TargetReport
  | TunnelReport
  | WebhookFailureReport
  | WebhookReport;

export type ListenContext = Context<ListenReport>;

/** The connection that makes the receiver reachable from outside. */
export interface TunnelReport {
  readonly type: "tunnel";
  readonly at: Date;
  /** `closed`: by a key. */
  readonly state: "up" | "down" | "reconnected" | "lost" | "closed";
  readonly url: string | undefined;
  /** Set when the tunnel came back under another URL. */
  readonly previousUrl: string | undefined;
  /** What this run has registered, which is moved to the new URL: `channel 4711`. */
  readonly moving: readonly string[];
  readonly reason: string | undefined;
  readonly downMs: number | undefined;
}

/** A time in which nothing could arrive, reported once it is over. */
export interface GapReport {
  readonly type: "gap";
  readonly from: Date;
  readonly to: Date;
  readonly cause: "sleep" | "busy" | "tunnel";
  /** The cause in words. */
  readonly reason: string;
  /** They find what was missed: of channels, and of webhooks. */
  readonly commands: readonly [channels: string, webhooks: string];
}

/** Counts, named as in `--json`. `received` is the sum of all but `duplicates` and `hidden`. */
export interface ProductCount {
  readonly received: number;
  readonly valid: number;
  /** Accepted custom bodies, which have no schema. */
  readonly custom: number;
  /** Accepted, although the body does not match its schema, cannot be read, or its event is unknown. */
  readonly invalid: number;
  /** Accepted, although a signature or token is wrong (`--on-invalid warn`), whatever the body. */
  readonly wrong_signature: number;
  /** The same, although it has none and a key is set. */
  readonly missing_signature: number;
  readonly rejected: number;
  /** Counts accepted deliveries only. */
  readonly duplicates: number;
  /** Not shown and not forwarded, because of `--events`. */
  readonly hidden: number;
}

export interface ForwardCounts {
  readonly delivered: number;
  /** No attempt follows. With `--respond mirror` the sender got the error, and repeating it is up to it. */
  readonly failed: number;
  /** Still in the log: the next `listen` sends them. Undefined if the log could not be read at the end. */
  readonly waiting: number | undefined;
}

type Role = "receive" | "deliver" | "both";

export interface SummaryReport {
  readonly type: "summary";
  readonly role: Role;
  readonly total: ProductCount;
  readonly products: Readonly<Record<string, ProductCount>>;
  readonly seconds: number;
  /** Undefined without a target. */
  readonly forwards: ForwardCounts | undefined;
  /** How long the tunnel was down; undefined without one. */
  readonly tunnelDownMs: number | undefined;
  /** Lines about events that were not shown because the output was not read fast enough. */
  readonly droppedLines: number;
  /** One for each `--expect`. */
  readonly expectations: readonly { readonly event: string; readonly wanted: number; readonly came: number }[];
}

/** The receiver is up, and reachable under its public URL. Once a run. */
export interface ReadyReport {
  readonly type: "ready";
  /** Which half of the work this process does. */
  readonly role: Role;
  /** The log that it delivers from; undefined where there is a receiver. */
  readonly logPath: string | undefined;
  /** Undefined without a receiver. */
  readonly url: string | undefined;
  readonly publicUrl: string | undefined;
  /** What has to be known of that URL. */
  readonly publicUrlNote: string | undefined;
  /** The path of a webhook, below either URL; `<product>` stands for the product. */
  readonly path: string;
  /** The webhook URL of each product. */
  readonly urls: Readonly<Record<string, string>>;
  /** For people: the paths of the app that are received as well, and their products. */
  readonly paths: readonly string[];
  /** The URLs of the developer's app. */
  readonly forwardsTo: readonly string[];
  /** All apps accept connections; undefined where that is not known yet, or nothing is forwarded to an app. */
  readonly appAnswers: boolean | undefined;
  /** The sender gets the app's answer. */
  readonly isMirrored: boolean;
  /** The patterns of the only events that are shown and forwarded; empty for all. */
  readonly events: readonly string[];
  /** Origins of the secrets that deliveries are checked with. */
  readonly checks: readonly string[];
  /** Deliveries that are accepted without a signature: those of all other products are checked. */
  readonly unsigned: readonly Unsigned[];
  readonly onInvalid: "reject" | "warn";
  /** There is no public URL, and nobody has said that there should be none. */
  readonly offersTunnel: boolean;
  /** The channels and webhooks of this run, which post here. */
  readonly registered: readonly Registered[];
  /** URL of the public halves of the local keys, if they are served. */
  readonly keySetUrl: string | undefined;
  /** Single keys do something. */
  readonly takesKeys: boolean;
  /** The page of the inspector, with its token; undefined where it was not asked for. */
  readonly inspectorUrl: string | undefined;
  /** The API that the inspector serves. */
  readonly api: ApiAccess | undefined;
  /** URL at which `--admin` serves counts; undefined without it. */
  readonly metricsUrl: string | undefined;
  /** The command to try in a second terminal; undefined where something else sends. */
  readonly tryCommand: string | undefined;
  /** Details: what is checked and what is not, and where things go. */
  readonly notes: readonly string[];
}
