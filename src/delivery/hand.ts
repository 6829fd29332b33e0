import type { Held } from "./attempt.ts";

/** What a lane has claimed and not sent yet, and what room was made for: a few deliveries, however many wait in the log. */
export interface Hand {
  /** How many more are wanted: none where a good part of them is there still. */
  wanted(): number;
  /** What these may come to. */
  bytesLeft(): number;
  /** Makes room for one; false where there is none. */
  reserve(bytes: number): boolean;
  giveBack(bytes: number): void;
  /** Takes one in for which room was made. */
  put(one: Held): void;
  /** Takes in what the log has given. */
  add(one: Held): void;
  isEmpty(): boolean;
  /** The next to be sent, which leaves the hand. */
  next(): Held | undefined;
  /** All of them, which leave the hand. */
  drop(): readonly Held[];
}

/** Bodies may be large: the hand is never fuller than this, but for one. */
const MOST_BYTES = 2_097_152;

export function createHand(most: number): Hand {
  const hand: Held[] = [];
  let count = 0;
  let bytesHeld = 0;

  const take = (bytes: number): void => {
    count++;
    bytesHeld += bytes;
  };
  const giveBack = (bytes: number): void => {
    count--;
    bytesHeld -= bytes;
  };
  const leave = ({ source }: Held): void => giveBack(source.delivery.body.length);
  return {
    wanted: () => (count < most / 2 && bytesHeld < MOST_BYTES ? most - count : 0),
    bytesLeft: () => MOST_BYTES - bytesHeld,
    reserve(bytes) {
      if (count >= most || (count > 0 && bytesHeld + bytes > MOST_BYTES)) return false;
      take(bytes);
      return true;
    },
    giveBack,
    put: (one) => void hand.push(one),
    add(one) {
      take(one.source.delivery.body.length);
      hand.push(one);
    },
    isEmpty: () => hand.length === 0,
    next() {
      const one = hand.shift();
      if (one !== undefined) leave(one);
      return one;
    },
    drop() {
      const dropped = hand.splice(0);
      for (const one of dropped) leave(one);
      return dropped;
    },
  };
}
