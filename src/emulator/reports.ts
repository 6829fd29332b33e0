import type { Context } from "../project/context.ts";
import type { DeliveryView, RequestView } from "./view.ts";

export type EmulatorContext = Context<EmulatedDeliveryReport | EmulatedRequestReport | EmulatorReport>;

/** An emulator that answers. */
export interface EmulatorReport {
  readonly type: "emulator";
  readonly url: string;
  /** Variables with which programs use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Label and command, for a person. */
  readonly tries: readonly (readonly [label: string, command: string])[];
}

/** A request to the emulator. Its path has the query, without secrets. */
export interface EmulatedRequestReport extends Omit<RequestView, "at" | "query"> {
  readonly type: "emulated-request";
  readonly at: Date;
  /** The command that answers what the emulator lacks, or what to change in the request. */
  readonly hint: string | undefined;
}

/** A delivery of the emulator. */
export interface EmulatedDeliveryReport extends Omit<DeliveryView, "at" | "isPublished"> {
  readonly type: "emulated-delivery";
  readonly at: Date;
  /** What to do where the receiver refuses the emulator's signature. */
  readonly hint: string | undefined;
}
