import { isDeepStrictEqual } from "node:util";
import { Accounts } from "./accounts.ts";
import { type ApiRequest, defaultWording, type RecordStore, type Subscription, type Wording } from "./answer.ts";
import { compileRoutes } from "./routes.ts";
import { plant, type Seed } from "./seed.ts";
import type { Service, ServiceParts } from "./service.ts";
import { definitions, type EmulatorState, emptyState } from "./services/index.ts";
import { age } from "./state.ts";

interface OrganisationOptions extends ServiceParts {
  /** Changed in place. */
  readonly state: EmulatorState;
  readonly seed: Seed | undefined;
}

/** A Zoho organisation: who may sign in, and what its products hold. */
export class Organisation {
  readonly state: EmulatorState;
  readonly accounts: Accounts;
  /** One for each product with records. */
  readonly stores: readonly RecordStore[];
  readonly services: readonly Service[];
  readonly #registered: readonly Registered[];
  readonly #seed: Seed | undefined;

  /** Throws a usage error for a mistake in the seed. */
  constructor({ state, seed, ...parts }: OrganisationOptions) {
    this.state = state;
    this.#seed = seed;
    this.accounts = new Accounts(state, parts.now);
    this.#registered = definitions.map(({ name, open }) => {
      const service = open(() => state.services[name], parts);
      return { name, service, routes: compileRoutes(service.routes) };
    });
    this.services = this.#registered.map(({ service }) => service);
    this.stores = this.services.flatMap(({ records }) => records);
    this.#plantIfEmpty();
  }

  get hasSeed(): boolean {
    return this.#seed !== undefined;
  }

  service(name: string): Service | undefined {
    return this.#registered.find((each) => each.name === name)?.service;
  }

  subscriptions(): readonly Subscription[] {
    return this.services.flatMap((service) => service.subscriptions());
  }

  /** The service that has a path, and its routes. */
  ownerOf({ path }: Pick<ApiRequest, "path">): Registered | undefined {
    return this.#registered.find(({ service }) => service.paths.test(path));
  }

  wordingFor(request: Pick<ApiRequest, "path">): Wording {
    return this.ownerOf(request)?.service.fail ?? defaultWording;
  }

  /** Ages everything that it holds; the clock stays. */
  advance(ms: number): void {
    const finish = this.services.map((service) => service.aging?.());
    age(this.state, ms);
    for (const each of finish) each?.();
  }

  restore(other: EmulatorState): void {
    Object.assign(this.state, other);
    for (const service of this.services) service.reset?.();
  }

  /** Puts it back to its start: the seed, or nothing. */
  reset(): void {
    this.restore(emptyState());
    if (this.#seed !== undefined) plant(this.services, this.#seed);
  }

  /** Tries the seed also where it is not used now, as a reset will need it. */
  #plantIfEmpty(): void {
    if (this.#seed === undefined) return;
    const kept = { ...this.state };
    const wasEmpty = isDeepStrictEqual(kept, emptyState());
    try {
      this.reset();
    } catch (error) {
      Object.assign(this.state, kept);
      throw error;
    }
    if (!wasEmpty) Object.assign(this.state, kept);
  }
}

interface Registered {
  readonly name: string;
  readonly service: Service;
  readonly routes: ReturnType<typeof compileRoutes>;
}
