/** A product with its formats and events. @printedBy products */
export interface ProductLine {
  readonly type: "product";
  readonly id: string;
  readonly title: string;
  /** The default first. */
  readonly formats: readonly FormatMembers[];
}

export interface FormatMembers {
  readonly id: string;
  /** Where it is known from. */
  readonly source: string;
  readonly evidence?: "doc" | "seen" | "modelled";
  readonly signatures: readonly SignatureScheme[];
  /** The answer that the sender expects. */
  readonly answer?: string;
  /** How it checks a URL before it saves a webhook. */
  readonly probe?: string;
  readonly events: readonly EventMembers[];
}

interface SignatureScheme {
  readonly id: string;
  readonly title: string;
  readonly covers: "body" | "sender" | "nothing";
  /** The variable of its key. */
  readonly variable: string;
  /** Of a product of your own: the code of the sender. */
  readonly deluge?: string;
}

interface EventMembers {
  readonly name: string;
  readonly summary: string;
  /** It happens once to a record, so that a second delivery is a duplicate even with another body. */
  readonly once: boolean;
  /** The known values of a name with a placeholder. */
  readonly members: readonly string[];
}
