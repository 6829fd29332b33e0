import { UserError } from "../../core/errors.ts";
import type { DataCentre } from "../../zoho/data-centres.ts";

/** With these a data centre says that it does not know what another one may know. */
const NOT_KNOWN_HERE = new Set(["invalid_client", "invalid_client_secret", "invalid_code"]);
/** A data centre that cannot be asked is left out. */
const NOT_ASKED = new Set(["unreachable", "no_answer", "unavailable"]);

/**
 * Asks one data centre after another until one gives tokens. A wrong one does not use a code up, and nothing but the
 * asking tells them apart: to each the credentials of another look like wrong ones.
 */
export async function findCentre<T>(
  centres: readonly DataCentre[],
  ask: (accountsUrl: string) => Promise<T>,
): Promise<T> {
  const [only, ...others] = centres;
  if (only !== undefined && others.length === 0) return ask(only.accountsUrl);
  const answers: string[] = [];
  let unasked: UserError | undefined;
  let isAnyAsked = false;
  for (const { id, accountsUrl } of centres) {
    try {
      return await ask(accountsUrl);
    } catch (error) {
      if (!(error instanceof UserError) || !(NOT_KNOWN_HERE.has(error.code) || NOT_ASKED.has(error.code))) throw error;
      if (NOT_ASKED.has(error.code)) unasked = error;
      else isAnyAsked = true;
      answers.push(`${id}: ${NOT_ASKED.has(error.code) ? "could not be asked" : error.code}`);
    }
  }
  if (unasked !== undefined && !isAnyAsked)
    throw new UserError("zohoApi", `no data centre could be asked: ${unasked.message}`, unasked.hint, unasked.code);
  throw new UserError(
    "credentials",
    `none of Zoho's data centres${unasked === undefined ? "" : " that could be asked"} knows this sign-in (${answers.join(", ")})`,
    "compare the client id and secret with https://api-console.zoho.com, and generate a new code: it is valid for a few minutes and works once",
    "no_data_centre",
  );
}
