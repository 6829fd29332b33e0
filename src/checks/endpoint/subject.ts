import type { Format, Product } from "../../contract/product.ts";
import type { Credential, Secrets } from "../../delivery/secret.ts";

export interface Sample {
  readonly event: string;
  readonly data: unknown;
  readonly records: readonly string[];
}

/** What is checked, and with what. */
export interface Subject {
  readonly product: Product;
  readonly format: Format;
  readonly url: string;
  readonly sample: Sample;
  /** An event that may happen to a record several times; undefined where the format has none with a sample. */
  readonly update: Sample | undefined;
  readonly secrets: Secrets;
  /** The variable that sets a credential. */
  readonly variables: Readonly<Record<Credential, string>>;
  /** How long the sender waits for an answer. All other times derive from it. */
  readonly deadlineMs: number;
  /** How many events the app has acted on, as `--count-cmd` prints it. */
  readonly count?: (() => Promise<number>) | undefined;
}
