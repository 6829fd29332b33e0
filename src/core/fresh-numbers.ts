import type { Random } from "./fresh.ts";

/** `invoice_number`, `ticketNumber`, with what it is the number of. */
const NUMBER_NAME = /^(.+?)_?number$/i;
/** `INV-000042`, `10472`: counted up by Zoho. Not a telephone's, which has more to it. */
const NUMBER = /^([A-Z]{1,5}-)?(\d{2,9})$/;

/** The numbers that Zoho counts records by: a new record has another one, the same wherever it stands. */
export class FreshNumbers {
  private readonly made = new Map<string, string>();

  /** Every `<record>_number` that stands beside the id of a record that is to be new, or in an object beside it. */
  see(members: object, holder: object, isNew: (id: string) => boolean, random: Random): void {
    for (const [name, value] of Object.entries(members)) {
      const of = NUMBER_NAME.exec(name)?.[1];
      const [, prefix = "", digits] = (typeof value === "string" && NUMBER.exec(value)) || [];
      if (of === undefined || digits === undefined || this.made.has(String(value))) continue;
      if ([...idsOf(members, of), ...idsOf(holder, of)].some(isNew))
        this.made.set(String(value), prefix + otherDigits(digits, random));
    }
  }

  /** A bare number is one only under its name or behind a `#`; one with a prefix also in a sentence. */
  replace(value: string, name: string): string {
    const whole = this.made.get(value);
    if (whole !== undefined && (value.includes("-") || NUMBER_NAME.test(name))) return whole;
    return value.replace(/(?<![\w-])(#?)((?:[A-Z]{1,5}-)?\d{2,9})(?![\w-])/g, (text, mark: string, number: string) => {
      const made = mark === "" && !number.includes("-") ? undefined : this.made.get(number);
      return made === undefined ? text : mark + made;
    });
  }
}

/** A ticket is the only record whose number stands beside a plain `id`; beside others' it may be of anything. */
function idsOf(members: object, of: string): readonly string[] {
  const stem = plain(of);
  return Object.entries(members).flatMap(([name, value]) =>
    plain(name) === `${stem}id` || (name === "id" && stem === "ticket") ? [String(value)] : [],
  );
}

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** As many digits, and with zeros in front only where there were some. */
function otherDigits(digits: string, random: Random): string {
  const [lowest, limit] = digits.startsWith("0")
    ? [1, 10 ** digits.length]
    : [10 ** (digits.length - 1), 10 ** digits.length];
  const made = String(lowest + random(limit - lowest)).padStart(digits.length, "0");
  return made === digits ? otherDigits(digits, random) : made;
}
