import type { Settings } from "../../config/settings.ts";
import type { Secrets } from "../../core/secret.ts";
import { type AddressList, GUIDE_RANGES } from "../../receiver/address-list.ts";

/** What stands below the ready line: what is checked, what is not, and where things go. */
export function readyNotes(secrets: Secrets, allowed: AddressList | undefined, settings: Settings): readonly string[] {
  const { schema, onInvalid } = settings;
  const names = secrets.all().map(({ origin }) => origin);
  const outcome = onInvalid === "reject" ? "refused" : "accepted with a warning";
  return [
    names.length === 0
      ? "Signatures and tokens are not checked: set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN to check them."
      : `Checking with ${names.join(", ")}; a delivery that fails is ${outcome}.`,
    ...(schema === "warn" ? [] : [`Schemas: ${schema}.`]),
    ...(allowed === undefined ? [] : [`Accepting only from ${allowed.ranges.join(", ")}.`]),
    ...(allowed !== undefined && GUIDE_RANGES.every((range) => allowed.ranges.includes(range))
      ? ["The guide's two ranges are not all that Zoho sends from: a 403 may be a genuine delivery."]
      : []),
  ];
}
