/** Asks no more often than every `ms`, and gives the last answer in between: for what is looked at with every event. */
export function atMostEvery<T>(ms: number, clock: () => number, ask: () => T): () => T {
  let last: { readonly answer: T; readonly at: number } | undefined;
  return () => {
    const at = clock();
    // A clock that was set back asks anew, too.
    if (last === undefined || Math.abs(at - last.at) >= ms) last = { answer: ask(), at };
    return last.answer;
  };
}
