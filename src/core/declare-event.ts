import type { z } from "zod";
import type { WebhookEvent } from "./product.ts";

type EventOptions = Partial<Pick<WebhookEvent, "once" | "open" | "members">>;

/** Declares an event; the schema is built when it is first asked for. */
export function event<const Name extends string, Schema extends z.ZodType>(
  name: Name,
  summary: string,
  schema: () => Schema,
  options: EventOptions = {},
): WebhookEvent<Name, Schema> {
  return new DeclaredEvent(name, summary, schema, options);
}

/** A class for its getter: one a hundred objects would each have to be given takes as long as all else that declares them. */
class DeclaredEvent<Name extends string, Schema extends z.ZodType> implements WebhookEvent<Name, Schema> {
  readonly name: Name;
  readonly summary: string;
  readonly once: boolean;
  readonly open: boolean;
  readonly members: readonly string[];
  readonly #build: () => Schema;
  #schema: Schema | undefined;

  constructor(name: Name, summary: string, build: () => Schema, { once, open, members }: EventOptions) {
    this.name = name;
    this.summary = summary;
    this.once = once ?? false;
    this.open = open ?? false;
    this.members = members ?? [];
    this.#build = build;
  }

  get schema(): Schema {
    this.#schema ??= this.#build();
    return this.#schema;
  }
}
