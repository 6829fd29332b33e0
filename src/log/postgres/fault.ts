import { errorCode, errorText, UserError } from "../../util/errors.ts";
import { DamagedValue } from "../damage.ts";

type FaultKind =
  | "unreachable"
  | "untrusted"
  | "refused"
  | "forbidden"
  | "missing"
  | "locked"
  | "full"
  | "read-only"
  | "damaged"
  | "gone"
  | "io";

/** SQLSTATE by its beginning, the longest first: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const KIND_BY_STATE: readonly (readonly [prefix: string, kind: FaultKind])[] = [
  ["57014", "locked"],
  ["57P", "unreachable"],
  ["55P03", "locked"],
  ["53100", "full"],
  ["53", "unreachable"],
  ["42501", "forbidden"],
  ["42P01", "gone"],
  ["42883", "gone"],
  ["3F000", "gone"],
  ["3D000", "missing"],
  ["28", "refused"],
  ["25", "read-only"],
  ["40", "locked"],
  ["08", "unreachable"],
  ["58", "io"],
  ["XX001", "damaged"],
  ["XX002", "damaged"],
  ["XX", "io"],
];

const SYSTEM_CODES =
  /^(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EACCES|ENOTSOCK)$/;
/** Codes of a certificate that is not to be trusted: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE_CODES = /CERT|^UNABLE_TO_VERIFY/;
/** Message of pg itself, which gives it no code. */
const NO_PASSWORD = /^SASL: .*password must be a .*string/;
const DRIVER_MESSAGES =
  /^Connection terminated|^timeout (?:exceeded when trying to connect|expired)|^Client (?:was closed|has encountered a connection error)|^The server does not support SSL/;

const QUERY_TIMEOUT = /^Query read timeout/;

const MESSAGES: Readonly<
  Record<FaultKind, (path: string, reason: string) => readonly [message: string, hint: string]>
> = {
  unreachable: (path, reason) => [
    `the event log ${path} cannot be reached (${reason})`,
    "start PostgreSQL, or check the address and the network; deliveries that were answered 200 are in the log",
  ],
  untrusted: (path, reason) => [
    `the server of the event log ${path} has a certificate that is not trusted (${reason})`,
    "use the host that the certificate names, and give the file of its authority: ?sslmode=verify-full&sslrootcert=<file>",
  ],
  refused: (path, reason) => [
    `PostgreSQL refuses the connection to the event log ${path} (${reason})`,
    "check the user and the password of the address (or PGPASSWORD), and the server's pg_hba.conf",
  ],
  missing: (path, reason) => [
    `there is no event log at ${path} (${reason})`,
    "create the database with `createdb`; then `zoho-hooks listen` creates the log in it",
  ],
  forbidden: (path, reason) => [
    `the user of the address may not use the event log ${path} (${reason})`,
    "have the owner of the database run `zoho-hooks store init`, and grant this user its schema, tables and sequences",
  ],
  locked: (path, reason) => [
    `the event log ${path} did not answer in time (${reason})`,
    "see whether its server hangs or is overloaded, and what holds it up in pg_stat_activity",
  ],
  full: (path, reason) => [
    `there is no room left for the event log ${path} (${reason})`,
    "free some disk space on the database server; then `zoho-hooks events prune` can free more",
  ],
  "read-only": (path, reason) => [
    `the event log ${path} cannot be written (${reason})`,
    "connect to the primary server",
  ],
  damaged: (path, reason) => [
    `the event log ${path} is damaged (${reason})`,
    "check the disk of the database server, and restore the log from a backup",
  ],
  gone: (path, reason) => [
    `the event log ${path} was deleted while it was in use (${reason})`,
    "start listen again to create a new log",
  ],
  io: (path, reason) => [
    `the database server failed while the event log ${path} was used (${reason})`,
    "see the log of the database server",
  ],
};

/** Why PostgreSQL or the way to it failed; undefined for other errors. */
function faultKind(error: unknown): FaultKind | undefined {
  if (error instanceof DamagedValue) return "damaged";
  if (error instanceof AggregateError) return faultKind(error.errors[0]);
  const code = errorCode(error);
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && "severity" in Object(error))
    return KIND_BY_STATE.find(([prefix]) => code.startsWith(prefix))?.[1];
  if (code !== undefined && SYSTEM_CODES.test(code)) return "unreachable";
  if (code !== undefined && CERTIFICATE_CODES.test(code)) return "untrusted";
  if (NO_PASSWORD.test(errorText(error))) return "refused";
  if (QUERY_TIMEOUT.test(errorText(error))) return "locked";
  return DRIVER_MESSAGES.test(errorText(error)) ? "unreachable" : undefined;
}

/** Explains a fault to the user; returns any other error as it is. */
export function logError(error: unknown, path: string): unknown {
  const kind = error instanceof UserError ? undefined : faultKind(error);
  if (kind === undefined) return error;
  const text = errorText(error);
  const [message, hint] = MESSAGES[kind](path, NO_PASSWORD.test(text) ? "it asks for a password" : text);
  return new UserError("usage", message, hint, `log-${kind}`);
}

/** Two transactions waited for each other, or the server has ended one that a repetition may get through. */
export function isDeadlock(error: unknown): boolean {
  return /^40(?:P01|001)$/.test(errorCode(error) ?? "");
}
