import type { Secret } from "../body/secret.ts";
import { usageError } from "../util/errors.ts";
import { openNgrok } from "./ngrok.ts";
import { missingAuthtoken } from "./ngrok-errors.ts";
import type { NgrokSettings } from "./ngrok-session.ts";
import { parsePublicUrl, usePublicUrl } from "./public-url.ts";
import type { Tunnel, TunnelOptions } from "./tunnel.ts";

export type TunnelChoice =
  | { readonly kind: "ngrok"; readonly settings: NgrokSettings }
  | { readonly kind: "public-url"; readonly url: string }
  /** `wanted` is true where the user has asked for none; otherwise it is worth a line how to get a public URL. */
  | { readonly kind: "none"; readonly wanted: boolean };

export interface TunnelWishes {
  readonly tunnel: "ngrok" | "none" | undefined;
  readonly publicUrl: string | undefined;
  readonly authtoken: Secret | undefined;
  readonly domain: string | undefined;
  readonly serverAddr: string | undefined;
  readonly rootCas: string | undefined;
  /** What the user has called each of them: a flag, a variable, a setting of a file. */
  readonly names: { readonly tunnel: string; readonly publicUrl: string; readonly domain: string };
}

/** A URL of the user's own first, then ngrok where it was asked for or has a token. Throws where the wishes clash. */
export function chooseTunnel(wishes: TunnelWishes): TunnelChoice {
  const { tunnel, publicUrl, authtoken, domain, names } = wishes;
  if (publicUrl !== undefined) {
    if (tunnel === "ngrok")
      throw usageError(`${names.publicUrl} is a tunnel of your own, and ${names.tunnel} asks for ngrok's`, LEAVE_OUT);
    if (domain !== undefined)
      throw usageError(`${names.domain} is for ngrok, and ${names.publicUrl} is a tunnel of your own`, LEAVE_OUT);
    return { kind: "public-url", url: parsePublicUrl(publicUrl) };
  }
  if (tunnel === "none") {
    if (domain !== undefined)
      throw usageError(`${names.domain} needs a tunnel, and ${names.tunnel} asks for none`, LEAVE_OUT);
    return { kind: "none", wanted: true };
  }
  if (authtoken === undefined) {
    if (tunnel === "ngrok" || domain !== undefined) throw missingAuthtoken();
    return { kind: "none", wanted: false };
  }
  const { serverAddr, rootCas } = wishes;
  const host = domain === undefined ? undefined : domainHost(domain);
  return { kind: "ngrok", settings: { authtoken, domain: host, serverAddr, rootCas, heartbeat: undefined } };
}

const LEAVE_OUT = "leave one of them out";

/** Opens what was chosen. Resolves once the URL exists; whether requests arrive is for `probe` to say. */
export async function openTunnel(choice: TunnelChoice, options: TunnelOptions): Promise<Tunnel | undefined> {
  if (choice.kind === "ngrok") return await openNgrok(choice.settings, options);
  if (choice.kind === "public-url") return usePublicUrl(choice.url, options);
  return undefined;
}

/** `hooks.example.com`, also where it was given as a URL. */
function domainHost(domain: string): string {
  const url = /^https?:\/\//i.test(domain) ? domain : `https://${domain}`;
  if (!URL.canParse(url) || new URL(url).host === "" || new URL(url).pathname !== "/") {
    throw usageError(`the domain "${domain}" is not valid`, "give it as hooks.example.com");
  }
  return new URL(url).host;
}
