import { overrideContext } from "../project/context.ts";
import type { UserError } from "../util/errors.ts";
import type { ListenContext } from "./lines.ts";
import type { RegisteredPart } from "./part.ts";
import type { Plan } from "./plan.ts";
import { CLOUDFLARE_NOTE, chooseCloudflared, type OpenChoice, type TunnelPart } from "./tunnel-part.ts";

interface SwitchOptions {
  readonly context: ListenContext;
  readonly plan: Plan;
  /** The parts of the run, of which this one sets and deletes `tunnel`. */
  readonly parts: { tunnel?: TunnelPart; readonly registered?: RegisteredPart };
  open(context: ListenContext, choice: OpenChoice, onLost: (error: UserError) => void): Promise<TunnelPart>;
  /** The public URL has changed; undefined: there is none now. */
  onUrl(url: string | undefined): Promise<void>;
  /** Another URL takes the place of one that Zoho still posts to. */
  onMoved(url: string, previousUrl: string): void;
}

export type TunnelSwitch = ReturnType<typeof createTunnelSwitch>;

/** Opens and closes the tunnel of a run that goes on: what `--tunnel` names, or else one of cloudflared. */
export function createTunnelSwitch({ context, plan, parts, open, onUrl, onMoved }: SwitchOptions) {
  const ended = new AbortController();
  let switching: Promise<void> | undefined;
  let lastUrl = parts.tunnel?.url();
  const notice = (message: string): void => context.report({ type: "notice", message });

  async function toggle(waiting: ListenContext["waiting"]): Promise<void> {
    const { tunnel } = parts;
    if (tunnel?.kind === "public-url") return notice("the public URL is of your own tunnel: stop it where it runs");
    await (tunnel === undefined ? openOne(waiting) : close(tunnel));
  }

  async function openOne(waiting: ListenContext["waiting"]): Promise<void> {
    const choice = plan.choice.kind === "none" ? chooseCloudflared(context, plan.config) : plan.choice;
    const signal = AbortSignal.any([context.signal, ended.signal]);
    let tunnel: TunnelPart | undefined;
    const onLost = (error: UserError): void => {
      context.report({ type: "warning", message: error.message, hint: "press t to open a tunnel again" });
      if (tunnel !== undefined && parts.tunnel === tunnel) void drop(tunnel);
    };
    tunnel = await open(overrideContext(context, { waiting, signal }), choice, onLost);
    const url = tunnel.url();
    parts.tunnel = tunnel;
    await onUrl(url);
    report("up", url);
    if (tunnel.kind === "cloudflared") notice(CLOUDFLARE_NOTE);
    if (lastUrl !== undefined && lastUrl !== url) onMoved(url, lastUrl);
    lastUrl = url;
  }

  async function close(tunnel: TunnelPart): Promise<void> {
    lastUrl = tunnel.url();
    await drop(tunnel);
    report("closed", null);
    const hint = "press t to open the tunnel again: what listen has registered is moved to its URL";
    for (const { kind, id } of parts.registered?.state() ?? []) {
      const message = `${kind} ${id} still posts to ${lastUrl}: what it announces is missed`;
      context.report({ type: "warning", message, hint });
    }
  }

  async function drop(tunnel: TunnelPart): Promise<void> {
    delete parts.tunnel;
    await tunnel.stop(undefined);
    await onUrl(undefined);
  }

  function report(state: "up" | "closed", url: string | null): void {
    context.report({
      type: "tunnel",
      at: context.now().toJSON(),
      state,
      url,
      previous_url: null,
      reason: null,
      down_ms: null,
      person: { moving: [] },
    });
  }

  return {
    /** Opens or closes it. Does nothing while it is being opened or closed. */
    async toggle(waiting: ListenContext["waiting"]): Promise<void> {
      if (switching !== undefined) return;
      switching = toggle(waiting);
      try {
        await switching;
      } finally {
        switching = undefined;
      }
    },
    /** Before the parts are stopped: from now on nothing is opened. */
    async end(): Promise<void> {
      ended.abort();
      await switching?.catch(() => {});
    },
  };
}
