/**
 * The outcome of the last attempt outside of the queue, a mirrored answer or a replay of the same bytes: 1 for 2xx, 0 for any
 * other, NULL without one.
 */
function unqueuedOutcome(n: string): string {
  return `(SELECT CASE WHEN attempts.status BETWEEN 200 AND 299 THEN 1 ELSE 0 END FROM attempts
    WHERE attempts.n = ${n} AND (attempts.replay IS NULL OR attempts.replay = 'same')
      AND NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = ${n} AND forwards.target = attempts.target)
    ORDER BY attempts.id DESC LIMIT 1)`;
}

/** The numbers between two bounds, which are given three times, of the deliveries whose `STATE` is failed. */
export const FAILED_NUMBERS = `SELECT n FROM forwards WHERE state = 3 AND n BETWEEN ? AND ?
  UNION ALL SELECT n FROM deliveries AS mirrored
  WHERE status >= 300 AND n BETWEEN ? AND ? AND accepted = 1 AND coalesce(${unqueuedOutcome("mirrored.n")}, 0) = 0
  UNION ALL SELECT n FROM deliveries AS untargeted
  WHERE n IN (SELECT n FROM attempts WHERE replay = 'same' AND n BETWEEN ? AND ?) AND accepted = 1
    AND NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = untargeted.n) AND ${unqueuedOutcome("untargeted.n")} = 0`;

/**
 * The state of a delivery. The last outcome decides, whether of `listen` or of a replay of the same bytes: a delivery has
 * failed while that is a failure for one of the targets that it was queued for, for the app whose answer was mirrored, or,
 * where it was never queued, for the target of its last replay. An edited replay decides nothing, nor does one to another
 * target of a delivery that has targets. Without a target and a replay it stays `received`; a duplicate that waits is `waiting`.
 * Expects the table `deliveries` in scope. Looks at `forwards` once: for a million that is most of the time.
 */
export const STATE = `CASE
  WHEN accepted = 0 THEN 'rejected'
  WHEN status >= 300 AND coalesce(${unqueuedOutcome("deliveries.n")}, 0) = 0 THEN 'failed'
  ELSE CASE (SELECT min(CASE state WHEN 3 THEN 1 WHEN 2 THEN 3 ELSE 2 END) FROM forwards WHERE forwards.n = deliveries.n)
    WHEN 1 THEN 'failed'
    WHEN 2 THEN 'waiting'
    WHEN 3 THEN CASE WHEN duplicate_of IS NULL THEN 'delivered' ELSE 'duplicate' END
    ELSE CASE ${unqueuedOutcome("deliveries.n")}
      WHEN 0 THEN 'failed'
      WHEN 1 THEN CASE WHEN duplicate_of IS NULL THEN 'delivered' ELSE 'duplicate' END
      ELSE CASE WHEN duplicate_of IS NULL THEN 'received' ELSE 'duplicate' END END
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

/** Marks a delivery as failed for a target that it had been delivered to. */
export function failDelivered(n: string, target: string): string {
  return `UPDATE forwards SET state = ${FAILED} WHERE n = ${n} AND target = ${target} AND state = ${DELIVERED}`;
}
