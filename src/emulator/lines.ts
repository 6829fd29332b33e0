import type { Time } from "../util/json-line.ts";

/** An emulator that answers. @printedBy emulate */
export interface EmulatorLine {
  readonly type: "emulator";
  readonly url: string;
  /** The variables of `--env`. */
  readonly env: { readonly [name: string]: string };
}

export interface EmulatorReport extends EmulatorLine {
  readonly person: {
    /** Commands to try. */
    readonly tries: readonly (readonly [label: string, command: string])[];
  };
}

/** A request to the emulator. @printedBy emulate */
export interface EmulatedRequestLine {
  readonly type: "emulated_request";
  readonly at: Time;
  readonly n: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Null without an answer. */
  readonly status: number | null;
  readonly latency_ms: number;
  /** What the emulator does not have. */
  readonly lacks: string | null;
  /** The command that answers it, or what to change in the request. */
  readonly hint: string | null;
}

/** A delivery of the emulator. @printedBy emulate */
export interface EmulatedDeliveryLine {
  readonly type: "emulated_delivery";
  readonly at: Time;
  readonly n: number;
  readonly product: string;
  readonly event: string;
  readonly url: string;
  /** Null without an answer. */
  readonly status: number | null;
  readonly latency_ms: number | null;
  readonly error: string | null;
  /** Where the receiver lacks the variables. */
  readonly hint: string | null;
  /** The fault that was asked for. */
  readonly fault: string | null;
  /** Number of the delivery that was sent again. */
  readonly again: number | null;
}
