import { type RunningInspector, startInspector } from "../../inspector/start.ts";
import type { Part } from "../../listener/part.ts";
import type { Plan } from "../../listener/plan.ts";
import { noLog } from "../../listener/plan.ts";
import type { Context } from "../../project/context.ts";
import { errorText } from "../../util/errors.ts";

export interface InspectorPart extends Part {
  /** Starts it unless it runs. Resolves to its address; undefined, with a warning, where it could not be started. */
  start(): Promise<string | undefined>;
}

/** The inspector of a run, which is started on demand. It has no part in receiving: the run goes on without it. */
export function createInspectorPart(context: Context, { config, flags, options, givenSecrets }: Plan): InspectorPart {
  let running: Promise<RunningInspector | undefined> | undefined;
  const warn = (message: string): void => {
    running = undefined;
    context.report({ type: "warning", message, hint: "to start it again: zoho-hooks ui" });
  };
  return {
    name: "the inspector",
    async start() {
      if (config.settings.store === false) throw noLog();
      running ??= startInspector(context, {
        flags,
        secrets: givenSecrets,
        showSecrets: options.showSecrets === true,
        onEnded: (reason) => warn(`the inspector has ended by itself: ${reason}`),
      }).catch((error: unknown) => {
        warn(`the inspector could not be started: ${errorText(error)}`);
        return undefined;
      });
      const inspector = await running;
      // The next time it may have ended.
      if (inspector?.isOther === true) running = undefined;
      return inspector?.address;
    },
    async stop() {
      await (await running)?.stop();
    },
  };
}
