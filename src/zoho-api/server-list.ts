import { z } from "zod";
import { UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { type DataCentre, isCentreId, knownCentre, listedCentre, unknownCentre } from "./data-centres.ts";
import type { ZohoHttp } from "./http.ts";

/** As integrations in use read it. */
const listSchema = z.looseObject({ locations: z.record(z.string(), z.unknown()) });

interface ListRequest {
  readonly http: ZohoHttp;
  /** The server that is asked. Nothing is sent to it but the request. */
  readonly accountsUrl: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A data centre that this version does not know, by the accounts server's list. Throws a usage error if it is not listed, or with
 * a URL that is none of Zoho's accounts servers; exit code 7 if the list cannot be read.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export async function lookUpCentre(id: string, request: ListRequest): Promise<DataCentre> {
  if (!isCentreId(id)) throw unknownCentre(id);
  const list = await readList(`the data centre ${JSON.stringify(id)}`, request);
  const url = list.get(id.toLowerCase());
  if (url === undefined) throw unknownCentre(id, [...list.keys()]);
  const centre = listedCentre(id.toLowerCase(), url);
  if (centre !== undefined) return centre;
  throw usageError(
    `${hostOf(request)} lists the data centre ${JSON.stringify(id)} with ${oneLine(url)}, which is no accounts server of Zoho's: nothing was sent there`,
    BY_URL,
  );
}

/** The listed data centre with exactly this accounts server; undefined if there is none. Throws as `lookUpCentre`. */
export async function lookUpServer(url: string, request: ListRequest): Promise<DataCentre | undefined> {
  const list = await readList("the accounts server that the redirect names", request);
  const found = [...list].find(([, listed]) => listed === url);
  return found && listedCentre(...found);
}

const BY_URL = "if you know its accounts server, set ZOHO_ACCOUNTS_URL to it and leave the data centre out";

/** URLs of accounts servers by the id of their data centre, of those that this version does not know. */
async function readList(unknown: string, request: ListRequest): Promise<ReadonlyMap<string, string>> {
  const { http, accountsUrl, signal } = request;
  const fail = (reason: string, code: string, hint = BY_URL): UserError =>
    new UserError("zohoApi", `zoho-hooks does not know ${unknown}, and cannot look it up: ${reason}`, hint, code);
  const url = `${accountsUrl}/oauth/serverinfo`;
  const reply = await http.send({ method: "GET", url, repeatable: true, signal }).catch((error: unknown) => {
    throw error instanceof UserError ? fail(error.message, error.code, `${error.hint}; or, ${BY_URL}`) : error;
  });
  const list = listSchema.safeParse(reply.body);
  if (!list.success)
    throw fail(`${hostOf(request)} answered with HTTP ${reply.status} and no list of data centres`, "unavailable");
  return new Map(
    Object.entries(list.data.locations).flatMap(([id, server]) =>
      typeof server === "string" && isCentreId(id) && knownCentre(id) === undefined ? [[id.toLowerCase(), server]] : [],
    ),
  );
}

function hostOf({ accountsUrl }: Pick<ListRequest, "accountsUrl">): string {
  return new URL(accountsUrl).host;
}
