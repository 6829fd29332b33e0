/** An emulator that answers. */
export interface EmulatorReport {
  readonly type: "emulator";
  readonly url: string;
  /** Variables with which programs use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Label and command, for a person. */
  readonly tries: readonly (readonly [label: string, command: string])[];
}

/** A request to the emulator. */
export interface EmulatedRequestReport {
  readonly type: "emulated-request";
  readonly at: Date;
  readonly n: number;
  readonly method: string;
  /** Path and query, without secrets. */
  readonly path: string;
  /** Undefined where a fault left it without an answer. */
  readonly status: number | undefined;
  readonly latencyMs: number;
  /** Method and path of what the emulator does not have. */
  readonly lacks: string | undefined;
}

/** A delivery of the emulator. */
export interface EmulatedDeliveryReport {
  readonly type: "emulated-delivery";
  readonly at: Date;
  readonly n: number;
  readonly product: string;
  readonly event: string;
  readonly url: string;
  readonly status: number | undefined;
  readonly latencyMs: number | undefined;
  readonly error: string | undefined;
  /** The fault that was asked for. */
  readonly fault: string | undefined;
  /** Number of the delivery that was sent again. */
  readonly again: number | undefined;
}
