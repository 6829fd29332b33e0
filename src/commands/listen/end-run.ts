import type { Context } from "../../context.ts";
import { errorText } from "../../core/errors.ts";
import type { Receiver } from "../../receiver/receiver.ts";
import type { Exec } from "./exec.ts";
import type { Keeping } from "./keeping.ts";
import type { Notifications } from "./notifications.ts";
import type { RunTunnel } from "./tunnel.ts";

/** Before the receiver closes what is still open, so that who waits for an answer gets one. */
const HURRY_AFTER_MS = 1500;
/** Longer than this nobody likes to look at a terminal that says nothing. */
const TELL_AFTER_MS = 500;

interface RunParts {
  readonly exec: Exec | undefined;
  readonly notifications: Notifications;
  readonly tunnel: RunTunnel | undefined;
  readonly receiver: Receiver | undefined;
  readonly keeping: Keeping;
}

/** From the outside in: nothing more comes, then what has come is answered, then it is put away. */
export async function endRun(
  context: Pick<Context, "report">,
  { exec, notifications, tunnel, receiver, keeping }: RunParts,
  drainUntil: AbortSignal | undefined,
): Promise<void> {
  const message =
    "stopping: finishing what is under way takes a few seconds at most; press Ctrl-C again to stop at once";
  const telling = setTimeout(() => context.report({ type: "notice", message }), TELL_AFTER_MS);
  // Each is done whatever became of the one before, and none takes the place of what the run itself has come to.
  const end = async (what: string, work: () => Promise<void> | undefined): Promise<void> => {
    try {
      await work();
    } catch (error) {
      context.report({ type: "warning", message: `${what} did not end properly: ${errorText(error)}` });
    }
  };
  await end("the program of --exec", () => exec?.stop());
  await end("the channel", () => notifications.stop());
  await end("the tunnel", () => tunnel?.close());
  const hurry = setTimeout(() => keeping.hurry(), HURRY_AFTER_MS);
  await end("the receiver", () => receiver?.close());
  clearTimeout(hurry);
  await end("the connection to Zoho", () => notifications.close());
  await end("forwarding", () => keeping.close(drainUntil));
  clearTimeout(telling);
}
