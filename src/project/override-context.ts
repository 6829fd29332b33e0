import type { Context } from "./context.ts";

/** The same context, but for these members. */
export function withMembers<T extends Partial<Context>>(context: Context, members: T): Context & T {
  // Not by assignment: `signal` is a getter.
  return Object.create(context, Object.getOwnPropertyDescriptors(members)) as Context & T;
}
