import { z } from "zod";
import { UserError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import type { Sleep } from "../../util/timing.ts";
import { type DataCentre, knownCentre } from "../data-centres.ts";
import type { ZohoHttp } from "../http.ts";
import { lookUpCentre } from "../server-list.ts";
import { errorWord, readTokens, type TokenReply, tokenError } from "./oauth.ts";
import type { OAuthClient } from "./sign-in.ts";

/** The user opens the URL and types the code. */
export interface DevicePrompt {
  readonly userCode: string;
  readonly verificationUrl: string;
  readonly expiresInMs: number;
}

export interface DeviceLogin {
  readonly tokens: TokenReply;
  /** Whose accounts server issued them, where the user is in another data centre than the one that was asked. */
  readonly centre: DataCentre | undefined;
}

/** Zoho allows one poll in thirty seconds. https://zoho.com/accounts/protocol/oauth/devices/polling-request.html */
const POLL_INTERVAL_MS = 30_000;
const CODE_LIFETIME_MS = 300_000;

const initiationSchema = z.looseObject({
  user_code: z.string(),
  device_code: z.string(),
  verification_url: z.string(),
});

export async function deviceLogin(options: {
  readonly http: ZohoHttp;
  readonly client: OAuthClient;
  readonly scopes: readonly string[];
  readonly show: (prompt: DevicePrompt) => void;
  readonly sleep: Sleep;
  readonly signal: AbortSignal;
}): Promise<DeviceLogin> {
  const { http, client, signal } = options;
  let centre: DataCentre | undefined;
  const start = await http.send({
    method: "POST",
    url: `${client.accountsUrl}/oauth/v3/device/code`,
    form: {
      client_id: client.clientId,
      grant_type: "device_request",
      scope: options.scopes.join(","),
      access_type: "offline",
      prompt: "consent",
    },
    repeatable: true,
    signal,
  });
  const initiation = initiationSchema.safeParse(start.body);
  if (!initiation.success) throw tokenError(start, { grant: "device", accountsUrl: client.accountsUrl });
  const { user_code, device_code, verification_url } = initiation.data;
  options.show({
    userCode: oneLine(user_code),
    verificationUrl: oneLine(verification_url),
    expiresInMs: CODE_LIFETIME_MS,
  });

  // One poll more than fits, so that Zoho itself says "expired".
  for (let left = CODE_LIFETIME_MS / POLL_INTERVAL_MS + 1; left > 0; left--) {
    await options.sleep(POLL_INTERVAL_MS, signal);
    signal.throwIfAborted();
    const form = {
      client_id: client.clientId,
      client_secret: client.clientSecret.reveal(),
      grant_type: "device_token",
      code: device_code,
    };
    const accountsUrl = centre?.accountsUrl ?? client.accountsUrl;
    const url = `${accountsUrl}/oauth/v3/device/token`;
    const reply = await http.send({ method: "POST", url, form, repeatable: false, signal }).catch(ignoreLost);
    if (reply === undefined) continue;
    const word = errorWord(reply.body);
    if (word === undefined && reply.status >= 500) continue;
    if (word === "other_dc") centre = await otherCentre(reply.body, { http, accountsUrl, signal });
    else if (word !== "authorization_pending" && word !== "slow_down") {
      const isNamed = centre !== undefined;
      return { tokens: readTokens(reply, { grant: "device", accountsUrl, isNamed }), centre };
    }
  }
  throw new UserError(
    "credentials",
    "the code was not confirmed within five minutes",
    "start again: zoho-hooks login --device",
    "expired",
  );
}

/** A lost answer need not end the sign-in, because the next poll follows anyway. */
function ignoreLost(error: unknown): undefined {
  const isLost = error instanceof UserError && (error.code === "unreachable" || error.code === "no_answer");
  if (!isLost) throw error;
}

/** Only a data centre that is known or listed: the client secret is sent there. */
async function otherCentre(
  body: unknown,
  asked: { readonly http: ZohoHttp; readonly accountsUrl: string; readonly signal: AbortSignal },
): Promise<DataCentre> {
  const { accountsUrl } = asked;
  const location = z.looseObject({ user_location: z.string() }).safeParse(body);
  if (location.success) {
    const { user_location: id } = location.data;
    return knownCentre(id) ?? (await lookUpCentre(id, asked));
  }
  throw new UserError(
    "credentials",
    `${new URL(accountsUrl).host} says that the user is in another data centre, but not which`,
    "name it with --dc",
    "other_dc",
  );
}
