import type { User } from "../../state.ts";
import { PROFILE } from "./modules.ts";
import type { CrmState } from "./state.ts";

/** The only user of an organisation without a seed of users. */
export const DEFAULT_USER: User = {
  id: "554023000000235011",
  full_name: "Patricia Boyle",
  first_name: "Patricia",
  last_name: "Boyle",
  email: "patricia.boyle@example.com",
  zuid: "60017840",
  status: "active",
  role: { name: "CEO", id: "554023000000015966" },
  profile: PROFILE,
  time_zone: "Asia/Kolkata",
};

/** The users of the organisation. */
export class Users {
  readonly #own: () => Pick<CrmState, "users">;

  constructor(own: () => Pick<CrmState, "users">) {
    this.#own = own;
  }

  get all(): readonly User[] {
    return this.#own().users;
  }

  /** Whoever does what is done. */
  get current(): User {
    return this.all[0] ?? DEFAULT_USER;
  }

  find(id: string): User | undefined {
    return this.all.find((each) => each.id === id);
  }

  /** Replaces them. What a user lacks is that of the usual one. */
  set(users: readonly User[]): void {
    const { status, role, profile, time_zone } = DEFAULT_USER;
    this.#own().users = users.map((each) => ({ status, role, profile, time_zone, ...each }));
  }
}

/** A user as records refer to it. */
export function mentioned({ id, full_name, email }: User) {
  return { name: full_name, id, email };
}
