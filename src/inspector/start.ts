import { openInBrowser } from "../process/desktop.ts";
import type { Context } from "../project/context.ts";
import type { Settings } from "../project/settings.ts";
import { openingAddress } from "./security.ts";

interface InspectorStart extends StartMessage {
  /** Called when it ends by itself. */
  onEnded(reason: string): void;
}

export interface RunningInspector {
  /** Contains the token: do not write it to a log. */
  readonly address: string;
  /** It is another process's, which may end at any time. */
  readonly isOther: boolean;
  stop(): Promise<void>;
}

/**
 * Starts the inspector in a child process, which ends with this one: no search and no crash of the inspector affects the
 * receiver. Rejects with an Error that says why it did not start.
 */
export async function startInspector(context: Context, given: InspectorStart): Promise<RunningInspector> {
  const child = context.startSelf(["ui", "--for-listen"]);
  let isStopped = false;
  const { flags, showSecrets, startedAfter } = given;
  const start: StartMessage = { flags, showSecrets, startedAfter };
  const answered = new Promise<InspectorMessage>((resolve) =>
    child.onMessage((message) => resolve(message as InspectorMessage)),
  );
  const ended = child.ended.then((text) => ({ type: "failed", message: text.trim() || "it has ended" }) as const);
  child.send(start);
  const answer = await Promise.race([answered, ended]);
  if (answer.type === "failed") {
    child.end();
    throw new Error("hint" in answer ? `${answer.message}: ${answer.hint}` : answer.message);
  }
  void ended.then(({ message }) => {
    if (!isStopped && !answer.isOther && !context.signal.aborted) given.onEnded(message);
  });
  return {
    address: answer.address,
    isOther: answer.isOther,
    async stop() {
      isStopped = true;
      child.end();
      await child.ended;
    },
  };
}

/** From `listen` to the inspector that it has started. */
export interface StartMessage {
  /** The settings that were flags. */
  readonly flags: Readonly<Partial<Settings>>;
  readonly showSecrets: boolean;
  /** Number of the newest delivery when the run began: the API removes none up to it. Undefined: it removes nothing. */
  readonly startedAfter: number | undefined;
}

/** The answer of the inspector, once. */
export type InspectorMessage =
  | { readonly type: "ready"; readonly address: string; readonly isOther: boolean }
  | { readonly type: "failed"; readonly message: string; readonly hint?: string };

/** Opens the page in the browser, without its token in a command line. */
export function openPage(context: Context, address: string): void {
  openInBrowser(context, openingAddress(address, context.now()), () =>
    context.report({
      type: "warning",
      message: "the page could not be opened in the browser: open its address yourself",
    }),
  );
}
