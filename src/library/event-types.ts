import type { products } from "../products/index.ts";

// Members are inferred structurally (`{ readonly events: infer Events }`): comparing each format and schema with `Format` and
// `ZodType`, which have dozens of members, makes compilers and editors ten times as slow.

type Listed = (typeof products)[number];

/** The id of a product: `"crm"`, `"desk"`, `"books"`, … */
export type ProductId = Listed["id"];

type FormatOf<P extends ProductId> = Extract<Listed, { readonly id: P }>["formats"][number];
type DeclaredIn<F> = F extends { readonly events: readonly (infer Event)[] } ? Event : never;
type NameOf<Event> = Event extends { readonly name: infer Name extends string } ? Name : never;

/** The declared names of a product's events: `"Leads.create"`, and `"<Module>.create"` for a family. */
export type EventKey<P extends ProductId = ProductId> = P extends ProductId ? NameOf<DeclaredIn<FormatOf<P>>> : never;

/** The names that `"<Module>.create"` stands for. */
type Filled<Key extends string> = Key extends `${infer Before}<${string}>${infer After}`
  ? `${Before}${string}${After}`
  : Key;

/** A family's names, marked so that the compiler does not merge `"Leads.create"` into them and editors suggest it. */
type Suggested<Key extends string> = Key extends `${string}<${string}>${string}`
  ? Filled<Key> & Record<never, never>
  : Key;

/** A declared name, or one of a family, such as `"Invoices.create"`. */
export type EventName<P extends ProductId = ProductId> = Suggested<EventKey<P>>;

type Typed<P extends string, Id extends string, Event> = Event extends {
  readonly name: infer Name extends string;
  readonly schema: { readonly _zod: { readonly output: infer Payload } };
}
  ? {
      readonly product: P;
      /** `"guide"`, or `"wire"` for what Zoho's servers really post. */
      readonly format: Id;
      /** The declared name, which discriminates events: `"Leads.create"`; `"<Module>.create"` for custom modules. */
      readonly event: Name;
      /** The full name: `"Invoices.create"` where `event` is `"<Module>.create"`. */
      readonly name: Filled<Name>;
      /** The body as data, with fields that the schema does not name. A number of more than 15 digits is a string. */
      readonly payload: Payload;
    }
  : never;

/** Distributes over a product's formats, so that each event has its own. */
type TypedIn<P extends string, F> = F extends { readonly id: infer Id extends string }
  ? Typed<P, Id, DeclaredIn<F>>
  : never;

/**
 * An event of a product, or of any: a union that `product`, `event` and, where two formats have the same event, `format`
 * discriminate, and with them the type of the payload. A number of more than 15 digits is a string of its digits.
 */
export type ZohoEvent<P extends ProductId = ProductId> = P extends ProductId ? TypedIn<P, FormatOf<P>> : never;

/** One event: `EventOf<"books", "invoice_created">`. */
export type EventOf<P extends ProductId, Key extends EventKey<P>> = Extract<
  ZohoEvent<P>,
  { readonly product: P; readonly event: Key }
>;

/** The id of a format of a product: `"guide"`, `"wire"`, … */
export type FormatId<P extends ProductId = ProductId> = P extends ProductId ? FormatOf<P>["id"] : never;
/** Id of the format that Zoho posts, the default of `sign`, `schemas` and `fixture`. */
type DefaultFormatId<P extends ProductId> = Extract<FormatId<P>, "wire">;
type FormatAt<P extends ProductId, F> = Extract<FormatOf<P>, { readonly id: F }>;

/** The format that a name stands for where none is named: the default, unless only others have the event. */
type FormatFor<P extends ProductId, Name> =
  Name extends Filled<KeyIn<P, DefaultFormatId<P>>> ? DefaultFormatId<P> : FormatId<P>;

/** The names that a format declares. */
type KeyIn<P extends ProductId, F> = P extends ProductId ? NameOf<DeclaredIn<FormatAt<P, F>>> : never;

/** Any name that an event of a format can have; of any format, where `F` is undefined. */
export type NameIn<P extends ProductId, F> = Suggested<KeyIn<P, F extends undefined ? FormatId<P> : F>>;

/** The payload of an event by its name in a format; `"Invoices.create"` has that of its family. */
export type PayloadOf<P extends ProductId, F, Name extends string> = PayloadIn<
  P,
  F extends undefined ? FormatFor<P, Name> : F,
  Name
>;

type PayloadIn<P extends ProductId, F, Name extends string> = PayloadAt<P, F, KeyOf<P, F, Name>>;
type PayloadAt<P extends ProductId, F, Key> = Extract<TypedIn<P, FormatAt<P, F>>, { readonly event: Key }>["payload"];
type KeyOf<P extends ProductId, F, Name> = Name extends KeyIn<P, F> ? Name : FamilyOf<KeyIn<P, F>, Name>;
type FamilyOf<Key extends string, Name> = Key extends unknown ? (Name extends Filled<Key> ? Key : never) : never;

type SchemasOf<Event> = {
  readonly [E in Event as NameOf<E>]: E extends { readonly schema: infer Schema } ? Schema : never;
};
type SchemaAt<P extends ProductId, F, Name, All = SchemasOf<DeclaredIn<FormatAt<P, F>>>> = All[KeyOf<P, F, Name> &
  keyof All];

/** The zod schemas of every product's events: `Schemas["crm"]["<Module>.create"]`. */
export type Schemas = {
  readonly [P in ProductId]: { readonly [Name in EventKey<P>]: SchemaAt<P, FormatFor<P, Name>, Name> };
};

/** The zod schemas of one format's events, by declared name; those of `Schemas`, where `F` is undefined. */
export type SchemasIn<P extends ProductId, F> = F extends undefined
  ? Schemas[P]
  : SchemasOf<DeclaredIn<FormatAt<P, F>>>;
