/** Kept up to date while things are deleted, for whoever is to know when that throws. */
export interface RequestedDeletions {
  /** Zoho says that it has deleted them. */
  readonly confirmed: Set<string>;
  /** Zoho was asked to, and what it has done is not known. */
  readonly unanswered: Set<string>;
}

export function requestedDeletions(): RequestedDeletions {
  return { confirmed: new Set(), unanswered: new Set() };
}
