import type { ChannelLine, RecordLine, RegisteredHook } from "../channels/lines.ts";
import type { ForwardReport, TargetLine } from "../forward/lines.ts";
import type { DriftLine, DriftsReport } from "../history/lines.ts";
import type { Role } from "../log/log.ts";
import type { Message } from "../process/messages.ts";
import type { Context } from "../project/context.ts";
import type { ApiAccess } from "../project/inspector-access.ts";
import type { EventReport } from "../receiver/event-report.ts";
import type { Unsigned } from "../recognition/unsigned.ts";
import type { Time } from "../util/json-line.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { WebhookFailureLine, WebhookLine } from "../zoho-webhooks/lines.ts";

/** All that a running `listen` reports. */
export type ListenReport =
  | Message
  | ApiRequestLine
  | ChannelLine
  | DriftLine
  | DriftsReport
  | EventReport
  | ForwardReport
  | GapReport
  | ReadyReport
  | RecordLine
  | SummaryReport
  | TargetLine
  | TunnelReport
  | WebhookFailureLine
  | WebhookLine;

export type ListenContext = Context<ListenReport>;

/** A change of the tunnel. @printedBy listen */
export interface TunnelLine {
  readonly type: "tunnel";
  readonly at: Time;
  /** `closed`: by a key. */
  readonly state: "up" | "down" | "reconnected" | "lost" | "closed";
  readonly url: string | null;
  /** Set if the tunnel came back under another URL. */
  readonly previous_url: string | null;
  readonly reason: string | null;
  readonly down_ms: number | null;
}

export interface TunnelReport extends TunnelLine {
  readonly person: {
    /** What this run has registered, which is moved to the new URL: `channel 4711`. */
    readonly moving: readonly string[];
  };
}

/** A time in which nothing could arrive. @printedBy listen */
export interface GapLine {
  readonly type: "gap";
  readonly from: Time;
  readonly to: Time;
  /** `sleep`: the machine slept, or the clock was set ahead; `busy`: `listen` itself was. */
  readonly cause: "sleep" | "busy" | "tunnel";
  /** The cause in words. */
  readonly reason: string;
}

export interface GapReport extends GapLine {
  readonly person: {
    /** They find what was missed: of channels, and of webhooks. */
    readonly commands: readonly [channels: string, webhooks: string];
  };
}

/** Deliveries by what became of them. */
export interface DeliveryCounts {
  /** The sum of `valid` to `rejected`. */
  readonly received: number;
  readonly valid: number;
  /** Bodies without a schema. */
  readonly custom: number;
  /** Accepted, although the body does not match its schema, is unreadable, or is of an unknown event. */
  readonly invalid: number;
  /** Accepted with `--on-invalid warn`, whatever the body. */
  readonly wrong_signature: number;
  /** Accepted with `--on-invalid warn`, whatever the body. */
  readonly missing_signature: number;
  readonly rejected: number;
  /** Of those accepted. */
  readonly duplicates: number;
  /** Neither shown nor forwarded, because of `--events`. */
  readonly hidden: number;
}

/** The last line of a run. @printedBy listen */
export interface SummaryLine extends DeliveryCounts {
  readonly type: "summary";
  /** The counts of each. */
  readonly products: { readonly [name: string]: DeliveryCounts };
  readonly seconds: number;
  /** Deliveries, each counted once for each of its targets. Null without a target. */
  readonly forwards: ForwardCounts | null;
  /** Null without a tunnel. */
  readonly tunnel_down_ms: number | null;
  /** Lines that nobody read. */
  readonly left_out: number;
  /** One for each `--expect`. */
  readonly expectations: readonly Expectation[];
}

export interface ForwardCounts {
  readonly delivered: number;
  /** No attempt follows. */
  readonly failed: number;
  /** The next `listen` sends them. Null if the log could not be read. */
  readonly waiting: number | null;
}

interface Expectation {
  readonly event: string;
  readonly wanted: number;
  readonly came: number;
}

export interface SummaryReport extends SummaryLine {
  readonly person: { readonly role: Role };
}

/** `listen` is ready: the receiver is up, and reachable under its public URL. Once a run. @printedBy listen */
export interface ReadyLine {
  readonly type: "ready";
  readonly role: Role;
  /** Address of the receiver. Null with `--role deliver`, which opens none. */
  readonly url: string | null;
  readonly public_url: string | null;
  /** The webhook URL of each product. */
  readonly urls: { readonly [name: string]: string };
  /** What is accepted without a signature. */
  readonly unsigned: readonly Unsigned[];
  /** The patterns of `--events`; empty for all. */
  readonly events: readonly string[];
  /** Where the public half of a private key of your own is served. */
  readonly jwks_url: string | null;
  /** The page of `--ui`. It has a token, so keep it out of logs. */
  readonly inspector_url: string | null;
  /** [The API for tests](testing.md#in-any-language). */
  readonly api: ApiAccess | null;
  /** Whether your app accepts connections; null if that is not known yet, or nothing is forwarded to an app. */
  readonly app_answers: boolean | null;
  readonly notes: readonly string[];
  /** The channels and webhooks of `--register` and `--channel`. */
  readonly registered: readonly RegisteredHook[];
}

export interface ReadyReport extends ReadyLine {
  readonly person: {
    /** The log that it delivers from; undefined where there is a receiver. */
    readonly logPath: string | undefined;
    /** What has to be known of the public URL. */
    readonly publicUrlNote: string | undefined;
    /** The path of a webhook, below either URL; `<product>` stands for the product. */
    readonly path: string;
    /** The paths of the app that are received as well, and their products. */
    readonly paths: readonly string[];
    /** The URLs of the developer's app. */
    readonly forwardsTo: readonly string[];
    /** The sender gets the app's answer. */
    readonly isMirrored: boolean;
    /** Origins of the secrets that deliveries are checked with. */
    readonly checks: readonly string[];
    readonly onInvalid: "reject" | "warn";
    /** There is no public URL, and nobody has said that there should be none. */
    readonly offersTunnel: boolean;
    /** Single keys do something. */
    readonly takesKeys: boolean;
    /** URL at which `--admin` serves counts; undefined without it. */
    readonly metricsUrl: string | undefined;
    /** The command to try in a second terminal; undefined where something else sends. */
    readonly tryCommand: string | undefined;
  };
}
