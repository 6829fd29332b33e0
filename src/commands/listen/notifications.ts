import type { Secrets } from "../../body/secret.ts";
import type { Context } from "../../context.ts";
import type { Product } from "../../core/product.ts";
import type { RunningChannel } from "../../reports/channel.ts";
import type { EventReport } from "../../reports/event.ts";
import type { TunnelChoice } from "../../tunnel/open-tunnel.ts";
import { ExitCode, usageError } from "../../util/errors.ts";

export interface NotificationOptions {
  readonly channel?: readonly string[];
  readonly expand?: boolean;
  readonly profile?: string;
  readonly product?: string;
  readonly apiVersion?: string;
}

export interface NotificationParts {
  readonly options: NotificationOptions;
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  readonly choice: TunnelChoice;
  /** The channel is lost for good. */
  onLost(error: unknown): void;
}

/** What a run has to do with Zoho's API: a channel that lives as long as it, and the records that notifications tell of. */
export interface Notifications {
  /** The configured ones, and the token of the channel. */
  readonly secrets: Secrets;
  /** Creates the channel, once what is posted to the public URL arrives here. */
  start(publicUrl: string | undefined): Promise<void>;
  /** The tunnel has come back under another URL. */
  moved(publicUrl: string): void;
  channel(): RunningChannel | undefined;
  /** Fetches the records that an event tells of, where that is asked for. Returns at once. */
  expand(event: EventReport): void;
  /** Deletes the channel; deliveries that are on their way may still arrive. Never throws. */
  stop(): Promise<void>;
  /** Waits a little for the last records, and closes the connections. */
  close(): Promise<void>;
  /** What the run ends with for the channel's sake: 9 lost, 7 not deleted, or 0. */
  exitCode(): ExitCode;
}

/** Decides before anything is opened, so that a missing sign-in or a clash of flags costs no port. */
export async function openNotifications(context: Context, parts: NotificationParts): Promise<Notifications> {
  const { options, choice, secrets } = parts;
  if (options.channel === undefined && options.expand !== true) {
    refuseWithoutUse(options);
    return withoutZoho(secrets);
  }
  if (options.channel !== undefined && choice.kind === "none") {
    throw usageError(
      "--channel needs a public URL for Zoho to post to, and this run has none",
      "set NGROK_AUTHTOKEN for a tunnel, or use your own: --public-url https://…",
    );
  }
  // Loaded when asked for: most runs need nothing of Zoho's API.
  const { joinZoho } = await import("./zoho.ts");
  return joinZoho(context, parts);
}

function refuseWithoutUse({ profile, product, apiVersion }: NotificationOptions): void {
  const given = { "--profile": profile, "--product": product, "--api-version": apiVersion };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw usageError(`${flag} does nothing without --channel or --expand`);
}

function withoutZoho(secrets: Secrets): Notifications {
  return {
    secrets,
    start: async () => {},
    moved: () => {},
    channel: () => undefined,
    expand: () => {},
    stop: async () => {},
    close: async () => {},
    exitCode: () => ExitCode.ok,
  };
}

/** What a run ends with: a lost tunnel or channel explains what is missing, and what is missing matters more than a left-over. */
export function outcome(lost: unknown, ofChannel: ExitCode, isMissing: boolean): ExitCode {
  if (lost !== undefined) throw lost;
  if (ofChannel === ExitCode.connectionLost) return ofChannel;
  return isMissing ? ExitCode.expectation : ofChannel;
}
