import type { z } from "zod";
import type { Answer, ApiRequest, RecordStore, Subscription, Wording } from "./answer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Routes } from "./routes.ts";
import type { DeclaredField, User } from "./state.ts";

/** What the emulator gives to each service. */
export interface ServiceParts {
  readonly deliveries: Pick<Deliveries, "probe" | "send">;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Address of the emulator, for the links in answers and deliveries. */
  url(): string;
  /** Says something in the terminal, once. */
  note(message: string): void;
}

/** The API of a product, or of several that share one. */
export interface Service {
  /** The paths of its API, also of those that it does not have here. */
  readonly paths: RegExp;
  /** Asked in this order; the first that matches answers. */
  readonly routes: Routes;
  readonly fail: Wording;
  /** One store for each product with records. */
  readonly records: readonly RecordStore[];
  subscriptions(): readonly Subscription[];
  /** Adds a channel or a webhook as its API does, without asking whether its URL answers. Throws a Refusal. */
  subscribe(product: string, given: Readonly<Record<string, unknown>>): void;
  /** Deletes a channel or a webhook. False where there is none. */
  unsubscribe(product: string, id: string): boolean;
  /** Ends a channel as its time does. Undefined for webhooks, which do not expire. */
  expire?(product: string, id: string): boolean;
  /** Says which fields a module has beside the standard ones. One that is not standard is a new module. */
  declare?(product: string, module: string, fields: readonly DeclaredField[]): void;
  /** Replaces the users. The first of them does whatever is done. */
  setUsers?(users: readonly User[]): void;
  /** Called before the organisation is made older; what it returns is called after. */
  aging?(): () => void;
  /** Forgets what is not in its state, which is another one by then. */
  reset?(): void;
}

/** A service as it is registered: a name for its part of the organisation's state, and how to open it. */
export interface ServiceDefinition<State = unknown> {
  readonly name: string;
  /** Checks the state of a file. */
  readonly schema: z.ZodType<State>;
  empty(): State;
  /** `own`: its part of the state, which another one replaces at a reset. */
  open(own: () => State, parts: ServiceParts): Service;
}

/** Makes a definition one of a list of services. */
export function defineService<State>(definition: ServiceDefinition<State>): ServiceDefinition {
  const { open, ...rest } = definition;
  return { ...rest, open: (own, parts) => open(own as () => State, parts) };
}

/** Answers some requests in the place of the services, for tests. */
export interface Override {
  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined | Promise<Answer | undefined>;
}
