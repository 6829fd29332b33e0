/** Successful attempts outside of the queue: a mirrored answer, a replay. */
function deliveredUnqueued(n: string): string {
  return `SELECT 1 FROM attempts WHERE attempts.n = ${n} AND attempts.status BETWEEN 200 AND 299
    AND NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = ${n} AND forwards.target = attempts.target)`;
}

/** The numbers between two bounds of the deliveries that have failed for a target. */
export const FAILED_NUMBERS = `SELECT n FROM forwards WHERE state = 3 AND n BETWEEN ? AND ?
  UNION ALL SELECT n FROM deliveries AS mirrored
  WHERE status >= 300 AND n BETWEEN ? AND ? AND accepted = 1 AND NOT EXISTS (${deliveredUnqueued("mirrored.n")})`;

/**
 * The state of a delivery. Without a target it stays `received`; a duplicate that
 * waits is `waiting`. Expects the table `deliveries` in scope. Looks at `forwards` once: for a million that is most of the time.
 */
export const STATE = `CASE
  WHEN accepted = 0 THEN 'rejected'
  WHEN status >= 300 AND NOT EXISTS (${deliveredUnqueued("deliveries.n")}) THEN 'failed'
  ELSE CASE (SELECT min(CASE state WHEN 3 THEN 1 WHEN 2 THEN 3 ELSE 2 END) FROM forwards WHERE forwards.n = deliveries.n)
    WHEN 1 THEN 'failed'
    WHEN 2 THEN 'waiting'
    WHEN 3 THEN CASE WHEN duplicate_of IS NULL THEN 'delivered' ELSE 'duplicate' END
    ELSE CASE
      WHEN duplicate_of IS NOT NULL THEN 'duplicate'
      WHEN EXISTS (${deliveredUnqueued("deliveries.n")}) THEN 'delivered'
      ELSE 'received' END
    END
  END`;

/** States of a row in `forwards`. Claims are not among them: the owner of the lock has them in memory. */
export const WAITING = 0;
export const DELIVERED = 2;
export const FAILED = 3;

/** Counts waiting deliveries by target. `next`: when the first is due. */
export function waitingCounts(next: string): string {
  return `SELECT each.target, count, next, received_at AS oldest FROM
      (SELECT target, count(*) AS count, ${next} AS next, min(id) AS first
        FROM forwards WHERE state = ${WAITING} GROUP BY target) AS each
    LEFT JOIN forwards ON forwards.id = first LEFT JOIN deliveries ON deliveries.n = forwards.n`;
}

/** Gives up what waits for a target. */
export function giveUp(target: string): string {
  return `UPDATE forwards SET state = ${FAILED} WHERE target = ${target} AND state = ${WAITING}`;
}
