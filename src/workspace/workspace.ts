import type { Secrets } from "../delivery/secrets.ts";
import type { Log } from "../log/log.ts";
import type { Product } from "../model/product.ts";
import type { Context, Sink } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import type { ExitCode } from "../util/errors.ts";

/** Members of a Context that have nothing to do with a terminal. */
type Surroundings = Pick<
  Context,
  | "cwd"
  | "env"
  | "platform"
  | "packageRoot"
  | "invocation"
  | "userFolder"
  | "knownSecrets"
  | "overrides"
  | "now"
  | "sleep"
>;

/** What operations work on: a project's settings, secrets, products and log. It has no terminal: nothing is printed or asked. */
export interface Workspace extends Surroundings {
  /** Without a secret that cannot be read, which must not stop a look at the log: see `secrets`. */
  readonly config: Config;
  /** Whoever asks may see secrets. */
  readonly showSecrets: boolean;
  /** Address of the receiver in the same process, inside `listen` alone. */
  readonly listenerUrl: string | undefined;
  /** Undefined outside of the API of a `listen`. */
  readonly runDeliveries: RunDeliveries | undefined;
  /** `schemas: false` runs no module of the user; with `schemasOf`, only those of this product. */
  products(options?: {
    readonly schemas?: boolean;
    readonly schemasOf?: string | undefined;
  }): Promise<readonly Product[]>;
  /** For what verifies and signs. Throws a UserError for a key that cannot be read. */
  secrets(): Secrets;
  /** Rejects with a UserError where there is no log. */
  openLog(): Promise<OpenLog>;
  /** Throws a usage error for a URL that must not be sent to. */
  requireReachable(url: string): void;
}

/** What the API of a `listen` may remove: the deliveries of its own run. */
export interface RunDeliveries {
  /** Number of the newest delivery when the run began. What is up to it was saved before, and stays. */
  readonly startedAfter: number;
  /** Number of the newest delivery when they were last removed. What still waits of those up to it no longer counts. */
  removedUpTo: number;
}

/** A log for some work, which closes it. That of a running `listen` stays open. */
export interface OpenLog {
  readonly log: Log;
  close(): Promise<void>;
}

/**
 * The results of an operation one by one, and its exit code. It waits for its reader, and ends where that stops reading. `false` in
 * place of the next: nobody reads the output any more, so it ends with what it has.
 */
export type Run<Result> = AsyncGenerator<Result, ExitCode, boolean | undefined>;

/** For what reports while it works. */
export type ReportingWorkspace<Own = never> = Workspace & Sink<Own>;
