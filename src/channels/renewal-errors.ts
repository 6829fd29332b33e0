import { UserError } from "../util/errors.ts";
import { zohoTime } from "../zoho-api/time.ts";
import type { ChannelAccess } from "./create.ts";

export function deletedElsewhere(): UserError {
  return new UserError("zohoApi", "Zoho no longer lists it: something else deleted it", undefined, "deleted");
}

export function deletedMeanwhile({ command }: Pick<ChannelAccess, "command">, id: string): UserError {
  return new UserError(
    "zohoApi",
    `channel ${id} was deleted before it could be renewed, so it was not created again`,
    `if it was created here, create it again with ${command(`renew ${id}`)}`,
    "deleted",
  );
}

/** Thrown before anything is sent: Zoho would shorten the channel. */
export function notLater(id: string, from: Date, requested: Date): UserError {
  return new UserError(
    "zohoApi",
    `the new expiry of channel ${id} is not later than the current one (${zohoTime(from)} → ${zohoTime(requested)}); nothing was changed`,
    "give a later --expires; to set an earlier one, use channels update --expires",
    "not_renewed",
  );
}

/** A clock that is ahead requests an expiry that is too far away, and Zoho silently cuts that to one hour. */
export function shortened({
  id,
  from,
  end,
  now,
  isPutBack,
}: {
  readonly id: string;
  readonly from: Date;
  readonly end: Date;
  readonly now: Date;
  readonly isPutBack: boolean;
}): UserError {
  return new UserError(
    "zohoApi",
    `Zoho shortened channel ${id} (${zohoTime(from)} → ${zohoTime(end)}); its previous expiry ${isPutBack ? "was" : "could not be"} restored`,
    `this machine's clock says ${zohoTime(now)}: if it is ahead, correct it, then renew again${isPutBack ? "" : " at once"}`,
    "not_renewed",
  );
}

/** Zoho accepted a renewal, but the channel does not expire later. */
export class NotExtended extends UserError {
  readonly end: Date | undefined;

  constructor(id: string, from: Date | undefined, end: Date | undefined, now: Date) {
    const accepted = `Zoho accepted the renewal of channel ${id} but`;
    const again = "delete the channel and create it again: channels delete, then channels create";
    const [message, hint] =
      end === undefined
        ? [`${accepted} does not say when it expires`, "see channels list"]
        : end <= now
          ? [
              `channel ${id} expires at ${zohoTime(end)}, but this machine's clock says ${zohoTime(now)}`,
              "correct the clock: if it is ahead, zoho-hooks requests more time than Zoho allows, and Zoho grants only an hour",
            ]
          : [`${accepted} did not extend it (${from ? zohoTime(from) : "unknown"} → ${zohoTime(end)})`, again];
    super("zohoApi", message, hint, "not_renewed");
    this.end = end;
  }
}
