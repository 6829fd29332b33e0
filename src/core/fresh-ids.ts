import type { Random } from "./fresh.ts";
import { wordsOf } from "./name-words.ts";

/** Zoho's record ids: 15 to 19 digits, the first of which belong to the organisation. */
const ID = /(?<![0-9A-Za-z])[1-9][0-9]{14,18}(?![0-9A-Za-z])/g;
const ORGANISATION_DIGITS = 8;
/** Ids of another kind, known by the name that they stand under: letters and digits mixed. */
const MIXED_ID = /^(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9]{8,}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ID_NAME = /(?:^|_)id$/i;

/** Who is there before anything happens, and is there again the next time: an app looks them up. */
const PEOPLE =
  /^(accounts?|agents?|approver|assignees?|authors?|by|candidates?|commenter|contacts?|creator|customers?|interviewers?|modifier|operators?|owners?|reporter|requester|users?|vendors?|visitor|who|zuid)$/;
/** What is set up once. */
const CONFIGURATION =
  /^(brand|category|channel|config|currency|departments?|folder|forms?|group|helpcenter|integ|items?|layout|opening|org|organi[sz]ation|plan|portal|products?|profile|projects?|publisher|role|rule|survey|target|tax|team|template|type|view|what|workflow|workspaces?)$/;
/** Parts of a record, though their names speak of something else, and what an event has only just made. */
const OF_THE_EVENT = /^(line_item_id|contact_person_id|converted_.*)$/i;

/** A place of an id: the text that it stands in, and the name that says whose it is. */
type Found = (id: string, whose: string) => void;

/** Every id in a text: the whole of it, or between other signs, as in an address. `owner` is what holds a plain `id`. */
function findIds(value: string, name: string, owner: string, found: Found): void {
  const whose = /^ids?$/i.test(name) ? owner : name;
  if (ID_NAME.test(name) && (MIXED_ID.test(value) || UUID.test(value))) found(value, whose);
  // Of `publisher_id:17…/service` or `/workspaces/17…` the word before says it better than the name.
  else
    for (const { 0: id, index } of value.matchAll(ID))
      found(id, /([A-Za-z_]+)[/:=]$/.exec(value.slice(0, index))?.[1] ?? whose);
}

function isLasting(whose: string): boolean {
  return !OF_THE_EVENT.test(whose) && wordsOf(whose).some((word) => PEOPLE.test(word) || CONFIGURATION.test(word));
}

/**
 * Which ids of a sample are to be new: those of the record that it is about, of its parts and of the event, as against
 * those of people, customers and configuration, which stay as they do in an account.
 */
export class FreshIds {
  private readonly made = new Map<string, string>();
  private readonly renewed: Set<string>;
  private readonly random: Random;

  /** `own`: the ids of the records that the sample is about; of several the first one counts, others may be people. */
  constructor(own: readonly string[], random: Random) {
    this.renewed = new Set(own.slice(0, 1));
    this.random = random;
  }

  /** Before anything is replaced every place has to be seen: the same id may stand under several names. */
  see(value: string, name: string, owner: string): void {
    findIds(value, name, owner, (id, whose) => {
      if (!isLasting(whose)) this.renewed.add(id);
    });
  }

  isNew(id: string): boolean {
    return this.renewed.has(id);
  }

  replace(value: string, name: string): string {
    if (ID_NAME.test(name) && MIXED_ID.test(value)) return this.newFor(value, newMixedId);
    if (ID_NAME.test(name) && UUID.test(value)) return this.newFor(value, newUuid);
    return value.replace(ID, (id) => this.newFor(id, newId));
  }

  /** A record's id may also be the name of a member. */
  nameOf(name: string): string {
    return this.made.get(name) ?? name;
  }

  private newFor(id: string, make: (id: string, random: Random) => string): string {
    if (!this.renewed.has(id)) return id;
    const made = this.made.get(id) ?? make(id, this.random);
    this.made.set(id, made);
    return made;
  }
}

/** An odd id stays odd: past 2^53 a JavaScript number is even, so an odd one shows the app that loses digits. */
function newId(id: string, random: Random): string {
  let made = id.slice(0, ORGANISATION_DIGITS);
  while (made.length < id.length - 1) made += String(random(10));
  return made + String(2 * random(5) + (Number(id.at(-1)) % 2));
}

/** As long, with letters and digits where they were. */
function newMixedId(id: string, random: Random): string {
  const letter = (first: string): string => String.fromCharCode(first.charCodeAt(0) + random(26));
  return id.replace(/[A-Za-z0-9]/g, (char) => (/\d/.test(char) ? String(random(10)) : letter(char < "a" ? "A" : "a")));
}

/** Of the same version and variant (RFC 9562, section 4). */
function newUuid(id: string, random: Random): string {
  return id.replace(/[0-9a-f]/g, (digit, at: number) => (at === 14 || at === 19 ? digit : random(16).toString(16)));
}
