import type { Product } from "../core/product.ts";
import type { products } from "../products/index.ts";

// Members are read where they stand (`{ readonly events: infer Events }`): to compare each format and schema with `Format`
// and `ZodType`, which have dozens of members, takes a compiler and an editor ten times as long.

type Listed = (typeof products)[number];

/** The id of a product: `"crm"`, `"desk"`, `"books"`, … */
export type ProductId = Listed["id"];

type FormatOf<P extends ProductId> = Extract<Listed, { readonly id: P }>["formats"][number];
type DeclaredIn<F> = F extends { readonly events: readonly (infer Event)[] } ? Event : never;
type NameOf<Event> = Event extends { readonly name: infer Name extends string } ? Name : never;
/** The first of a product's formats: what `sign`, `schemas` and `fixture` use unless they are told. */
type DefaultFormat<P extends Product> = P["formats"][0];

/** The declared names of a product's events: `"Leads.create"`, and `"<Module>.create"` for the rest of a family. */
export type EventKey<P extends ProductId = ProductId> = P extends ProductId ? NameOf<DeclaredIn<FormatOf<P>>> : never;

/** `"<Module>.create"` as the names it stands for. */
type Filled<Key extends string> = Key extends `${infer Before}<${string}>${infer After}`
  ? `${Before}${string}${After}`
  : Key;

/** A family's names, marked so that the compiler does not let `"Leads.create"` vanish in them: an editor suggests it. */
type Suggested<Key extends string> = Key extends `${string}<${string}>${string}`
  ? Filled<Key> & Record<never, never>
  : Key;

/** Any name that an event can have: a declared one, or one of a family, such as `"Invoices.create"`. */
export type EventName<P extends ProductId = ProductId> = Suggested<EventKey<P>>;

type Typed<P extends string, Id extends string, Event> = Event extends {
  readonly name: infer Name extends string;
  readonly schema: { readonly _zod: { readonly output: infer Payload } };
}
  ? {
      readonly product: P;
      /** `"guide"`, or `"wire"` for what Zoho's servers really post. */
      readonly format: Id;
      /** The declared name, to tell events apart by: `"Leads.create"`; `"<Module>.create"` for a module of your own. */
      readonly event: Name;
      /** The event's own name: `"Invoices.create"` where `event` is `"<Module>.create"`; else the same. */
      readonly name: Filled<Name>;
      /** The body as data. Fields that the schema does not name are kept; a number of more than 15 digits is text. */
      readonly payload: Payload;
    }
  : never;

/** Distributes over a product's formats, so that each event keeps its own. */
type TypedIn<P extends string, F> = F extends { readonly id: infer Id extends string }
  ? Typed<P, Id, DeclaredIn<F>>
  : never;

/**
 * An event of a product, or of any: a union that `product`, `event` and, where a product writes the same event in two
 * ways, `format` tell apart, and with them the payload's type. A number of more than 15 digits is a string of its digits.
 */
export type ZohoEvent<P extends ProductId = ProductId> = P extends ProductId ? TypedIn<P, FormatOf<P>> : never;

/** One event: `EventOf<"books", "invoice_created">`. */
export type EventOf<P extends ProductId, Key extends EventKey<P>> = Extract<
  ZohoEvent<P>,
  { readonly product: P; readonly event: Key }
>;

/** The id of a format of a product: `"guide"`, `"wire"`, … */
export type FormatId<P extends ProductId = ProductId> = P extends ProductId ? FormatOf<P>["id"] : never;
/** The id of the format that comes first. */
export type DefaultFormatId<P extends ProductId> = Extract<FormatId<P>, DefaultOf<P>["id"]>;
type DefaultOf<P extends ProductId> = DefaultFormat<Extract<Listed, { readonly id: P }>>;
type FormatAt<P extends ProductId, F> = Extract<FormatOf<P>, { readonly id: F }>;

/** The names that a format declares. */
type KeyIn<P extends ProductId, F> = P extends ProductId ? NameOf<DeclaredIn<FormatAt<P, F>>> : never;

/** Any name that an event of a format can have. */
export type NameIn<P extends ProductId, F> = Suggested<KeyIn<P, F>>;

/** The payload of an event by any name it can have in a format; `"Invoices.create"` gets that of its family. */
export type PayloadOf<P extends ProductId, F, Name extends string> =
  Name extends KeyIn<P, F> ? PayloadAt<P, F, Name> : PayloadAt<P, F, FamilyOf<KeyIn<P, F>, Name>>;

type PayloadAt<P extends ProductId, F, Key> = Extract<TypedIn<P, FormatAt<P, F>>, { readonly event: Key }>["payload"];
type FamilyOf<Key extends string, Name> = Key extends unknown ? (Name extends Filled<Key> ? Key : never) : never;

type SchemasOf<Event> = {
  readonly [E in Event as NameOf<E>]: E extends { readonly schema: infer Schema } ? Schema : never;
};

/** The zod schemas of every product's events: `Schemas["crm"]["Leads.create"]`. */
export type Schemas = {
  readonly [P in Listed as P["id"]]: SchemasOf<DeclaredIn<DefaultFormat<P>>>;
};

/** The zod schemas of one format's events, by declared name. */
export type SchemasIn<P extends ProductId, F> = SchemasOf<DeclaredIn<FormatAt<P, F>>>;
