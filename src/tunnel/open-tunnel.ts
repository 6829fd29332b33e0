import type { Secret } from "../delivery/secrets.ts";
import { usageError } from "../util/errors.ts";
import { openCloudflared } from "./cloudflared.ts";
import type { StartProgram } from "./cloudflared-program.ts";
import { openNgrok } from "./ngrok.ts";
import { missingAuthtoken } from "./ngrok-errors.ts";
import type { NgrokSettings } from "./ngrok-session.ts";
import { parsePublicUrl, usePublicUrl } from "./public-url.ts";
import type { Tunnel, TunnelOptions } from "./tunnel.ts";

export type TunnelChoice =
  | { readonly kind: "ngrok"; readonly settings: NgrokSettings }
  | { readonly kind: "cloudflared"; readonly start: StartProgram }
  | { readonly kind: "public-url"; readonly url: string }
  /** `wanted`: the user has asked for none. Otherwise `listen` says how to get a public URL. */
  | { readonly kind: "none"; readonly wanted: boolean };

export interface TunnelWishes {
  readonly tunnel: "ngrok" | "cloudflared" | "none" | undefined;
  readonly publicUrl: string | undefined;
  readonly authtoken: Secret | undefined;
  readonly domain: string | undefined;
  readonly serverAddr: string | undefined;
  readonly rootCas: string | undefined;
  /** Finds the user's `cloudflared`, or throws. */
  cloudflared(): StartProgram;
  /** Origin of each: a flag, a variable, a setting in a file. */
  readonly names: { readonly tunnel: string; readonly publicUrl: string; readonly domain: string };
}

/** A public URL comes first, then what was asked for, then ngrok if it has a token. Throws for conflicting settings. */
export function chooseTunnel(wishes: TunnelWishes): TunnelChoice {
  const { tunnel, publicUrl, authtoken, domain, names } = wishes;
  if (publicUrl !== undefined) {
    if (tunnel === "ngrok" || tunnel === "cloudflared")
      throw usageError(`${names.publicUrl} means your own tunnel, but ${names.tunnel} asks for ${tunnel}`, LEAVE_OUT);
    if (domain !== undefined)
      throw usageError(`${names.domain} is for ngrok, but ${names.publicUrl} means your own tunnel`, LEAVE_OUT);
    return { kind: "public-url", url: parsePublicUrl(publicUrl) };
  }
  if (tunnel === "none") {
    if (domain !== undefined)
      throw usageError(`${names.domain} needs a tunnel, but ${names.tunnel} asks for none`, LEAVE_OUT);
    return { kind: "none", wanted: true };
  }
  if (tunnel === "cloudflared") {
    if (domain !== undefined)
      throw usageError(`${names.domain} is for ngrok, but ${names.tunnel} asks for cloudflared`, LEAVE_OUT);
    return { kind: "cloudflared", start: wishes.cloudflared() };
  }
  if (authtoken === undefined) {
    if (tunnel === "ngrok" || domain !== undefined) throw missingAuthtoken();
    return { kind: "none", wanted: false };
  }
  const { serverAddr, rootCas } = wishes;
  const host = domain === undefined ? undefined : domainHost(domain);
  return { kind: "ngrok", settings: { authtoken, domain: host, serverAddr, rootCas } };
}

const LEAVE_OUT = "leave one of them out";

/** Resolves once the URL exists; use `probe` to check whether requests arrive. */
export async function openTunnel(choice: TunnelChoice, options: TunnelOptions): Promise<Tunnel | undefined> {
  if (choice.kind === "ngrok") return await openNgrok(choice.settings, options);
  if (choice.kind === "cloudflared") return await openCloudflared(choice.start, options);
  if (choice.kind === "public-url") return usePublicUrl(choice.url, options);
  return undefined;
}

/** Accepts `hooks.example.com`, or a URL. */
function domainHost(domain: string): string {
  const url = /^https?:\/\//i.test(domain) ? domain : `https://${domain}`;
  if (!URL.canParse(url) || new URL(url).host === "" || new URL(url).pathname !== "/") {
    throw usageError(`the domain "${domain}" is not valid`, "give it as hooks.example.com");
  }
  return new URL(url).host;
}
