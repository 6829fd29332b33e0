import { nearest } from "../model/event-names.ts";
import { usageError } from "../util/errors.ts";
import type { Channel } from "./channel.ts";

/** Notifications say `insert` and `update` for the first two. */
const OPERATIONS = ["create", "edit", "delete", "all"];
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["update", "edit"],
  ["insert", "create"],
  ["updated", "edit"],
  // As in patterns of events.
  ["*", "all"],
]);

/** The events in Zoho's form, `<Module>.<operation>`, without duplicates. Throws a usage error for anything else. */
export function normaliseEvents(names: readonly string[]): readonly string[] {
  const events = names
    .flatMap((name) => name.split(","))
    .flatMap((name) => (name.trim() === "" ? [] : [normaliseEvent(name.trim())]));
  if (events.length > 0) return [...new Set(events)];
  throw usageError("no event is given", "name at least one, such as Leads.create or Deals.all");
}

function normaliseEvent(name: string): string {
  const match = /^([\p{L}][\p{L}\p{N}_]*)\.([a-z]+|\*)$/iu.exec(name);
  const [, module = "", verb = ""] = match ?? [];
  const lower = verb.toLowerCase();
  const operation = ALIASES.get(lower) ?? lower;
  if (match !== null && OPERATIONS.includes(operation)) return `${module}.${operation}`;
  const [near] = nearest(operation, [...OPERATIONS, ...ALIASES.keys()], 1);
  throw usageError(
    `${JSON.stringify(name)} is not a channel event`,
    near === undefined || match === null
      ? `write <Module>.<operation> with one of ${OPERATIONS.join(", ")}: Leads.create, Deals.all`
      : `did you mean ${module}.${ALIASES.get(near) ?? near}?`,
  );
}

/** Replaces each `.all` by its three events, as Zoho lists them. */
export function expandEvents(events: readonly string[]): readonly string[] {
  return [
    ...new Set(
      events.flatMap((event) =>
        event.endsWith(".all") ? ["create", "edit", "delete"].map((verb) => event.replace(/all$/, verb)) : [event],
      ),
    ),
  ];
}

/** Replaces the three events of a module by `.all`, for display. */
export function contractEvents(events: readonly string[]): readonly string[] {
  const expanded = expandEvents(events);
  const modules = [...new Set(expanded.map((event) => event.split(".")[0] ?? ""))];
  return modules.flatMap((module) => {
    const own = expanded.filter((event) => event.startsWith(`${module}.`));
    const all = expandEvents([`${module}.all`]);
    return all.every((event) => own.includes(event)) ? [`${module}.all`] : own;
  });
}

/** Events that both channels post to the same URL. */
export function doubledEvents(a: Posting, b: Posting): readonly string[] {
  if (a.notifyUrl === undefined || a.notifyUrl !== b.notifyUrl) return [];
  const events = expandEvents(a.events);
  return contractEvents(expandEvents(b.events).filter((event) => events.includes(event)));
}

type Posting = Pick<Channel, "notifyUrl" | "events">;

export function withoutEvents(events: readonly string[], removed: readonly string[]): readonly string[] {
  const gone = new Set(expandEvents(removed));
  return expandEvents(events).filter((event) => !gone.has(event));
}
