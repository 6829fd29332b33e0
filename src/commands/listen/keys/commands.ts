import { utf8Text } from "../../../delivery/payload.ts";
import { entryEvent, hiddenSecrets, type LoggedEvent } from "../../../history/entry.ts";
import { parseNumber, requireEntry, useLog } from "../../../history/open-log.ts";
import { openPage } from "../../../inspector/start.ts";
import type { Log } from "../../../log/log.ts";
import type { Product } from "../../../model/product.ts";
import type { Operation } from "../../../operations/index.ts";
import { reportAll } from "../../../operations/present.ts";
import { type Door, openWorkspace } from "../../../operations/workspace.ts";
import { copyText } from "../../../process/desktop.ts";
import { usageError } from "../../../util/errors.ts";
import type { CommandContext } from "../../command.ts";
import { type RecentEvent, recentEvent } from "./recent-events.ts";

interface CommandOptions {
  readonly products: readonly Product[];
  /** The flags of `listen`. */
  readonly flags: Door["flags"];
  readonly listener: Door["listener"];
  readonly showSecrets: boolean | undefined;
  openInspector(): Promise<string | undefined>;
}

/** Enough for a screen. */
const MAX_FOUND = 20;

const MASKED = "its secrets are masked, so it would be rejected: send it with r, or use listen --show-secrets";

/** What the keys do that is not one of the operations alone. */
export function keyCommands(
  context: CommandContext,
  { products, flags, listener, showSecrets, openInspector }: CommandOptions,
) {
  const hidden = hiddenSecrets(context, { showSecrets });
  // It sends where listen does.
  const open = () => openWorkspace(context, { showSecrets, flags, listener });
  const eventOf = async (which: string): Promise<LoggedEvent> => {
    const entry = await useLog(open(), (log) => requireEntry(log, parseNumber(which)));
    return entryEvent(products, entry, hidden);
  };
  const copy = async (text: string, what: string, { logged }: LoggedEvent): Promise<void> => {
    // Windows' program takes another encoding.
    const canCopy = context.platform !== "win32" || Buffer.byteLength(text) === text.length;
    if (canCopy && (await copyText(context, text)))
      context.report({ type: "notice", message: `copied to the clipboard: ${what}` });
    else context.report({ type: "text", text: `${text.replace(/\n$/, "")}\n` });
    if (logged.masked) context.report({ type: "notice", message: MASKED });
  };
  return {
    /** The event with this number as it is in the log. */
    event: eventOf,
    run: <Input>(operation: Operation<Input>, input: Input) => operation.run(open(), input),
    async edit(n: number): Promise<void> {
      const { replay } = await import("../../../send/replay.ts");
      const { editBody } = await import("../../../send/editor.ts");
      const workspace = open();
      const edit = (body: Buffer) => editBody(context, workspace.config.env, body);
      await reportAll(context, replay(workspace, [String(n)], { edit }));
    },
    async curl(n: number): Promise<void> {
      const { showAsCurl } = await import("../../../history/list.ts");
      const [{ text }] = await showAsCurl(open(), n);
      await copy(hidden?.mask(text) ?? text, `#${n} as a curl command`, await eventOf(String(n)));
    },
    async copy(n: number): Promise<void> {
      const event = await eventOf(String(n));
      const text = utf8Text(event.body);
      if (text === undefined)
        throw usageError(
          `the body of #${n} is not UTF-8 text`,
          `zoho-hooks events show ${n} --json has its bytes, in Base64`,
        );
      const what = event.logged.cutTo === undefined ? "the body" : "the start of the body";
      await copy(text, `${what} of #${n}`, event);
    },
    /** A file is searched in a child process: reading all of it takes seconds, in which nothing would be received. */
    async search(text: string): Promise<readonly RecentEvent[]> {
      const argv = ["events", "list", `--search=${text}`, "--json", `--limit=${MAX_FOUND}`];
      const searchInChild = async (log: Log): Promise<number[]> => {
        const { status, stdout, stderr } = await context.runSelf(argv, context.signal, {
          env: { ZOHO_HOOKS_STORE: log.path },
        });
        if (status !== 0 && !context.signal.aborted)
          throw usageError(`the search failed: ${stderr.trim().split("\n")[0]}`);
        return [...stdout.matchAll(/^\{"v":1,"type":"event","n":(\d+),/gm)].map(([, n]) => Number(n));
      };
      const numbers = await useLog(open(), async (log) => {
        if (log.shared === undefined) return searchInChild(log);
        const found: number[] = [];
        for await (const { n } of log.rows({ search: text }, { limit: MAX_FOUND, signal: context.signal }))
          found.push(n);
        return found;
      });
      if (context.signal.aborted) return [];
      const found: RecentEvent[] = [];
      for (const n of numbers.reverse()) {
        const entry = await useLog(open(), (log) => log.get(n));
        if (entry === undefined) continue;
        const event = entryEvent(products, entry, hidden);
        context.report(event);
        found.push(recentEvent(event));
      }
      const newest = numbers.length === MAX_FOUND ? `the newest ${MAX_FOUND} with ` : `${numbers.length} with `;
      context.report({ type: "notice", message: `${newest}${JSON.stringify(text)}` });
      return found;
    },
    async inspector(): Promise<void> {
      const url = await openInspector();
      // Why it did not start has been reported.
      if (url === undefined) return;
      context.report({ type: "notice", message: `inspector: ${url}` });
      openPage(context, url);
    },
  };
}
